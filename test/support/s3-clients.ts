import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { startGateway, type TestGateway } from './gateway.ts';
import { kept } from './kept.ts';
import { type Finished, runProcess } from './process.ts';

/** A gateway and a clean home for the clients of S3, the same for all files of a run. */
export interface ClientsRig {
  gateway: TestGateway;
  /** A folder of this client alone. */
  home: string;
  /** Files with names that break careless servers; to be left as they are. */
  tree: string;
  /** Runs a client to its end, which must be good, and gives what it said. */
  run(command: string, args: string[], env?: Record<string, string>): Promise<string>;
  /** The same, however it ends. */
  attempt(command: string, args: string[], env?: Record<string, string>): Promise<Finished>;
  /** The access key, as AWS's own tools take it. */
  aws: Record<string, string>;
}

const shared: { rig?: Promise<{ gateway: TestGateway; root: string }> } = {};

export async function clientsRig(client: string): Promise<ClientsRig> {
  shared.rig ??= open();
  const { gateway, root } = await shared.rig;
  const home = join(root, client);
  mkdirSync(home);
  writeFileSync(join(home, 'aws.conf'), '');
  writeFileSync(join(home, 'rclone.conf'), '');
  const aws = {
    AWS_ACCESS_KEY_ID: gateway.accessKeyId,
    AWS_SECRET_ACCESS_KEY: gateway.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_CONFIG_FILE: join(home, 'aws.conf'),
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  // No profile and no variable of the machine's owner: rclone refuses every call while AWS_CA_BUNDLE is set.
  const foreign = Object.keys(process.env).filter((name) => name.startsWith('AWS_') || name.startsWith('RCLONE_'));
  const attempt: ClientsRig['attempt'] = (command, args, env = {}) =>
    runProcess('env', [...foreign.flatMap((name) => ['-u', name]), command, ...args], {
      cwd: home,
      env: { HOME: home, RCLONE_CONFIG: join(home, 'rclone.conf'), ...env },
    });
  return {
    gateway,
    home,
    tree: join(root, 'tree'),
    aws,
    attempt,
    async run(command, args, env) {
      const { code, stdout, stderr } = await attempt(command, args, env);
      expect(code, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`).to.equal(0);
      return stdout;
    },
  };
}

async function open(): Promise<{ gateway: TestGateway; root: string }> {
  const root = mkdtempSync(join(tmpdir(), 'cloudstore-s3-clients-'));
  makeTree(join(root, 'tree'));
  const gateway = await startGateway();
  kept.push(async () => {
    delete shared.rig;
    await gateway.stop();
    rmSync(root, { recursive: true, force: true });
  });
  return { gateway, root };
}

/** Names that break careless servers, an empty file, and one large enough for multipart. */
export function makeTree(root: string): void {
  mkdirSync(join(root, 'sub dir', 'ünïcode'), { recursive: true });
  writeFileSync(join(root, 'empty'), '');
  writeFileSync(join(root, 'one'), '1');
  writeFileSync(join(root, 'a+b & c=d?#%41.txt'), 'plus');
  writeFileSync(join(root, 'sub dir', "quote ' and (brackets).txt"), 'quote');
  writeFileSync(join(root, 'sub dir', 'ünïcode', '日本語 ~.txt'), 'text');
  for (let i = 0; i < 40; i++) writeFileSync(join(root, 'sub dir', `file-${i}`), `content ${i}`.repeat(i * 37));
  writeFileSync(join(root, 'large.bin'), noise(12 * 2 ** 20 + 17));
}

/** Bytes that neither compress nor repeat, the same each time. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
  return bytes;
}

export function filesBelow(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(root, name)).isFile());
}

/** SHA-256 of every file below, by its path. */
export function digestTree(root: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of filesBelow(root).sort()) {
    const path = join(root, name);
    out[relative(root, path)] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return out;
}
