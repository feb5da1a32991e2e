import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import type { Staged } from '#contracts/content';
import type { ContentRef } from '#core/content-ref';
import { bytesOf, dispose } from '#core/stream';
import { type ContentRig, describeContent } from '../../conformance/content.ts';
import { openEngine, openMemoryContent, rowsInMemory } from '../../support/content-rig.ts';
import { seededRandom } from '../../support/random.ts';
import { codeOf } from '../../support/rooms.ts';

describeContent('the engine on disk', () => openEngine('disk'));
describeContent('the engine with packs of other gateways, one thread, no compression, little memory', () =>
  openEngine('blobs', rowsInMemory(), { threads: 0, compression: false, memoryBytesMax: 12 << 20 }),
);
describeContent('the engine on disk, without encryption', () => openEngine('disk', rowsInMemory(), { encryption: false }));
describeContent('memory, as other rooms test with', async () => openMemoryContent());

describe('a body whose chunks are named on another thread', () => {
  it('is the one that this thread would name', async () => {
    const modes = [2, 0, 2];
    const rig = await openEngine('disk', rowsInMemory(), () => ({ threads: modes[0]! }));
    const bytes = seededRandom('named elsewhere')(20_000_000);
    const contents: Staged[] = [];
    for (let round = 0; round < 3; round++) {
      const staged = await rig
        .content()
        .write(bytesOf(bytes), { domain: rig.domains[0], ...(round === 2 ? { digests: ['md5'] } : {}) });
      await rig.commit(staged);
      contents.push(staged);
      modes.shift();
      await rig.stored!.reopen();
    }
    const [first, ...others] = contents;
    expect(first!.content).to.have.property('kind', 'manifest');
    for (const { content, contentHash, chunks } of others) {
      expect(content).to.deep.equal(first!.content);
      expect(contentHash).to.deep.equal(first!.contentHash);
      expect(chunks, 'stored again').to.deep.equal([]);
    }
    await rig.close();
  });
});

describe('what is not encrypted', () => {
  const SIZES = [1, 1000, 5000, 70_000, 3_000_000];
  const written = async (rig: ContentRig, compressible = false): Promise<ContentRef[]> => {
    const contents: ContentRef[] = [];
    for (const size of SIZES) {
      const bytes = compressible ? Buffer.alloc(size, 'over and over again ') : seededRandom(`plain ${size}`)(size);
      const staged = await rig.content().write(bytesOf(bytes), { domain: rig.domains[0] });
      await rig.commit(staged);
      contents.push(staged.content);
    }
    return contents;
  };
  const readAll = async (rig: ContentRig, contents: ContentRef[]): Promise<string[]> => {
    const codes: string[] = [];
    for (const [index, content] of contents.entries()) {
      const parts: Uint8Array[] = [];
      const reading = async () => {
        for await (const part of rig.content().read(content)) parts.push(part);
        if (!Buffer.concat(parts).equals(seededRandom(`plain ${SIZES[index]}`)(SIZES[index]!))) throw new Error('other bytes');
      };
      codes.push(await codeOf(reading()));
      if (codes.at(-1) !== 'none') expect(parts.length).to.equal(0);
    }
    return codes;
  };

  it('is read beside what is, and counts for nothing where encryption was never off', async () => {
    for (const [was, code] of [
      [true, 'none'],
      [false, 'corrupt'],
    ] as const) {
      const rows = rowsInMemory();
      const modes = [{ encryption: false }, { encryption: true, wasPlain: async () => was }];
      const rig = await openEngine('disk', rows, () => modes[0]!);
      const contents = await written(rig);
      modes.shift();
      await rig.stored!.reopen();
      expect(await readAll(rig, contents)).to.deep.equal(SIZES.map(() => code));
      for (const content of contents) expect(await codeOf(rig.content().verify(content))).to.equal(code);
      expect(await codeOf(rig.content().concat(contents.slice(0, 2), rig.domains[0]))).to.equal(code);
      const again = await written(rig);
      // Deduplicated against what is there, whatever it is; what has no chunk is sealed.
      expect(again[2]).to.deep.equal(contents[2]);
      expect(again[0]!.kind === 'inline' && again[0]!.sealed[1]).to.equal(1);
      await rig.close();
    }
  });

  it('lies in its pack as it is, unless it is compressed', async () => {
    const needle = seededRandom('plain 70000')(70_000).subarray(30_000, 30_100);
    for (const [encryption, found] of [
      [false, true],
      [true, false],
    ] as const) {
      const rig = await openEngine('disk', rowsInMemory(), { encryption });
      await written(rig);
      await written(rig, true);
      expect(await rig.stored!.holds(needle)).to.equal(found);
      await rig.close();
    }
  });
});

