import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { Content, Staged, WriteOptions } from '#contracts/content';
import type { ContentRef } from '#core/content-ref';
import type { ByteRange } from '#core/range';
import { type Bytes, bytesOf } from '#core/stream';
import { diceOf, SEED, seededRandom } from '../support/random.ts';
import { codeOf } from '../support/rooms.ts';
import { describeStoredContent, type StoredContentRig } from './content/stored.ts';

export interface ContentRig {
  /** Of now: `reopen` replaces it. */
  content(): Content;
  /** Two dedupe domains. */
  domains: readonly [number, number];
  /** What the caller of `write` owes: names what was staged, and lets go of it. */
  commit(staged: Staged): Promise<void>;
  /** Null where contents are not kept as records in packs. */
  stored: StoredContentRig | null;
  close(): Promise<void>;
}

const MIB = 1 << 20;
/** Around every border: inline, small bodies, segments, whole chunks, the smallest and largest cut, several chunks. */
const SIZES = [
  0,
  1,
  2,
  1023,
  1024,
  1025,
  4096,
  65_535,
  65_536,
  65_537,
  262_143,
  262_144,
  262_145,
  MIB,
  MIB + 1,
  2 * MIB,
  5 * MIB + 7,
];

/** Plaintext in and out. */
export function describeContent(name: string, make: () => Promise<ContentRig>): void {
  describe(`content: ${name} (seed ${SEED})`, () => {
    let rig: ContentRig;
    const random = seededRandom(SEED);
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());

    const dice = diceOf(SEED);
    /** The same bytes in pieces of other sizes each time. */
    async function* inPieces(bytes: Buffer, pieceMax = 300_000): Bytes {
      for (let at = 0; at < bytes.length; ) {
        const some = 1 + dice.below(Math.min(pieceMax, bytes.length - at));
        yield bytes.subarray(at, at + some);
        at += some;
      }
    }
    const write = (body: Bytes, options: Partial<WriteOptions> = {}) =>
      rig.content().write(body, { domain: rig.domains[0], ...options });
    async function store(bytes: Buffer, options: Partial<WriteOptions> = {}): Promise<ContentRef> {
      const staged = await write(inPieces(bytes), options);
      await rig.commit(staged);
      return staged.content;
    }
    async function read(content: ContentRef, range?: ByteRange): Promise<Buffer> {
      const parts: Uint8Array[] = [];
      for await (const part of rig.content().read(content, range)) {
        expect(part.length).to.be.within(1, MIB);
        parts.push(part);
      }
      return Buffer.concat(parts);
    }
    const same = (a: Buffer, b: Buffer, what: string) =>
      expect(a.equals(b), `${what}: ${a.length} and ${b.length} bytes`).to.equal(true);

    it('gives back what was written, whatever its size and pieces', async () => {
      for (const size of SIZES) {
        const bytes = random(size);
        const staged = await write(inPieces(bytes), dice.chance(0.5) ? { size } : {});
        await rig.commit(staged);
        expect([staged.size, staged.content.size, staged.content.domain]).to.deep.equal([size, size, rig.domains[0]]);
        same(await read(staged.content), bytes, `${size} bytes`);
        await rig.content().verify(staged.content);
      }
    });

    it('gives back ranges, to the byte', async () => {
      for (const size of [1, 1024, 1025, 70_000, 262_145, 3 * MIB]) {
        const bytes = random(size);
        const content = await store(bytes);
        const borders = [0, 1, 262_143, 262_144, 262_145, size >> 1, size - 1].filter((at) => at >= 0 && at < size);
        for (let n = 0; n < 12; n++) {
          const [a, b] = [dice.pick(borders), dice.chance(0.5) ? dice.pick(borders) : dice.below(size)];
          const range = { start: Math.min(a, b), end: Math.max(a, b) };
          same(await read(content, range), bytes.subarray(range.start, range.end + 1), JSON.stringify({ size, range }));
        }
      }
    });

    it('yields buffers that are the consumer’s to keep and to change', async () => {
      const bytes = random(700_000);
      for (const content of [await store(bytes), await store(bytes.subarray(0, 900)), await store(bytes.subarray(0, 9000))]) {
        const kept: Uint8Array[] = [];
        for await (const part of rig.content().read(content)) kept.push(part);
        const first = Buffer.concat(kept);
        for (const part of kept) part.fill(0);
        same(first, bytes.subarray(0, content.size), 'kept');
        same(await read(content), bytes.subarray(0, content.size), 'read again');
      }
    });

    it('does not keep the buffers that it was given', async () => {
      for (const size of [500, 30_000, 400_000]) {
        const bytes = random(size);
        const reused = Buffer.alloc(10_000);
        const body = async function* (): Bytes {
          for (let at = 0; at < size; at += reused.length) {
            const some = bytes.copy(reused, 0, at);
            yield reused.subarray(0, some);
          }
        };
        const staged = await write(body());
        reused.fill(0);
        await rig.commit(staged);
        same(await read(staged.content), bytes, `${size} bytes`);
      }
    });

    it('computes the digests that were asked for, and compares those that were declared', async () => {
      for (const size of [0, 100, 50_000, 2 * MIB]) {
        const bytes = random(size);
        const of = (algorithm: string) => createHash(algorithm).update(bytes).digest();
        const staged = await write(inPieces(bytes), { digests: ['md5', 'sha256'], expect: { sha1: of('sha1') } });
        await rig.commit(staged);
        expect(staged.digests).to.deep.equal({ md5: of('md5'), sha256: of('sha256'), sha1: of('sha1') });
        for (const wrong of ['md5', 'sha1', 'sha256'] as const) {
          const other = of(wrong);
          other[3]! ^= 1;
          const error = await write(inPieces(bytes), { expect: { [wrong]: other } }).catch((thrown: unknown) => thrown);
          const details = { algorithm: wrong, expected: other.toString('base64'), computed: of(wrong).toString('base64') };
          expect(error).to.deep.include({ code: 'checksum_mismatch', details });
        }
      }
    });

    it('reads what is expected when the body has ended, so that trailers may tell it', async () => {
      const trailers: { md5?: Buffer } = {};
      const body = (md5: Buffer) =>
        async function* (): Bytes {
          yield Buffer.from('hello');
          trailers.md5 = md5;
        };
      const right = createHash('md5').update('hello').digest();
      const put = (md5: Buffer) => {
        delete trailers.md5;
        return write(body(md5)(), { digests: ['md5'], expect: () => trailers });
      };
      await rig.commit(await put(right));
      expect(await codeOf(put(Buffer.alloc(16)))).to.equal('checksum_mismatch');
    });

    it('refuses a body that is shorter or longer than declared', async () => {
      for (const size of [0, 10, 2000, 100_000, 2 * MIB]) {
        const bytes = random(size + 1);
        expect(await codeOf(write(inPieces(bytes), { size })), `longer than ${size}`).to.equal('incomplete_body');
        expect(await codeOf(write(inPieces(bytes), { size: size + 2 })), `shorter than ${size}`).to.equal('incomplete_body');
      }
    });

    it('passes on what the body throws', async () => {
      for (const size of [10, 100_000, 2 * MIB]) {
        const body = async function* (): Bytes {
          yield random(size);
          throw new Error('the client went away');
        };
        expect(await codeOf(write(body()))).to.equal('Error: the client went away');
      }
    });

    it('ends with aborted when its signal fires, before, between and while waiting', async () => {
      const aborted = AbortSignal.abort();
      expect(await codeOf(write(bytesOf(Buffer.from('x')), { signal: aborted }))).to.equal('aborted');
      for (const size of [10, 2 * MIB]) {
        const stop = new AbortController();
        const body = async function* (): Bytes {
          yield random(size);
          stop.abort();
          yield random(size);
        };
        expect(await codeOf(write(body(), { signal: stop.signal }))).to.equal('aborted');
      }
      const content = await store(random(2 * MIB));
      const reading = async (signal: AbortSignal, stop: () => void) => {
        for await (const _ of rig.content().read(content, undefined, signal)) stop();
      };
      const stop = new AbortController();
      if (rig.stored !== null) {
        expect(await codeOf(reading(stop.signal, () => stop.abort()))).to.equal('aborted');
        expect(await codeOf(reading(aborted, () => undefined))).to.equal('aborted');
      }
    });

    it('may be read by many, and left in the middle', async () => {
      const bytes = random(3 * MIB);
      const content = await store(bytes);
      await Promise.all(
        Array.from({ length: 40 }, async (_, n) => {
          if (n % 2 === 0) {
            for await (const _ of rig.content().read(content)) break;
          } else if (n % 5 === 0) same(await read(content), bytes, 'whole');
        }),
      );
      same(await read(content, { start: MIB, end: 2 * MIB }), bytes.subarray(MIB, 2 * MIB + 1), 'afterwards');
    });

    it('peeks at small contents once they were read, never at something else', async () => {
      for (const size of [0, 10, 1024, 1025, 60_000]) {
        const bytes = random(size);
        const content = await store(bytes);
        await read(content);
        const peeked = rig.content().peek(content);
        expect(peeked).to.not.equal(null);
        same(peeked!, bytes, `${size} bytes`);
      }
      const large = rig.content().peek(await store(random(2 * MIB)));
      expect(large).to.equal(null);
    });

    it('joins contents of any kind without a byte changed', async () => {
      const sizes = [0, 1, 500, 1024, 1025, 60_000, 262_145, 2 * MIB + 1];
      const parts = await Promise.all(
        sizes.map(async (size) => {
          const bytes = random(size);
          return { bytes, content: await store(bytes) };
        }),
      );
      for (let n = 0; n < 12; n++) {
        const some = Array.from({ length: dice.below(7) }, () => dice.pick(parts));
        const joined = await rig.content().concat(
          some.map(({ content }) => content),
          rig.domains[0],
        );
        await rig.commit(joined);
        const expected = Buffer.concat(some.map(({ bytes }) => bytes));
        expect([joined.size, joined.content.size]).to.deep.equal([expected.length, expected.length]);
        same(await read(joined.content), expected, `joined of ${some.map(({ bytes }) => bytes.length)}`);
        if (expected.length > 2) {
          const range = { start: 1, end: expected.length - 2 };
          same(await read(joined.content, range), expected.subarray(1, -1), 'its middle');
        }
      }
    });

    it('takes many bodies at once, large and small', async () => {
      await Promise.all(
        Array.from({ length: 24 }, async (_, n) => {
          const bytes = random(n % 4 === 0 ? 2 * MIB + n : dice.below(50_000));
          same(await read(await store(bytes)), bytes, `body ${n}`);
        }),
      );
    });

    describeStoredContent(() => rig, { write, store, read, inPieces, random });
  });
}
