import { expect } from 'chai';
import { type Arena, createArena, SLOT_BYTES } from '#engine/arena';
import { createChunker, FINE, NORMAL, WHOLE_BYTES_MAX } from '#engine/chunker';
import { createSlots } from '#engine/slots';
import { diceOf, SEED, seededRandom } from '../../support/random.ts';

const MIB = 1 << 20;
const random = seededRandom(SEED);
const gear = new Uint32Array(Uint8Array.from(random(1024)).buffer);

const FIXED_GEAR = new Uint32Array(Uint8Array.from(seededRandom('gear')(1024)).buffer);

/** Cuts a body that comes in these pieces; the sizes of its chunks. */
async function cut(bytes: Buffer, kind: 'wasm' | 'plain', pieceOf: () => number, table = gear): Promise<number[]> {
  const arena = createArena(64, kind);
  const slots = createSlots(arena);
  const sizes: number[] = [];
  const seen: Buffer[] = [];
  const gathered: Buffer[] = [];
  const chunker = createChunker({
    arena,
    slots,
    gear: table,
    gathered(parts) {
      for (const { slot, from, length } of parts) {
        expect(length).to.be.within(1, SLOT_BYTES);
        gathered.push(Buffer.from(arena.view(slot, from, from + length)));
      }
    },
    emit({ parts, size }) {
      sizes.push(size);
      for (const { slot, from, length } of parts) {
        seen.push(Buffer.from(arena.view(slot, from, from + length)));
        slots.release(slot);
      }
    },
  });
  for (let at = 0; at < bytes.length; ) {
    const some = Math.min(bytes.length - at, pieceOf());
    await chunker.add(bytes.subarray(at, at + some));
    at += some;
  }
  chunker.end();
  expect(Buffer.concat(seen).equals(bytes)).to.equal(true);
  expect(Buffer.concat(gathered).equals(bytes), 'told of as it was gathered').to.equal(true);
  expect([slots.free, slots.gathering]).to.deep.equal([64, 0]);
  return sizes;
}

type ScanEnd = ReturnType<Arena['scan']>;

const bodies: Record<string, Buffer> = {
  random: random(7 * MIB),
  zeros: Buffer.alloc(6 * MIB),
  text: Buffer.alloc(5 * MIB, 'the quick brown fox jumps over the lazy dog. '),
  'just over one chunk': random(WHOLE_BYTES_MAX + 1),
};

