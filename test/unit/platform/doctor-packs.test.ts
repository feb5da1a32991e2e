import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { examinePacks } from '../../../src/cli/doctor-packs.ts';
import { loadConfig } from '../../../src/config/load.ts';

describe('doctor, of packs', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-doctor-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const examine = (environment: Record<string, string> = {}) =>
    examinePacks(
      loadConfig({
        flags: { 'data-dir': directory },
        environment,
        workingDirectory: directory,
        defaultDataDirectory: directory,
        configDirectory: null,
      }),
      { now: () => 10_000_000_000 },
    );

  it('counts packs, and finds a disk that is not mounted', async () => {
    mkdirSync(join(directory, 'packs', 'open'), { recursive: true });
    writeFileSync(join(directory, 'packs', `${'a'.repeat(32)}.pack`), Buffer.alloc(3 << 20));
    writeFileSync(join(directory, 'packs', 'cloudstore-store.json'), '{}');
    const [packs, disk] = await examine({ CLOUDSTORE_PACK_DIRS: join(directory, 'disk') });
    expect(packs).to.include({ status: 'ok', detail: '1 of 3 MiB' });
    expect(disk).to.include({ name: `disk ${join(directory, 'disk')}`, status: 'warn' });
  });

  it('warns of packs that have waited for long, and of a store that does not answer, without its secret', async () => {
    mkdirSync(join(directory, 'spool'));
    const pack = join(directory, 'spool', `${'b'.repeat(32)}.pack`);
    writeFileSync(pack, 'x');
    utimesSync(pack, 9_999_990, 9_999_990);
    const url = 's3://KEY:topsecret@bucket/p?endpoint=http%3A%2F%2F127.0.0.1%3A1';
    const [, store, waiting] = await examine({ CLOUDSTORE_CHUNKS_URL: url });
    expect(store).to.include({ name: 'chunk store', status: 'fail' });
    expect(JSON.stringify(store)).to.contain('does not answer').and.not.contain('topsecret');
    expect(waiting).to.include({ name: 'packs on their way', status: 'ok' });
    utimesSync(pack, 9_990_000, 9_990_000);
    expect((await examine({ CLOUDSTORE_CHUNKS_URL: url }))[2]).to.include({ status: 'warn' });
  });
});