describe('the memory of what is read', () => {
  for (const threads of [0, 2])
    it(`serves again only when its consumer has disposed of it, with ${threads} threads`, async () => {
      const seed = process.env.CLOUDSTORE_TEST_SEED ?? String(randomInt(2 ** 31));
      const random = seededRandom(`lent ${seed}`);
      // Little memory: what is given back is needed at once.
      const rig = await openEngine('disk', rowsInMemory(), { threads, memoryBytesMax: 12 << 20 });
      const bodies = await Promise.all(
        [5_000_000, 7_000_000, 3_000_001].map(async (size) => {
          const bytes = seededRandom(`lent ${seed} ${size}`)(size);
          const staged = await rig.content().write(bytesOf(bytes), { domain: rig.domains[0] });
          await rig.commit(staged);
          return { bytes, content: staged.content };
        }),
      );
      const memories = new Set<ArrayBufferLike>();
      let pieces = 0;
      async function readOne(at: number): Promise<void> {
        const { bytes, content } = bodies[at % bodies.length]!;
        const start = at < bodies.length ? 0 : random(2).readUInt16BE(0) * 16;
        const held: { piece: Uint8Array; from: number }[] = [];
        let from = start;
        const letGo = (): void => {
          const { piece, from } = held.shift()!;
          expect(bytes.subarray(from, from + piece.length).equals(piece), `seed ${seed}, at ${from}`).to.equal(true);
          dispose(piece);
        };
        for await (const piece of rig.content().read(content, { start, end: bytes.length - 1 })) {
          memories.add(piece.buffer);
          pieces++;
          held.push({ piece, from });
          from += piece.length;
          await setTimeout(random(1)[0]! % 4);
          while (held.length > random(1)[0]! % 4) letGo();
        }
        while (held.length > 0) letGo();
        expect(from).to.equal(bytes.length);
      }
      await Promise.all(Array.from({ length: 9 }, (_, at) => readOne(at)));
      // What was on another thread comes back as another object on the same memory.
      if (threads === 0) expect(memories.size, 'some of it served again').to.be.lessThan(pieces);
    });
});

describe('a chunk that compaction moved after its place was read', () => {
  /** `places` tells of a pack that is gone, so many times. */
  async function readMoved(lies: number, size: number): Promise<boolean> {
    const rows = rowsInMemory();
    let left = 0;
    const { places } = rows.chunks;
    rows.chunks.places = async (...args) => {
      const found = await places(...args);
      return left-- > 0 ? found.map((place) => place && { ...place, pack: 'f'.repeat(32) }) : found;
    };
    const rig = await openEngine('blobs', rows);
    try {
      const bytes = seededRandom('moved')(size);
      const staged: Staged = await rig.content().write(bytesOf(bytes), { domain: rig.domains[0] });
      await rig.commit(staged);
      left = lies;
      const read: Uint8Array[] = [];
      for await (const part of rig.content().read(staged.content, { start: size >> 1, end: size - 1 })) read.push(part);
      return Buffer.concat(read).equals(bytes.subarray(size >> 1));
    } finally {
      await rig.close();
    }
  }

  it('is found where it lies now', async () => {
    for (const size of [2000, 900_000, 3_000_000]) expect(await readMoved(1, size)).to.equal(true);
  });

  it('is corrupt when it lies nowhere', async () => {
    expect(await codeOf(readMoved(1000, 900_000))).to.equal('corrupt');
  });
});

describe('what a read asks the database', () => {
  it('is the places of its chunks, together: once for up to eight chunks, of a range only what it covers', async () => {
    const rows = rowsInMemory();
    const { places } = rows.chunks;
    let asked: number[] = [];
    rows.chunks.places = (domain, ids) => {
      asked.push(ids.length);
      return places(domain, ids);
    };
    const rig = await openEngine('disk', rows);
    try {
      const askedFor = async (content: ContentRef, range?: { start: number; end: number }) => {
        asked = [];
        for await (const part of rig.content().read(content, range)) dispose(part);
        return asked;
      };
      const write = async (size: number) => {
        const staged = await rig.content().write(bytesOf(randomBytes(size)), { domain: rig.domains[0] });
        await rig.commit(staged);
        return staged.content;
      };
      // However it is cut: a chunk is at least 256 KiB, but for the first and the last two.
      const short = await write(3 << 19);
      const [chunks, ...more] = await askedFor(short);
      expect(more).to.deep.equal([]);
      expect(chunks).to.be.within(2, 8);
      expect(await askedFor(short, { start: 1 << 20, end: 1 << 20 })).to.deep.equal([1]);
      // And at most 2 MiB.
      const [first, ...then] = await askedFor(await write(24 << 20));
      expect(first).to.equal(8);
      for (const one of then.slice(0, -1)) expect(one).to.equal(32);
    } finally {
      await rig.close();
    }
  });

  it('is not a leaf that was read before; a verification asks anew', async () => {
    const rows = rowsInMemory();
    const { leaves } = rows.chunks;
    let asked = 0;
    let lost = false;
    rows.chunks.leaves = async (domain, ids) => {
      asked += ids.length;
      return lost ? ids.map(() => null) : leaves(domain, ids);
    };
    const rig = await openEngine('disk', rows);
    try {
      const bytes = randomBytes(3 << 20);
      const staged = await rig.content().write(bytesOf(bytes), { domain: rig.domains[0] });
      await rig.commit(staged);
      asked = 0;
      for (const start of [0, 1 << 20, 2 << 20]) {
        const read: Uint8Array[] = [];
        for await (const part of rig.content().read(staged.content, { start, end: bytes.length - 1 })) read.push(part);
        expect(Buffer.concat(read).equals(bytes.subarray(start))).to.equal(true);
      }
      expect(asked).to.equal(1);
      await rig.content().verify(staged.content);
      expect(asked).to.equal(2);
      lost = true;
      expect(await codeOf(rig.content().verify(staged.content))).to.equal('corrupt');
    } finally {
      await rig.close();
    }
  });
});
