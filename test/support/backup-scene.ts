import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startGateway, type TestGateway } from './gateway.ts';
import { presign } from './presign.ts';
import { cloudstore } from './process.ts';
import { SEED, seededRandom } from './random.ts';

export interface Key {
  accessKeyId: string;
  secretAccessKey: string;
}

/** A gateway with some files, of which backups are made. */
export interface BackupScene {
  /** All of it, also what tests put there, goes with `close`. */
  directory: string;
  dataDir: string;
  backups: string;
  /** The master key, in hex. */
  key: string;
  gateway: TestGateway;
  ann: Key & { password: string };
  /** What the bucket holds. */
  files: Map<string, Buffer>;
  /** A command on a data directory; gives what it says as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a foreign border; tests look into answers of any shape
  run(data: string, args: string[], code?: number, env?: Record<string, string>): Promise<any>;
  put(name: string, body: Buffer): Promise<void>;
  remove(name: string): Promise<void>;
  /** Every file, byte for byte, from this gateway. */
  expectBytes(of: TestGateway, keys: Key): Promise<void>;
  close(): Promise<void>;
}

export async function openBackupScene(): Promise<BackupScene> {
  const files = new Map<string, Buffer>();
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-backup-'));
  const dataDir = join(directory, 'data');
  const gateway = await startGateway({ dataDir });
  const url = (to: TestGateway, name: string) => `${to.s3Url}/home/${name}`;
  const run: BackupScene['run'] = async (data, args, code = 0, env = {}) => {
    const finished = await cloudstore([...args, '--json'], { env: { CLOUDSTORE_DATA_DIR: data, ...env } });
    expect(finished.code, `${args.join(' ')}\n${finished.stdout}\n${finished.stderr}`).to.equal(code);
    return finished.stdout === '' ? { stderr: finished.stderr } : JSON.parse(finished.stdout);
  };
  const put: BackupScene['put'] = async (name, body) => {
    const to = presign('PUT', url(gateway, name), gateway, new Date());
    const answer = await fetch(to, { method: 'PUT', body: new Uint8Array(body) });
    expect(answer.status, name).to.equal(200);
    files.set(name, body);
  };
  const key = readFileSync(join(dataDir, 'master.key'), 'utf8').trim();
  const ann = await run(dataDir, ['user', 'add', 'ann', '--key']);
  for (let index = 0; index < 12; index++) await put(`photos/${index}.jpg`, seededRandom(`${SEED}-${index}`)(index * 40_000));
  await put('big.bin', seededRandom(`${SEED}-big`)(5_000_000));
  await put('note.txt', Buffer.from('small'));
  return {
    ...{ directory, dataDir, backups: join(directory, 'backups'), key, gateway, ann, files, run, put },
    async remove(name) {
      await fetch(presign('DELETE', url(gateway, name), gateway, new Date()), { method: 'DELETE' });
      files.delete(name);
    },
    async expectBytes(of, keys) {
      for (const [name, body] of files) {
        const answer = await fetch(presign('GET', url(of, name), keys, new Date()));
        expect(answer.status, name).to.equal(200);
        expect(Buffer.from(await answer.arrayBuffer()).equals(body), name).to.equal(true);
      }
    },
    async close() {
      if (gateway.process.exitCode === null && gateway.process.signalCode === null) await gateway.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
