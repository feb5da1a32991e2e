import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { presign } from './presign.ts';
import { findProgram } from './programs.ts';

export interface PeerKeys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Another S3 server, for measuring beside ours and for asking what it answers. */
export interface Peer {
  program: string;
  /** Where its makers offer it, by the package's name. */
  install: string;
  /** What it does before it answers a PUT, at its defaults. */
  durability: string;
  /** Arguments and environment for a directory of its own and a port. `features`: all that it can, not its defaults. */
  start(directory: string, port: number, keys: PeerKeys, features: boolean): { args: string[]; env?: Record<string, string> };
  /** What must be done once it runs. */
  prepare?(directory: string, run: (args: string[]) => Promise<string>, keys: PeerKeys): Promise<void>;
  /** Some make their own keys. */
  keys?: PeerKeys;
}

/** An answer within this says that it is up. */
const START_MS_MAX = 30_000;

/** Each by its package's own defaults for one disk. */
export const PEERS: Record<string, Peer> = {
  versitygw: {
    program: 'versitygw',
    install: 'go install github.com/versity/versitygw/cmd/versitygw@latest',
    durability: 'no fsync',
    start: (directory, port, { accessKeyId, secretAccessKey }, features) => ({
      args: [
        '--access',
        accessKeyId,
        '--secret',
        secretAccessKey,
        '--port',
        `127.0.0.1:${port}`,
        '--quiet',
        ...(features ? ['--iam-dir', made(directory, 'iam')] : []),
        'posix',
        ...(features ? ['--versioning-dir', made(directory, 'versions')] : []),
        made(directory, 'data'),
      ],
    }),
  },
  'rclone serve s3': {
    program: 'rclone',
    install: 'go install github.com/rclone/rclone@latest (Debian’s is older than `serve s3`)',
    durability: 'no fsync',
    start: (directory, port, { accessKeyId, secretAccessKey }) => {
      writeFileSync(join(directory, 'rclone.conf'), '');
      const addr = ['--addr', `127.0.0.1:${port}`, '--auth-key', `${accessKeyId},${secretAccessKey}`];
      return { args: ['serve', 's3', ...addr, made(directory, 'data')], env: { RCLONE_CONFIG: join(directory, 'rclone.conf') } };
    },
  },
  MinIO: {
    program: 'minio',
    install: 'go install github.com/minio/minio@latest',
    durability: 'fsyncs',
    start: (directory, port, { accessKeyId, secretAccessKey }) => ({
      args: ['server', '--quiet', '--address', `127.0.0.1:${port}`, made(directory, 'data')],
      env: { MINIO_ROOT_USER: accessKeyId, MINIO_ROOT_PASSWORD: secretAccessKey },
    }),
  },
  SeaweedFS: {
    program: 'weed',
    install:
      'GOFLAGS=-mod=mod go build ./weed in a copy of its module (`go mod download github.com/seaweedfs/seaweedfs@latest`): go install refuses one that replaces another',
    durability: 'no fsync',
    start(directory, port, { accessKeyId, secretAccessKey }, features) {
      const credentials = [{ accessKey: accessKeyId, secretKey: secretAccessKey }];
      // Its other servers, which otherwise have ports of their own choosing, and those of gRPC 10,000 above them.
      const ports = [
        'master.port',
        'master.port.grpc',
        'volume.port',
        'volume.port.grpc',
        'filer.port',
        'filer.port.grpc',
        's3.port.grpc',
      ];
      // Each bucket takes volumes of its own, of which there are eight by default.
      const volumes = features ? ['-volume.max=2000', '-master.volumeSizeLimitMB=64'] : [];
      const config = join(directory, 's3.json');
      writeFileSync(config, JSON.stringify({ identities: [{ name: 'bench', credentials, actions: ['Admin'] }] }));
      return {
        args: [
          ...['server', '-ip=127.0.0.1', `-dir=${made(directory, 'data')}`, '-s3', `-s3.port=${port}`, `-s3.config=${config}`],
          ...['-s3.port.iceberg=0', '-s3.port.lance=0', ...ports.map((name, i) => `-${name}=${port + 1 + i}`), ...volumes],
        ],
      };
    },
  },
  Garage: {
    program: 'garage',
    install: 'cargo install garage, or its release on PATH',
    durability: 'no fsync (data_fsync and metadata_fsync are off by default)',
    // Its ids have a form of their own.
    keys: {
      accessKeyId: 'GK31c2f218a2e44f485b94239e',
      secretAccessKey: 'b892c0665f0ada8a4755dae98baa3b133590e11dae3bcc1f9d769d67f16c3835',
    },
    start(directory, port) {
      const config = join(directory, 'garage.toml');
      writeFileSync(
        config,
        `metadata_dir = "${made(directory, 'meta')}"\ndata_dir = "${made(directory, 'data')}"\ndb_engine = "lmdb"\nreplication_factor = 1\n` +
          `rpc_bind_addr = "127.0.0.1:${port + 1}"\nrpc_public_addr = "127.0.0.1:${port + 1}"\nrpc_secret = "${'1799bccfd7411eddcf9ebd316bc1f5287ad12a68094e1c6ac6abde7e6feae1ec'}"\n` +
          `[s3_api]\ns3_region = "us-east-1"\napi_bind_addr = "127.0.0.1:${port}"\n`,
      );
      return { args: ['-c', config, 'server'] };
    },
    /** One node is a cluster once it has a layout. */
    async prepare(directory, run, { accessKeyId, secretAccessKey }) {
      const ask = (...args: string[]): Promise<string> => run(['-c', join(directory, 'garage.toml'), ...args]);
      const node = (await again(() => ask('node', 'id', '-q'))).trim().split('@')[0] ?? '';
      await again(() => ask('status'));
      await ask('layout', 'assign', '-z', 'one', '-c', '100G', node);
      await ask('layout', 'apply', '--version', '1');
      await ask('key', 'import', '--yes', accessKeyId, secretAccessKey);
      await ask('key', 'allow', '--create-bucket', accessKeyId);
    },
  },
};

