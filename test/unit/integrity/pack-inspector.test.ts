import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createMemoryBlobs } from '#blob/memory';
import { createPackIndex, encodeFrame, encodePackHeader, FRAME_BYTES } from '#blob/pack-format';
import { createPackInspector } from '#blob/pack-inspector';
import type { BlobStore } from '#contracts/blob-store';
import type { DomainKeys } from '#contracts/keyring';
import type { PackPart } from '#contracts/pack-inspector';
import { isCloudStoreError } from '#core/errors';
import { createHashes } from '#engine/hashes';
import { createKeyring } from '#engine/keyring';
import { createRecordInspector } from '#engine/record-inspector';
import { createRecordKeys } from '#engine/record-keys';
import { createSeal } from '#engine/sealer';
import { keysInMemory } from '../../support/content-rig.ts';
import { diceOf, SEED, seededRandom } from '../../support/random.ts';

const PACK = 'ab'.repeat(16);

describe(`pack inspector (seed ${SEED})`, function () {
  this.timeout(120_000);
  const random = seededRandom(`packs ${SEED}`);
  const keyring = createKeyring({ masterKey: random(32), keys: keysInMemory(), random });
  const inspector = createPackInspector();
  const records = createRecordInspector({ keyring, random: randomBytes, wasPlain: async () => true });
  let domain: DomainKeys;
  let pack: Buffer;
  let offsets: number[];

  before(async () => {
    domain = await keyring.load(await keyring.create());
    const sealed = createSeal(createRecordKeys(random), { compression: true, cipher: 1, threads: null, regions: null });
    const open = createSeal(createRecordKeys(random), { compression: true, cipher: 0, threads: null, regions: null });
    const made: Buffer[] = [];
    for (const [seal, plain] of [
      [sealed, random(700)],
      [open, random(400)],
      [sealed, Buffer.alloc(5000, 'compressible ')],
    ] as const) {
      const hasher = createHashes().keyed(domain.chunkIdKey);
      hasher.update(plain);
      made.push(Buffer.concat((await seal(domain, { id: hasher.digest(), size: plain.length, pieces: [plain] })).record));
    }
    ({ pack, offsets } = layOut(made));
  });

  /** As a log writes it: the last record begins at a block, behind zeros. */
  function layOut(made: Buffer[]): { pack: Buffer; offsets: number[] } {
    const index = createPackIndex();
    const parts = [encodePackHeader({ id: PACK, instance: '0'.repeat(32), created: 1 })];
    const places: number[] = [];
    let at = 64;
    for (const [number, record] of made.entries()) {
      if (number === made.length - 1) {
        const gap = 4096 - (at % 4096);
        parts.push(Buffer.alloc(gap));
        at += gap;
      }
      parts.push(encodeFrame([record]), record);
      places.push(at + FRAME_BYTES);
      index.add(at + FRAME_BYTES, record.length, [record]);
      at += FRAME_BYTES + record.length;
    }
    return { pack: Buffer.concat([...parts, ...index.encode(at, 2)]), offsets: places };
  }

  async function storeOf(bytes: Buffer): Promise<BlobStore> {
    const store = createMemoryBlobs();
    await store.put(
      `${PACK}.pack`,
      (async function* () {
        yield bytes;
      })(),
      bytes.length,
    );
    return store;
  }

  /** What is wrong, and which good records there are. */
  async function look(
    bytes: Buffer,
    known: { offset: number; length: number }[] = [],
  ): Promise<{ wrong: string[]; good: number[] }> {
    const wrong: string[] = [];
    const good: number[] = [];
    for await (const part of inspector.inspect(await storeOf(bytes), PACK, { known })) {
      if (part.kind === 'damage') wrong.push(part.reason);
      else if (await isGood(part)) good.push(part.offset);
      else wrong.push(`record ${part.offset}`);
    }
    return { wrong, good };
  }

  async function isGood(part: Extract<PackPart, { kind: 'record' }>): Promise<boolean> {
    try {
      await records.record(part.bytes);
      return true;
    } catch (error) {
      if (isCloudStoreError(error, 'corrupt')) return false;
      throw error;
    }
  }

  it('finds nothing wrong with what was written', async () => {
    expect(await look(pack)).to.deep.equal({ wrong: [], good: offsets });
  });

  it('sees a flipped bit in every byte, and still finds every record that is whole', async () => {
    const dice = diceOf(`bits ${SEED}`);
    const all = process.env.CLOUDSTORE_TEST_LONG === '1';
    for (let bit = 0; bit < pack.length * 8; bit += all ? 1 : 8) {
      const at = bit >> 3;
      // Of the long run of zeros, some.
      if (!all && at > offsets[1]! + lengthOf(1) + 64 && at < offsets[2]! - 64 && at % 16 !== 0) continue;
      const bytes = Buffer.from(pack);
      bytes[at]! ^= 1 << (all ? bit & 7 : dice.below(8));
      const { wrong, good } = await look(bytes);
      expect(wrong, `byte ${at}`).to.have.length.greaterThan(0);
      const hurt = offsets.filter((offset, n) => at >= offset && at < offset + lengthOf(n));
      expect(good, `byte ${at}: ${wrong}`).to.deep.equal(offsets.filter((offset) => !hurt.includes(offset)));
    }
  });

  function lengthOf(n: number): number {
    return n < offsets.length ? pack.readUInt32BE(offsets[n]! - FRAME_BYTES + 4) : 0;
  }

  it('turns every flipped bit of a record back by its checksum', async () => {
    const dice = diceOf(`turn ${SEED}`);
    const [offset] = offsets as [number];
    const record = pack.subarray(offset, offset + lengthOf(0));
    const crc = await inspector.statedCrc(async (bytes) => pack.subarray(offset - bytes, offset), record.length);
    for (let n = 0; n < 500; n++) {
      const bit = dice.below(record.length * 8);
      const bytes = Buffer.from(record);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect((await inspector.turnBit(bytes, crc!))?.equals(record), `bit ${bit}`).to.equal(true);
    }
    const many = Buffer.from(record);
    for (const at of [3, 100, 200, 333]) many[at]! ^= 0x55;
    const turned = await inspector.turnBit(many, crc!);
    if (turned !== null)
      expect(
        await records.record(turned).then(
          () => 'good',
          () => 'bad',
        ),
      ).to.equal('bad');
  });

  it('tells a pack that was cut short, wherever, and finds the records before the cut', async () => {
    for (let size = 0; size < pack.length; size += 37) {
      const { wrong, good } = await look(pack.subarray(0, size));
      expect(wrong, `cut at ${size}`).to.have.length.greaterThan(0);
      expect(good).to.deep.equal(offsets.filter((offset, n) => offset + lengthOf(n) <= size));
    }
  });

  it('follows the rows where index and frame are gone', async () => {
    const bytes = Buffer.from(pack);
    bytes.fill(0x7f, offsets[1]! - FRAME_BYTES, offsets[1]!); // a frame
    bytes.fill(0x7f, bytes.length - 300); // trailer and index
    const known = offsets.map((offset, n) => ({ offset, length: lengthOf(n) }));
    expect((await look(bytes, known)).good).to.deep.equal(offsets);
    expect((await look(bytes)).good).to.include(offsets[0]);
  });

  it('takes bytes behind the end, in the middle and swapped for damage, and never for an endless task', async () => {
    const [first, second] = offsets as [number, number];
    const swapped = Buffer.concat([pack.subarray(0, first - 16), pack.subarray(second - 16, second), pack.subarray(first)]);
    for (const bytes of [
      Buffer.concat([pack, Buffer.alloc(10)]),
      Buffer.concat([pack.subarray(0, 100), Buffer.alloc(1), pack.subarray(100)]),
      swapped,
      Buffer.alloc(pack.length),
      Buffer.alloc(0),
      random(9000),
    ]) {
      expect((await look(bytes)).wrong).to.have.length.greaterThan(0);
    }
  });

  it('goes on where it was left', async () => {
    const store = await storeOf(pack);
    for (let stop = 1; stop < 3; stop++) {
      let from = 0;
      const seen: number[] = [];
      for await (const part of inspector.inspect(store, PACK)) {
        if (part.kind === 'record') seen.push(part.offset);
        from = part.next;
        if (seen.length === stop) break;
      }
      for await (const part of inspector.inspect(store, PACK, { from })) seen.push(part.offset);
      expect(seen).to.deep.equal(offsets);
    }
  });

  it('stands any bytes', async () => {
    const dice = diceOf(`any ${SEED}`);
    for (let n = 0; n < 300; n++) {
      const bytes = Buffer.from(pack);
      for (let hits = dice.below(20); hits >= 0; hits--) {
        const at = dice.below(bytes.length);
        random(dice.below(64)).copy(bytes, at);
      }
      const { good } = await look(bytes.subarray(0, dice.chance(0.3) ? dice.below(bytes.length) : bytes.length));
      for (const offset of good) expect(offsets).to.include(offset);
    }
  });
});
