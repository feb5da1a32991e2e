import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { expect } from 'chai';
import type { DomainKeys } from '#contracts/keyring';
import { CIPHER_NONE } from '#engine/record-format';
import { createRecordKeys } from '#engine/record-keys';
import { createSeal } from '#engine/sealer';
import { ROOT } from '../../support/process.ts';
import { diceOf, SEED, seededRandom } from '../../support/random.ts';

const MIB = 1 << 20;

/** What a sample decides: whether a chunk is compressed at all. */
describe(`compression (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const dice = diceOf(SEED);
  const seal = createSeal(createRecordKeys(random), { compression: true, cipher: CIPHER_NONE, threads: null, regions: null });
  const domain = { id: 1, currentEpoch: 1 } as Partial<DomainKeys> as DomainKeys;
  const directory = join(ROOT, 'src', 'engine');
  const source = Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))));
  const log = Buffer.from(
    Array.from(
      { length: 6000 },
      (_, n) => `{"level":30,"time":${1.7e12 + n * 37},"path":"/dav/home/${dice.below(900)}","ms":${dice.below(90)}}\n`,
    ).join(''),
  );
  /** So that packing it anew gives as much as media are: no two the same. */
  const varied = Buffer.concat(Array.from({ length: 12 }, () => Buffer.concat([source, random(20_000)])));

  async function sealed(bytes: Buffer): Promise<{ compressed: boolean; share: number }> {
    const { record } = await seal(domain, { id: random(32), size: bytes.length, pieces: [bytes] });
    const size = record.reduce((sum, { length }) => sum + length, 0);
    return { compressed: record[0]![8] === 1, share: size / bytes.length };
  }

  for (const [name, bytes] of Object.entries({ source, log, zeros: Buffer.alloc(MIB) })) {
    it(`pays for ${name}`, async () => {
      const { compressed, share } = await sealed(bytes.subarray(0, MIB));
      expect(compressed).to.equal(true);
      expect(share).to.be.below(0.4);
    });
  }

  const packed: Record<string, Buffer> = {
    'a zip': zlib.deflateRawSync(varied),
    'a gzip': zlib.gzipSync(varied),
    brotli: zlib.brotliCompressSync(varied, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
    zstd: zlib.zstdCompressSync(varied),
    'what is encrypted, as films and photos look': random(MIB),
  };
  for (const [name, bytes] of Object.entries(packed)) {
    it(`is not tried for ${name}`, async () => {
      for (const start of [0, bytes.length >> 2]) {
        const { compressed, share } = await sealed(bytes.subarray(start, start + MIB));
        expect(compressed).to.equal(false);
        expect(share).to.be.below(1.02);
      }
    });
  }

  it('is not tried for what gains less than a block', async () => {
    expect((await sealed(Buffer.alloc(4095))).compressed).to.equal(false);
  });

  it('keeps segments that do not get smaller as they are, beside those that do', async () => {
    const mixed = Buffer.concat([Buffer.alloc(262_144, source), random(262_144), Buffer.alloc(262_144, 'again ')]);
    const { record } = await seal(domain, { id: random(32), size: mixed.length, pieces: [mixed] });
    const header = Buffer.from(record[0]!);
    expect([0, 1, 2].map((n) => header.readUInt32BE(96 + 4 * n) >= 2 ** 31)).to.deep.equal([false, true, false]);
  });

  it('takes a last segment of any length', async () => {
    for (const more of [1, 10, 63, 64, 65]) {
      const bytes = Buffer.alloc(262_144 + more, source);
      const { record } = await seal(domain, { id: random(32), size: bytes.length, pieces: [bytes] });
      expect(record.length, `${more} bytes more`).to.be.above(2);
    }
  });
});
