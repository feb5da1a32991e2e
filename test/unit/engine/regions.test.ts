import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { DomainKeys } from '#contracts/keyring';
import { BLOCK_BYTES, type Log, RECORD_LEAD_BYTES } from '#contracts/log';
import { dispose } from '#core/stream';
import { createArena, REGION_BYTES } from '#engine/arena';
import { createGate } from '#engine/gate';
import { CIPHER_AES_256_GCM } from '#engine/record-format';
import { createRecordKeys } from '#engine/record-keys';
import { createRegions } from '#engine/regions';
import { createSeal } from '#engine/sealer';
import { createStoreChunk } from '#engine/stored-chunks';
import type { Threads } from '#engine/threads';
import { codeOf } from '../../support/rooms.ts';

const SIZE = 2 << 20;
const EPOCH_KEY = randomBytes(32);
const domain = { id: 1, currentEpoch: 1, encryptionKey: () => EPOCH_KEY } as unknown as DomainKeys;

describe('regions of the arena', () => {
  it('are whole blocks at a page, lent one record each and given out again', () => {
    const regions = createRegions(createArena(16, 'wasm', 2));
    const [one, two] = [regions.take(SIZE)!, regions.take(1)!];
    for (const { record, blocks } of [one, two]) {
      expect(blocks.length % BLOCK_BYTES).to.equal(0);
      expect(blocks.byteOffset % BLOCK_BYTES).to.equal(0);
      expect(record.byteOffset - blocks.byteOffset).to.equal(RECORD_LEAD_BYTES);
    }
    expect([one.record.length, two.record.length]).to.deep.equal([SIZE, 1]);
    expect(Math.abs(one.blocks.byteOffset - two.blocks.byteOffset)).to.equal(REGION_BYTES);
    expect(regions.take(1)).to.equal(null);
    dispose(one.record);
    dispose(one.record);
    expect(regions.take(REGION_BYTES), 'too large').to.equal(null);
    expect(regions.take(1)!.blocks.byteOffset).to.equal(one.blocks.byteOffset);
    expect(regions.take(1)).to.equal(null);
    expect(createRegions(createArena(16, 'plain', 2)).take(1), 'memory that is not at a page').to.equal(null);
  });

  it('come back when the thread that seals ends', async () => {
    const regions = createRegions(createArena(16, 'wasm', 1));
    const threads = {
      seal: () => Promise.reject(Object.assign(new Error('ended'), { code: 'unavailable' })),
    } as unknown as Threads;
    const seal = createSeal(createRecordKeys(randomBytes), { compression: false, cipher: CIPHER_AES_256_GCM, threads, regions });
    const sealing = seal(domain, { id: randomBytes(32), size: SIZE, pieces: [randomBytes(SIZE)] });
    expect(await codeOf(sealing)).to.equal('unavailable');
    expect(regions.take(1)).to.not.equal(null);
  });

  for (const broken of [null, 'unavailable'] as const)
    it(`come back when the record is ${broken === null ? 'written' : 'not written'}`, async () => {
      const regions = createRegions(createArena(16, 'wasm', 1));
      const seal = createSeal(createRecordKeys(randomBytes), {
        compression: false,
        cipher: CIPHER_AES_256_GCM,
        threads: null,
        regions,
      });
      const seen: { blocks: Buffer | undefined; taken: boolean }[] = [];
      const log = {
        async appendUnsynced(record: Uint8Array[], _crc?: number, blocks?: Buffer) {
          seen.push({ blocks, taken: regions.take(1) === null });
          if (broken !== null) throw Object.assign(new Error('broken'), { code: broken });
          return { store: 0, pack: 'p', offset: 0, length: record.reduce((sum, { length }) => sum + length, 0) };
        },
      } as unknown as Log;
      const store = createStoreChunk({ seal, log, gates: { small: createGate(SIZE), bulk: createGate(8 * SIZE) } });
      for (let round = 0; round < 3; round++) {
        const chunk = { id: randomBytes(32), size: SIZE, pieces: [randomBytes(SIZE)] };
        expect(await codeOf(store(domain, chunk, { durable: false, done() {} }))).to.equal(broken ?? 'none');
      }
      expect(seen.map(({ blocks, taken }) => [blocks?.length, taken])).to.deep.equal(Array(3).fill([REGION_BYTES, true]));
    });
});
