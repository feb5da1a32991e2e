import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createStaging, writeDirect } from '#blob/direct-write';
import { nodeDiskOps } from '#blob/disk-ops';
import { layOut } from '#blob/lay-out';
import { createLog } from '#blob/log';
import { encodeFrame } from '#blob/pack-format';
import type { ChunkPlace } from '#contracts/content';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import { BLOCK_BYTES, RECORD_LEAD_BYTES } from '#contracts/log';

const clock = { now: () => Date.now() };
const SIZES = [1, 15, 4080, 4096, 70_000, 1 << 20, (4 << 20) + 1, 9 << 20];

/** A file that takes only what O_DIRECT takes, and at most `most` bytes at a time. */
function strictFile(most = Infinity): { file: DiskFile; bytes: () => Buffer } {
  let held = Buffer.alloc(0);
  const file = {
    async writev(buffers: Uint8Array[], position: number) {
      const all = Buffer.concat(buffers);
      if (position % BLOCK_BYTES !== 0 || all.length % BLOCK_BYTES !== 0)
        throw Object.assign(new Error('unaligned'), { code: 'EINVAL' });
      const some = all.subarray(0, Math.min(all.length, most));
      const grown = Buffer.alloc(Math.max(held.length, position + some.length));
      held.copy(grown);
      some.copy(grown, position);
      held = grown;
      return some.length;
    },
  } as unknown as DiskFile;
  return { file, bytes: () => held };
}

describe('writing past the page cache', () => {
  const staging = createStaging();
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-direct-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  for (const most of [Infinity, 64 << 10]) {
    it(`writes whole blocks, zeros behind the end (at most ${most} bytes a write)`, async () => {
      for (const size of SIZES) {
        const { file, bytes } = strictFile(most);
        const parts = [randomBytes(Math.min(7, size)), randomBytes(Math.max(0, size - 7))];
        await writeDirect(file, staging!, parts, 2 * BLOCK_BYTES);
        const written = bytes().subarray(2 * BLOCK_BYTES);
        expect(written.length % BLOCK_BYTES).to.equal(0);
        expect(written.subarray(0, size).equals(Buffer.concat(parts)), `${size} bytes`).to.equal(true);
        expect(written.subarray(size).every((byte) => byte === 0)).to.equal(true);
      }
    });
  }

  it('tells of a write that failed, also of one before the last', async () => {
    let writes = 0;
    const file = {
      async writev(buffers: Uint8Array[]) {
        if (writes++ === 0) throw Object.assign(new Error('broken'), { code: 'EIO' });
        return Buffer.concat(buffers).length;
      },
    } as unknown as DiskFile;
    let code: unknown;
    await writeDirect(file, staging!, [randomBytes(9 << 20)], 0).catch((error) => (code = error.code));
    expect(code).to.equal('EIO');
  });

  /** A copy in whole blocks, of which the rest is anything. */
  function inBlocks(record: Buffer): { record: Buffer; blocks: Buffer } {
    const pages = Math.ceil((RECORD_LEAD_BYTES + record.length) / 65_536);
    const [blocks] = createStaging(2 * pages * 65_536)!;
    const copy = blocks.fill(0xee).subarray(RECORD_LEAD_BYTES, RECORD_LEAD_BYTES + record.length);
    record.copy(copy);
    return { record: copy, blocks };
  }

  /**
   * What was appended, one by one and then all at once, in blocks or not, is read from the open log, and again after it was left open, as by a crash,
   * and recovered.
   */
  async function roundTrip(disk: DiskOps): Promise<void> {
    const records: Buffer[] = [];
    const log = await createLog({ directory, disk, clock, random: randomBytes });
    const places: ChunkPlace[] = [];
    const append = (record: Buffer): Promise<ChunkPlace> => log.appendUnsynced([record.subarray(0, 1), record.subarray(1)]);
    const appendBlocks = (record: Buffer): Promise<ChunkPlace> => {
      const { record: copy, blocks } = inBlocks(record);
      return log.appendUnsynced([copy], undefined, blocks);
    };
    for (const one of [append, appendBlocks]) {
      for (const size of SIZES) {
        records.push(randomBytes(size));
        places.push(await one(records.at(-1)!));
      }
    }
    const ways = [append, appendBlocks, appendBlocks, append, append, appendBlocks, appendBlocks, append];
    const together = SIZES.map((size) => randomBytes(size));
    records.push(...together);
    places.push(...(await Promise.all(together.map((record, index) => ways[index]!(record)))));
    await log.sync(places);
    const again = await createLog({ directory, disk, clock, random: randomBytes });
    for (const one of [log, again]) {
      for (const [index, record] of records.entries()) {
        const place = places[index]!;
        expect((await one.read(place, 0, place.length)).equals(record), `record ${index}`).to.equal(true);
      }
    }
    await again.close();
  }

  it('writes a record from its blocks, zeros behind it, whatever lay there', () => {
    const entries = [1, 4080, 70_000].map((size) => {
      const { record, blocks } = inBlocks(randomBytes(size));
      return { record: [record], crc: undefined, length: size, blocks };
    });
    const { runs, offsets, end } = layOut(entries, 100, true);
    expect(runs).to.have.length(1);
    const { start, buffers } = runs[0]!;
    expect(start).to.equal(BLOCK_BYTES);
    const written = Buffer.concat([Buffer.alloc(start), ...buffers]);
    expect(written.length % BLOCK_BYTES).to.equal(0);
    const expected = Buffer.alloc(written.length);
    for (const [index, { record }] of entries.entries()) {
      encodeFrame(record).copy(expected, offsets[index]! - RECORD_LEAD_BYTES);
      record[0]!.copy(expected, offsets[index]!);
    }
    expect(written.equals(expected)).to.equal(true);
    expect(end).to.equal(offsets.at(-1)! + 70_000);
  });

  it('gives back what a log wrote, from its open packs and after a crash', () => roundTrip(nodeDiskOps()));

  it('goes on through the page cache where the file system refuses direct writes', async () => {
    const disk = nodeDiskOps();
    let refused = 0;
    const refusing: DiskOps = {
      ...disk,
      async openDirect(path) {
        const file = await disk.open(path, 'r+');
        return {
          ...file,
          async writev() {
            refused++;
            throw Object.assign(new Error('invalid argument'), { code: 'EINVAL' });
          },
        };
      },
    };
    await roundTrip(refusing);
    expect(refused).to.be.greaterThan(0);
  });

  it('goes through the page cache where there is no direct way', () =>
    roundTrip({ ...nodeDiskOps(), openDirect: async () => null }));
});
