import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Logger } from '#contracts/observability';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { startRedis } from '../support/redis.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

describe('the gateway on services of the owner', function () {
  this.timeout(120_000);
  let directory: string;
  let server: EmbeddedPostgres;
  const gateways: TestGateway[] = [];
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-external-'));
    // To the gateway this is any Postgres: it gets a URL, and neither starts nor stops it.
    server = await startEmbeddedPostgres({ dataDirectory: directory, clock: Date, random: randomBytes, log: silent });
  });
  afterEach(async () => {
    for (const gateway of gateways.splice(0)) if (gateway.process.exitCode === null) await gateway.stop();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const databaseUrl = (): string =>
    `postgres:///cloudstore?host=${encodeURIComponent(server.connection.socketDirectory)}&user=cloudstore`;
  const start = async (name: string, env: Record<string, string> = {}): Promise<TestGateway> => {
    const gateway = await startGateway({
      dataDir: join(directory, name),
      env: { CLOUDSTORE_DATABASE_URL: databaseUrl(), ...env },
    });
    gateways.push(gateway);
    return gateway;
  };
  const login = async ({ restUrl }: TestGateway, user: string, password: string): Promise<number> =>
    (
      await fetch(`${restUrl}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user, password }),
      })
    ).status;

  it('serves from a Postgres that it is given, and leaves it running', async () => {
    const gateway = await start('one');
    expect(await login(gateway, gateway.user, gateway.password)).to.equal(200);
    expect(await gateway.stop()).to.equal(0);
    const again = await start('one');
    expect(await login(again, gateway.user, gateway.password)).to.equal(200);
  });

  it('refuses a second gateway without the same master key and the same chunk store', async () => {
    const first = await start('one');
    const env = {
      CLOUDSTORE_DATABASE_URL: databaseUrl(),
      CLOUDSTORE_DATA_DIR: join(directory, 'two'),
      CLOUDSTORE_PORT: '0',
      CLOUDSTORE_S3_PORT: '0',
    };
    const refused = await cloudstore(['serve'], { env: { ...env, CLOUDSTORE_LOG_LEVEL: 'error' } });
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain('master key').and.contain('CLOUDSTORE_MASTER_KEY');
    const key = readFileSync(join(directory, 'one', 'master.key'), 'utf8').trim();
    // With the key, but with packs of its own, it could not read what the first one stores.
    const elsewhere = await cloudstore(['serve'], {
      env: { ...env, CLOUDSTORE_LOG_LEVEL: 'error', CLOUDSTORE_MASTER_KEY: key },
    });
    expect(elsewhere.code).to.equal(1);
    expect(elsewhere.stderr).to.contain('is not the store of packs that the database knows').and.contain(join(directory, 'one'));
    expect(await login(first, first.user, first.password)).to.equal(200);
  });

  it('answers commands from the same database', async () => {
    await start('one');
    const env = { CLOUDSTORE_DATABASE_URL: databaseUrl(), CLOUDSTORE_DATA_DIR: join(directory, 'one') };
    const made = await cloudstore(['user', 'add', 'zoe', '--json'], { env });
    expect(made.code, made.stderr).to.equal(0);
    const [gateway] = gateways;
    if (gateway !== undefined) expect(await login(gateway, 'zoe', JSON.parse(made.stdout).password)).to.equal(200);
    const checked = await cloudstore(['doctor', '--json'], { env });
    expect(JSON.parse(checked.stdout).findings.find(({ name }: { name: string }) => name === 'database').detail).to.contain(
      'external',
    );
  });

  describe('with Redis', () => {
    requireProgram('redis-server');

    it('gets slower, never wrong, when Redis goes away', async () => {
      const redis = await startRedis(directory);
      const gateway = await start('one', { CLOUDSTORE_REDIS_URL: redis.url });
      try {
        expect(await login(gateway, gateway.user, gateway.password)).to.equal(200);
        redis.process.kill('SIGKILL');
        await once(redis.process, 'exit');
        expect(await login(gateway, gateway.user, gateway.password)).to.equal(200);
        expect((await fetch(presign('GET', `${gateway.s3Url}/`, gateway, new Date()))).status).to.equal(200);
        expect((await fetch(`${gateway.webUrl}/readyz`)).status).to.equal(200);
      } finally {
        redis.process.kill('SIGKILL');
      }
    });
  });
});
