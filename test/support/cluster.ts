import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { quiet } from './database.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { startRedis } from './redis.ts';

export interface Cluster {
  /** The names of gateways are those of their data directories: the same name again is the same gateway, started anew. */
  start(name: string, env?: Record<string, string>): Promise<TestGateway>;
  /** What its packs are in. */
  store: TestGateway;
  chunksUrl: string;
  stop(): Promise<void>;
}

/** One Postgres, one Redis and one S3 store, which is a gateway of its own; and as many gateways on them as a test wants. */
export async function startCluster(): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-cluster-'));
  const [server, redis, store] = await Promise.all([
    startEmbeddedPostgres({ dataDirectory: join(directory), clock: Date, random: randomBytes, log: quiet }),
    startRedis(directory),
    startGateway(),
  ]);
  const gateways = new Map<string, TestGateway>();
  let first: TestGateway | null = null;
  const { accessKeyId, secretAccessKey, bucket, s3Url } = store;
  const chunksUrl = `s3://${accessKeyId}:${secretAccessKey}@${bucket}/packs?endpoint=${encodeURIComponent(s3Url)}`;
  const databaseUrl = `postgres:///cloudstore?host=${encodeURIComponent(server.connection.socketDirectory)}&user=cloudstore`;
  return {
    store,
    chunksUrl,
    async start(name, env = {}) {
      const key = first === null ? {} : { CLOUDSTORE_MASTER_KEY: readFileSync(join(first.dataDir, 'master.key'), 'utf8').trim() };
      const gateway = await startGateway({
        dataDir: join(directory, name),
        env: {
          CLOUDSTORE_DATABASE_URL: databaseUrl,
          CLOUDSTORE_REDIS_URL: redis.url,
          CLOUDSTORE_CHUNKS_URL: chunksUrl,
          ...(first?.dataDir === join(directory, name) ? {} : key),
          ...env,
        },
      });
      gateways.set(name, gateway);
      first ??= gateway;
      const { user, password, accessKeyId: id, secretAccessKey: secret, bucket: home } = first;
      return Object.assign(gateway, { user, password, accessKeyId: id, secretAccessKey: secret, bucket: home });
    },
    async stop() {
      for (const gateway of gateways.values())
        if (gateway.process.exitCode === null && gateway.process.signalCode === null) await gateway.stop();
      redis.process.kill('SIGKILL');
      if (redis.process.exitCode === null && redis.process.signalCode === null) await once(redis.process, 'exit');
      await store.stop();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