describe(`chunker (seed ${SEED})`, () => {
  it('cuts at the same places in WebAssembly and in plain JavaScript, whatever pieces the body comes in', async () => {
    const dice = diceOf(SEED);
    for (const [name, bytes] of Object.entries(bodies)) {
      const expected = await cut(bytes, 'wasm', () => bytes.length);
      for (const kind of ['wasm', 'plain'] as const) {
        for (const [how, pieceOf] of [
          ['by 64 KiB', () => 65_536],
          ['by slots', () => SLOT_BYTES],
          ['in odd pieces', () => 1 + dice.below(200_000)],
        ] as const) {
          if (kind === 'plain' && how !== 'in odd pieces') continue;
          expect(await cut(bytes, kind, pieceOf), `${name}, ${kind}, ${how}`).to.deep.equal(expected);
        }
      }
    }
  });

  it('scans any range from any hash in WebAssembly as byte by byte', () => {
    const dice = diceOf(SEED);
    const arenas = [createArena(2), createArena(2, 'plain')];
    const some = random(SLOT_BYTES);
    some.fill(0, 60_000, 90_000);
    for (const arena of arenas) arena.view(1, 0, SLOT_BYTES).set(some);
    const agree = (from: number, to: number, mask: number): boolean => {
      const hash = dice.below(2 ** 32);
      const [wasm, plain] = arenas.map((arena) => arena.scan(gear, 1, from, to, mask, hash)) as [ScanEnd, ScanEnd];
      expect(wasm, `${from} to ${to}, ${mask}, from ${hash}`).to.deep.equal(plain);
      return wasm.cut >= 0;
    };
    let found = 0;
    for (let round = 0; round < 600; round++) {
      const from = dice.below(SLOT_BYTES);
      const to = Math.min(SLOT_BYTES, from + dice.below(round % 2 === 0 ? 70_000 : 300));
      if (agree(from, to, round % 7 === 0 ? -1 : 0xffffffff << (31 - dice.below(24)))) found++;
    }
    expect(found).to.be.within(100, 500);
    // About one cut a block, so that often a lane's first places have it.
    for (let round = 0; round < 4000; round++) {
      const from = dice.below(SLOT_BYTES - 5000);
      agree(from, from + 5000, 0xffffffff << (20 + dice.below(3)));
    }
  });

  it('looks back 32 bytes at every place', () => {
    const arena = createArena(1);
    const ones = arena.view(0, 0, 9000).fill(1);
    const counts = Uint32Array.from({ length: 256 }, (_, byte) => Number(byte === 1));
    // All bits of the hash are set; a zero clears the first of them 31 bytes later.
    for (let at = 0; at < ones.length - 31; at++) {
      ones[at] = 0;
      expect(arena.scan(counts, 0, 0, ones.length, 1 << 31, 0xffffffff).cut, `a zero at ${at}`).to.equal(at + 32);
      ones[at] = 1;
    }
    expect(arena.scan(counts, 0, 0, ones.length, 1 << 31, 0xffffffff).cut).to.equal(-1);
  });

  it('remembers across pieces what the hash has seen, however small they are', async () => {
    const dice = diceOf(SEED);
    const bytes = seededRandom('crumbs')(3 * MIB);
    const expected = await cut(bytes, 'plain', () => bytes.length, FIXED_GEAR);
    expect(expected.length).to.be.at.least(4);
    expect(await cut(bytes, 'wasm', () => 1 + dice.below(60), FIXED_GEAR)).to.deep.equal(expected);
  });

  it('keeps to the sizes: one chunk up to 1 MiB, then between least and most', async () => {
    for (const size of [1, 65_536, WHOLE_BYTES_MAX]) {
      expect(await cut(random(size), 'wasm', () => 50_000)).to.deep.equal([size]);
    }
    for (const [name, bytes] of Object.entries(bodies)) {
      const sizes = await cut(bytes, 'wasm', () => 100_000);
      expect(sizes[0], name).to.be.within(FINE.min, FINE.max);
      for (const size of sizes.slice(1, -2)) expect(size, name).to.be.within(NORMAL.min, NORMAL.max);
      for (const size of sizes.slice(-2)) expect(size, name).to.be.at.most(NORMAL.max);
    }
    expect(await cut(bodies.zeros!, 'wasm', () => 100_000)).to.satisfy((sizes: number[]) => sizes.length < 12);
  });

  it('finds its old cuts again behind an insertion', async () => {
    // Of a fixed seed: how soon cuts meet again is a matter of chance.
    const bytes = seededRandom('insertion')(16 * MIB);
    const edited = Buffer.concat([bytes.subarray(0, 3 * MIB), Buffer.from('xyz'), bytes.subarray(3 * MIB)]);
    const endsOf = (sizes: number[]) => {
      let at = 0;
      return sizes.map((size) => (at += size));
    };
    const before = endsOf(await cut(bytes, 'wasm', () => 65_536, FIXED_GEAR)).filter((end) => end > 8 * MIB);
    const after = new Set(endsOf(await cut(edited, 'wasm', () => 65_536, FIXED_GEAR)));
    expect(before.length).to.be.at.least(5);
    for (const end of before) expect(after.has(end + 3)).to.equal(true);
  });

  it('cuts elsewhere with another secret', async () => {
    const bytes = bodies.random!;
    const arena = createArena(64);
    const ends: number[] = [];
    for (const table of [gear, new Uint32Array(Uint8Array.from(random(1024)).buffer)]) {
      const slots = createSlots(arena);
      let at = 0;
      const chunker = createChunker({
        arena,
        slots,
        gear: table,
        gathered() {},
        emit({ parts, size }) {
          ends.push((at += size));
          for (const { slot } of parts) slots.release(slot);
        },
      });
      await chunker.add(bytes);
      chunker.end();
    }
    expect(new Set(ends.filter((end) => end !== bytes.length)).size).to.equal(ends.length - 2);
  });
});

describe('arena', () => {
  it('computes CRC-64/NVME alike in WebAssembly and in plain JavaScript', () => {
    const [wasm, plain] = [createArena(1), createArena(1, 'plain')];
    const bytes = random(10_000);
    for (const arena of [wasm, plain]) arena.view(0, 0, bytes.length).set(bytes);
    const dice = diceOf(SEED);
    let [a, b] = [0n, 0n];
    for (let at = 0; at < bytes.length; ) {
      const to = Math.min(bytes.length, at + 1 + dice.below(700));
      a = wasm.crc64(a, 0, at, to);
      b = plain.crc64(b, 0, at, to);
      expect(a).to.equal(b);
      at = to;
    }
    plain.view(0, 0, 9).set(Buffer.from('123456789'));
    expect(plain.crc64(0n, 0, 0, 9).toString(16)).to.equal('ae8b14860a799888');
  });
});