export interface RunningPeer extends PeerKeys {
  url: string;
  stop(): Promise<void>;
}

/** Starts a peer in a directory and makes a bucket in it. null: its program is not on PATH. @throws where it does not start */
export async function startPeer(
  peer: Peer,
  directory: string,
  bucket: string,
  given: PeerKeys,
  features = false,
): Promise<RunningPeer | null> {
  const path = findProgram(peer.program);
  if (path === null) return null;
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const keys = peer.keys ?? given;
  const { args, env = {} } = peer.start(directory, port, keys, features);
  const environment = { PATH: process.env.PATH ?? '', HOME: directory, ...env };
  const child = spawn(path, args, { stdio: 'ignore', env: environment, cwd: directory });
  const stop = (): Promise<void> => end(child);
  const url = `http://127.0.0.1:${port}`;
  try {
    await peer.prepare?.(directory, (more) => output(path, more, environment), keys);
    const until = performance.now() + START_MS_MAX;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} (an older version may not know the command)`);
      if (performance.now() > until) throw new Error('it does not answer');
      const answer = await fetch(presign('PUT', `${url}/${bucket}`, keys, new Date()), { method: 'PUT' }).catch(() => null);
      if (answer !== null && (answer.ok || answer.status === 409)) return { url, ...keys, stop };
      await sleep(200);
    }
  } catch (error) {
    await stop();
    throw error;
  }
}

function made(directory: string, name: string): string {
  const path = join(directory, name);
  mkdirSync(path, { recursive: true });
  return path;
}

async function again(run: () => Promise<string>): Promise<string> {
  for (let left = 50; ; left--) {
    try {
      return await run();
    } catch (error) {
      if (left === 0) throw error;
      await sleep(200);
    }
  }
}

function output(program: string, args: string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let [said, failed] = ['', ''];
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    child.stderr.on('data', (chunk) => {
      failed += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(said) : reject(new Error(`${args.join(' ')}: ${failed.trim()}`))));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(late);
}
