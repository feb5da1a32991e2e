import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { bytesOf } from '#core/stream';
import { runProcess } from '../support/process.ts';
import { SEED, seededRandom } from '../support/random.ts';
import { openWholeStore, type WholeStore } from '../support/whole-store.ts';

/**
 * Somebody puts yesterday's copy of the database back under today's packs. What the copy knows is there; what it does not know is garbage that
 * harms nothing, and what is stored from then on goes to places of its own.
 */
describe(`a database that is older than the packs (seed ${SEED})`, function () {
  this.timeout(180_000);
  let directory: string;
  let store: WholeStore | null = null;
  const random = seededRandom(SEED);
  before(async function () {
    if (process.platform === 'win32') this.skip(); // it copies with cp, which keeps the owners
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-restored-'));
  });
  afterEach(async () => {
    await store?.close();
    store = null;
  });
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  const bodies = (prefix: string): Map<string, Buffer> =>
    new Map([100, 2000, 70_000, 1_500_000].map((size) => [`${prefix}/${size}`, random(size)]));
  const open = async (): Promise<WholeStore> => (store = await openWholeStore(join(directory, 'data')));
  async function close(): Promise<void> {
    await store?.close();
    store = null;
  }
  async function putAll({ namespace, who, bucket }: WholeStore, all: Map<string, Buffer>): Promise<void> {
    for (const [key, bytes] of all) {
      await namespace.put(who, { bucket: bucket.id, key }, bytesOf(bytes), { etag: 'opaque', size: bytes.length });
    }
  }
  async function expectAll({ read }: WholeStore, all: Map<string, Buffer>): Promise<void> {
    for (const [key, bytes] of all) expect((await read(key))?.equals(bytes), key).to.equal(true);
  }
  const copy = async (from: string, to: string): Promise<void> => {
    const { code, stderr } = await runProcess('cp', ['-a', join(directory, from), join(directory, to)]);
    expect(code, stderr).to.equal(0);
  };
  const packs = (): Map<string, Buffer> => {
    const path = join(directory, 'data', 'packs');
    const names = readdirSync(path).filter((name) => name.endsWith('.pack'));
    return new Map(names.map((name) => [name, readFileSync(join(path, name))]));
  };

  it('opens, reads what it knows, takes what is new, and destroys nothing', async () => {
    mkdirSync(join(directory, 'data'));
    const [old, later, after] = [bodies('old'), bodies('later'), bodies('after')];
    let running = await open();
    await putAll(running, old);
    await close();
    await copy('data/postgres', 'copy');

    // What the copy will not know: new files, changed and removed ones, what deduplicates against both.
    running = await open();
    await putAll(running, later);
    const changed = new Map([...old].slice(0, 2).map(([key, bytes]) => [key, Buffer.concat([bytes, bytes])]));
    await putAll(running, changed);
    const [, , third] = [...old.keys()];
    await running.namespace.remove(running.who, { bucket: running.bucket.id, key: third! });
    await expectAll(running, new Map([...later, ...changed]));
    await close();
    const before = packs();

    rmSync(join(directory, 'data', 'postgres'), { recursive: true });
    await copy('copy', 'data/postgres');

    running = await open();
    await expectAll(running, old);
    for (const key of later.keys()) expect(await running.read(key), key).to.equal(null);
    // The same bytes as those that were stored behind its back, under their names and others, and new ones.
    await putAll(running, later);
    await putAll(running, new Map([...later].map(([key, bytes]) => [`again/${key}`, bytes])));
    await putAll(running, after);
    const all = new Map([...old, ...later, ...after]);
    await expectAll(running, all);
    await close();

    running = await open();
    await expectAll(running, all);
    for (const [key, bytes] of all) {
      const current = await running.metadata.store.current({ bucket: running.bucket.id, key });
      expect(current?.size).to.equal(bytes.length);
      await running.content.verify(current!.content!);
    }
    const { epoch, seq } = await running.metadata.journal.head(running.bucket.id);
    const events = await running.metadata.journal.since(running.bucket.id, { epoch, seq: 0 }, 1000);
    expect(events.map(({ cursor }) => cursor.seq)).to.deep.equal(Array.from({ length: seq }, (_, n) => n + 1));
    await close();
    const now = packs();
    for (const [name, bytes] of before) expect(now.get(name)?.equals(bytes), `${name} is as it was`).to.equal(true);
  });
});
