import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLog } from '#blob/log';
import { decodePackHeader, decodePackIndex, decodePackTrailer, TRAILER_BYTES } from '#blob/pack-format';
import type { ChunkPlace } from '#contracts/content';
import { decodeContentRef, encodeContentRef } from '#core/content-ref';
import { CLOCK, GOLDEN_PARTS, makeGolden, makeTorn, openGolden, readRows, TORN_RECORDS, textsOf } from '../../support/golden.ts';
import { DIRECT_RECORDS, makeDirect, packsOf } from '../../support/golden-direct.ts';
import { seededRandom } from '../../support/random.ts';

const GOLDEN = join(import.meta.dirname, '../../golden');
/** What today's code writes. Older directories stay, and are read. */
const CURRENT = 'v1.1';
const versions = readdirSync(GOLDEN, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() && entry.name.startsWith('v') ? [entry.name] : [],
);

describe('golden files of the format', () => {
  let work: string;
  before(async () => {
    // Only for a version that has never been released: test/golden/README.md.
    const current = join(GOLDEN, CURRENT);
    if (process.env.CLOUDSTORE_TEST_GOLDEN !== 'write') return;
    rmSync(current, { recursive: true, force: true });
    for (const part of GOLDEN_PARTS) {
      mkdirSync(join(current, part), { recursive: true });
      await makeGolden(part, join(current, part));
    }
    await makeTorn(join(current, 'torn'));
    await makeDirect(join(current, 'direct'));
  });
  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'cloudstore-golden-'));
  });
  afterEach(() => rmSync(work, { recursive: true, force: true }));

  const packsIn = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.pack'));

  for (const version of versions) {
    for (const part of GOLDEN_PARTS) {
      it(`${version}, ${part}: every byte is read`, async () => {
        const golden = join(GOLDEN, version, part);
        cpSync(golden, work, { recursive: true });
        const rows = readRows(golden);
        const store = await openGolden(work, 'reading', { compression: true, encryption: true }, rows);
        const texts = textsOf(part);
        expect(Object.keys(rows.contents)).to.deep.equal(Object.keys(texts));
        for (const [name, expected] of Object.entries(texts)) {
          const bytes = Buffer.from(rows.contents[name]!, 'hex');
          const content = decodeContentRef(bytes);
          expect(encodeContentRef(content).equals(bytes)).to.equal(true);
          const read: Uint8Array[] = [];
          for await (const piece of store.content.read(content)) read.push(piece);
          expect(Buffer.concat(read).equals(expected), name).to.equal(true);
          await store.content.verify(content);
        }
        const { context, plaintext, sealed } = rows.secret;
        expect(store.keyring.open(Buffer.from(sealed, 'hex'), context).toString()).to.equal(plaintext);
        await store.content.close();
        await store.log.close();
      });

      it(`${version}, ${part}: every pack tells what is in it`, () => {
        const golden = join(GOLDEN, version, part);
        const { chunks } = readRows(golden);
        for (const name of packsIn(golden)) {
          const bytes = readFileSync(join(golden, name));
          const header = decodePackHeader(bytes);
          expect(header).to.deep.equal({ id: name.slice(0, 32), instance: 'c1'.repeat(16), created: CLOCK.now() });
          const trailer = decodePackTrailer(bytes.subarray(-TRAILER_BYTES))!;
          expect(trailer.sealed).to.equal(CLOCK.now());
          const index = decodePackIndex(bytes.subarray(trailer.offset, -TRAILER_BYTES), trailer);
          const inside = chunks.filter(({ pack }) => `${pack}.pack` === name);
          expect(index.map(({ offset, length }) => [offset, length])).to.have.deep.members(
            inside.map(({ offset, length }) => [offset, length]),
          );
          for (const { offset, label } of index) {
            expect(label.subarray(0, 72)).to.deep.equal(bytes.subarray(offset, offset + 72));
            expect(label.toString('hex', 32, 64)).to.equal(inside.find((chunk) => chunk.offset === offset)?.id);
          }
        }
      });
    }

    it(`${version}, torn: what was open is sealed up to its last whole record`, async () => {
      cpSync(join(GOLDEN, version, 'torn'), work, { recursive: true });
      const [name] = readdirSync(join(work, 'open')) as [string];
      const random = seededRandom('any');
      const log = await createLog({ directory: work, disk: nodeDiskOps(), clock: CLOCK, random });
      let offset = 64;
      for (const record of TORN_RECORDS.slice(0, 2)) {
        offset += 16;
        const place = { store: 0, pack: name.slice(0, 32), offset, length: record.length };
        expect((await log.read(place, 0, record.length)).equals(record)).to.equal(true);
        offset += record.length;
      }
      await log.close();
      expect(existsSync(join(work, 'open', name))).to.equal(false);
      const sealed = readFileSync(join(work, name));
      expect(decodePackTrailer(sealed.subarray(-TRAILER_BYTES))).to.include({ count: 2, offset });
    });

    if (existsSync(join(GOLDEN, version, 'direct'))) {
      it(`${version}, direct: batches between zeros are read, and found again after a crash`, async () => {
        const golden = join(GOLDEN, version, 'direct');
        cpSync(golden, work, { recursive: true });
        const [torn] = packsOf(join(work, 'open')) as [string];
        const places: ChunkPlace[] = JSON.parse(readFileSync(join(golden, 'places.json'), 'utf8'));
        const log = await createLog({ directory: work, disk: nodeDiskOps(), clock: CLOCK, random: seededRandom('any') });
        for (const [n, place] of places.entries()) {
          const record = DIRECT_RECORDS[n]!;
          expect((await log.read(place, 0, record.length)).equals(record), `record ${n}`).to.equal(true);
          // The same batches in both, but for the last, which was torn.
          if (n < places.length - 2) {
            const after = await log.read({ ...place, pack: torn.slice(0, 32) }, 0, record.length);
            expect(after.equals(record), `record ${n} of the torn one`).to.equal(true);
          }
        }
        await log.close();
        expect(packsOf(join(work, 'open'))).to.deep.equal([]);
        const trailer = decodePackTrailer(readFileSync(join(work, torn)).subarray(-TRAILER_BYTES));
        expect(trailer).to.include({ count: places.length - 2, offset: places.at(-3)!.offset + places.at(-3)!.length });
      });
    }
  }

  it('what is written past the page cache is what was written then, byte by byte, each batch from a border of 4,096 bytes on', async () => {
    await makeDirect(work);
    const golden = join(GOLDEN, CURRENT, 'direct');
    for (const name of [...packsOf(golden), ...packsOf(join(golden, 'open')).map((open) => join('open', open))]) {
      expect(readFileSync(join(work, name)).equals(readFileSync(join(golden, name))), name).to.equal(true);
    }
    expect(readFileSync(join(work, 'places.json'))).to.deep.equal(readFileSync(join(golden, 'places.json')));
    const places: ChunkPlace[] = JSON.parse(readFileSync(join(golden, 'places.json'), 'utf8'));
    expect(places.map(({ offset }) => (offset - 16) % 4096)).to.deep.equal([0, 516, 0, 0, 0, 9016 % 4096]);
  });

  for (const part of ['plain', 'unencrypted'] as const)
    it(`${part}: what is written today is what was written then, byte by byte`, async () => {
      await makeGolden(part, work);
      const golden = join(GOLDEN, CURRENT, part);
      expect(readdirSync(work).sort()).to.deep.equal(readdirSync(golden).sort());
      for (const name of packsIn(golden)) {
        const [now, then] = [readFileSync(join(work, name)), readFileSync(join(golden, name))];
        const differs = now.findIndex((byte, at) => byte !== then[at]);
        expect([now.length, differs], `${name} differs at ${differs}`).to.deep.equal([then.length, -1]);
      }
      expect(readRows(work)).to.deep.equal(readRows(golden));
    });

  it('what is compressed has the same ids and references as then, whatever the compressor made of it', async () => {
    await makeGolden('compressed', work);
    const [now, then] = [readRows(work), readRows(join(GOLDEN, CURRENT, 'compressed'))];
    expect(now.wrapped).to.equal(then.wrapped);
    // Not of the long one: where cuts fall is no part of the format.
    for (const name of ['compressed text', 'rough']) expect(now.contents[name], name).to.equal(then.contents[name]);
  });

  it('an open pack is written as then', async () => {
    await makeTorn(work);
    const golden = join(GOLDEN, CURRENT, 'torn', 'open');
    expect(readdirSync(join(work, 'open'))).to.deep.equal(readdirSync(golden));
    for (const name of readdirSync(golden)) {
      expect(readFileSync(join(work, 'open', name)).equals(readFileSync(join(golden, name)))).to.equal(true);
    }
  });
});
