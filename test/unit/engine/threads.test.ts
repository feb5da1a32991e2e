import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { expect } from 'chai';
import { isCloudStoreError } from '#core/errors';
import { createReadNow } from '#core/read-now';
import { type Arena, createArena, SLOT_BYTES } from '#engine/arena';
import { createHashes } from '#engine/hashes';
import { openSegment, recordBytes, sealSegment } from '#engine/record-cipher';
import { CIPHER_AES_256_GCM, encodeRecordHeader, type RecordHeader, TAG_BYTES } from '#engine/record-format';
import { createRegions } from '#engine/regions';
import { createSlots, type Slots } from '#engine/slots';
import { createThreads, type Threads } from '#engine/threads';

const KEY = randomBytes(32);
const SIZE = 4 * SLOT_BYTES - 1000;

describe('threads of the content store', () => {
  let arena: Arena;
  let slots: Slots;
  let threads: Threads;
  let plain: Uint8Array[][];
  let header: RecordHeader;

  beforeEach(async () => {
    arena = createArena(16, 'wasm', 1);
    slots = createSlots(arena);
    threads = createThreads(arena, slots, 2);
    plain = [];
    for (let slot = 0; slot < 4; slot++) {
      const view = arena.view(slot, 0, slot === 3 ? SLOT_BYTES - 1000 : SLOT_BYTES);
      randomBytes(view.length).copy(view);
      plain.push([view.subarray(0, 1000), view.subarray(1000)]);
    }
    const id = randomBytes(32);
    const salt = randomBytes(32);
    header = encodeRecordHeader({ domain: 1, cipher: CIPHER_AES_256_GCM, epoch: 1, id, salt, size: SIZE, compressed: null });
    await started();
  });
  afterEach(() => threads.close());

  /** A thread takes work once it has started, which its first answer shows. */
  async function started(): Promise<void> {
    const digest = threads.begin('md5');
    digest.update([]);
    await digest.digest();
  }

  /** A record's segments with their tags as they lie on disk, on memory of their own. */
  function sealed(): Buffer {
    const pieces = plain.flatMap((segment, index) => sealSegment(KEY, header, index, segment));
    const out = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      out.set(piece, at);
      at += piece.length;
    }
    return out;
  }

  const segments = () =>
    header.segments.map(({ offset, stored }, index) => ({
      index,
      offset: offset - header.bytes.length,
      length: stored + TAG_BYTES,
    }));

  it('seal what this thread opens', async () => {
    const { pieces, crc } = (await threads.seal(KEY, header, plain))!;
    const record = Buffer.concat(pieces);
    expect(record.equals(sealed())).to.equal(true);
    expect(crc).to.equal(crc32c(Buffer.concat([header.bytes, record])));
    for (const { index, offset, length } of segments()) {
      const opened = Buffer.concat(openSegment(KEY, header, index, record.subarray(offset, offset + length)));
      expect(opened.equals(Buffer.concat(plain[index]!))).to.equal(true);
    }
  });

  it('open what this thread sealed in its place, and give the memory back', async () => {
    const record = sealed();
    const { byteLength } = record.buffer;
    const opened = await threads.open(KEY, header, record, segments());
    expect(record.length, 'handed over').to.equal(0);
    const [joined, ...more] = opened!.plain as Buffer[];
    expect(more).to.deep.equal([]);
    expect(joined!.buffer, 'in the same memory').to.equal(opened!.sealed);
    expect(opened!.sealed.byteLength).to.equal(byteLength);
    expect(joined!.equals(Buffer.concat(plain.flat()))).to.equal(true);
  });

  it('open some of the segments, and one that lies anywhere in the memory', async () => {
    const record = Buffer.concat([Buffer.alloc(333), sealed()]);
    const opened = await threads.open(KEY, header, record.subarray(333), segments().slice(1, 3));
    expect(Buffer.concat(opened!.plain as Buffer[]).equals(Buffer.concat(plain.slice(1, 3).flat()))).to.equal(true);
  });

  it('read it before from a file, where the system has it in memory', async function () {
    if (createReadNow() === null) this.skip(); // only Linux has it
    const directory = mkdtempSync(join(tmpdir(), 'cloudstore-threads-'));
    const path = join(directory, 'pack');
    writeFileSync(path, Buffer.concat([Buffer.alloc(777), sealed()]));
    const descriptor = openSync(path, 'r');
    try {
      for (const [position, found] of [
        [777, true],
        [778, false],
        [2 ** 40, null],
      ] as const) {
        const into = Buffer.allocUnsafeSlow(SIZE + 4 * TAG_BYTES + 5000).subarray(100, 100 + SIZE + 4 * TAG_BYTES);
        const { byteLength } = into.buffer;
        const opened = await threads.open(KEY, header, into, segments(), { descriptor, position });
        expect(opened!.sealed.byteLength).to.equal(byteLength);
        // A file system may keep nothing in memory.
        if (found !== true || opened!.plain === null) expect(opened!.plain, `from ${position}`).to.equal(null);
        else expect((opened!.plain as Buffer[])[0]!.equals(Buffer.concat(plain.flat()))).to.equal(true);
      }
    } finally {
      closeSync(descriptor);
      rmSync(directory, { recursive: true });
    }
  });

  it('give no plaintext of a record in which one bit is wrong', async () => {
    for (const at of [0, SLOT_BYTES + 5, SIZE + 4 * TAG_BYTES - 1]) {
      const record = sealed();
      record[at]! ^= 1;
      const opened = await threads.open(KEY, header, record, segments());
      expect(isCloudStoreError(opened!.plain, 'corrupt')).to.equal(true);
      expect(opened!.sealed.byteLength).to.equal(SIZE + 4 * TAG_BYTES);
    }
  });

  it('leave alone what they cannot see, and what they would only queue', async () => {
    expect(threads.seal(KEY, header, [[Buffer.alloc(SIZE)]])).to.equal(null);
    const jobs = Array.from({ length: 20 }, () => threads.seal(KEY, header, plain));
    expect(
      jobs.filter((job) => job === null),
      'twenty megabytes at once',
    ).not.to.have.length(0);
    await Promise.all(jobs);
    expect(await threads.seal(KEY, header, plain)).not.to.equal(null);
  });

  it('hash a body piece by piece as this thread would', async () => {
    const slot = (await slots.take({ held: 0, flush() {} })) as number;
    randomBytes(SLOT_BYTES).copy(arena.view(slot, 0, SLOT_BYTES));
    const whole = Buffer.from(arena.view(slot, 0, SLOT_BYTES));
    const expected = {
      blake3: createHashes().plainOf(whole),
      md5: createHash('md5').update(whole).digest(),
      sha1: createHash('sha1').update(whole).digest(),
      sha256: createHash('sha256').update(whole).digest(),
      sha512: createHash('sha512').update(whole).digest(),
    };
    const running = (['blake3', 'md5', 'sha1', 'sha256', 'sha512'] as const).map((name) => threads.begin(name));
    for (const digest of running) {
      digest.update([{ slot, from: 0, length: 1000 }]);
      digest.update([{ slot, from: 1000, length: SLOT_BYTES - 1000 }]);
    }
    for (const digest of running) expect((await digest.digest()).equals(expected[digest.name]), digest.name).to.equal(true);
    slots.release(slot);
  });

  it('seal in a region of the arena what this thread opens, with its checksum', async () => {
    const region = createRegions(arena).take(recordBytes(header))!;
    const { pieces, crc } = await threads.seal(KEY, header, plain, region.record)!;
    expect(pieces).to.deep.equal([]);
    expect(region.record.subarray(0, header.bytes.length).equals(header.bytes)).to.equal(true);
    expect(crc).to.equal(crc32c(region.record));
    for (const [index, { offset, stored }] of header.segments.entries()) {
      const opened = openSegment(KEY, header, index, region.record.subarray(offset, offset + stored + TAG_BYTES));
      expect(Buffer.concat(opened).equals(Buffer.concat(plain[index]!)), `segment ${index}`).to.equal(true);
    }
    expect(threads.seal(KEY, header, plain, Buffer.alloc(region.record.length)), 'elsewhere').to.equal(null);
  });

  it('make the ids of chunks beside the hash of the whole, and leave them to this thread where they have enough to do', async () => {
    const key = randomBytes(32);
    const parts = [0, 1, 2, 3].map((slot) => ({ slot, from: 0, length: SLOT_BYTES }));
    const bytes = Buffer.from(arena.view(0, 0, 4 * SLOT_BYTES));
    const body = threads.begin('blake3', key);
    const idOf = (chunk: Buffer): Buffer => {
      const hasher = createHashes().keyed(key);
      hasher.update(chunk);
      return hasher.digest();
    };
    const cuts = [parts.slice(0, 1), parts.slice(1)];
    const ids = cuts.map((chunk) => body.chunkId(chunk));
    expect((await ids[0])?.equals(idOf(bytes.subarray(0, SLOT_BYTES)))).to.equal(true);
    expect((await ids[1])?.equals(idOf(bytes.subarray(SLOT_BYTES)))).to.equal(true);
    const given = Array.from({ length: 6 }, () => body.chunkId(parts));
    expect(given.at(-1)).to.equal(null);
    const taken = await Promise.all(given.filter((id) => id !== null));
    expect(taken.every((id) => id.equals(idOf(bytes)))).to.equal(true);
    const whole = createHashes().plainOf(Buffer.concat([bytes, ...taken.map(() => bytes)]));
    expect((await body.digest()).equals(whole), 'what was left to this thread is not in it').to.equal(true);
    expect(threads.begin('blake3').chunkId(parts), 'without a key').to.equal(null);
    const left = threads.begin('blake3', key);
    left.abort();
    expect(left.chunkId(parts), 'of a body that was given up').to.equal(null);
  });

  it('fail what they were doing when they end, and give the slots back', async () => {
    const digest = threads.begin('sha256');
    const slot = (await slots.take({ held: 0, flush() {} })) as number;
    const free = slots.free;
    digest.update([{ slot, from: 0, length: SLOT_BYTES }]);
    const job = threads.open(KEY, header, sealed(), segments())!;
    const summed = digest.digest();
    const codes = Promise.all([job, summed].map((one) => one.then(() => 'done', codeOf)));
    await threads.close();
    expect((await codes).every((code) => code === 'unavailable' || code === 'done')).to.equal(true);
    slots.release(slot);
    expect(slots.free).to.equal(free + 1);
    expect(threads.seal(KEY, header, plain), 'a new one is started').to.equal(null);
    await started();
    const anew = threads.begin('sha256');
    anew.update([{ slot, from: 0, length: 1000 }]);
    const expected = createHash('sha256')
      .update(arena.view(slot, 0, 1000))
      .digest();
    expect((await anew.digest()).equals(expected)).to.equal(true);
  });

  it('may be ended at any moment of their start', async function () {
    this.timeout(60_000);
    for (let wait = 0; wait < 60; wait += 2) {
      const some = createThreads(arena, slots, 2);
      some.begin('md5').abort();
      await new Promise((resolve) => setTimeout(resolve, wait));
      await some.close();
    }
  });
});

function codeOf(error: unknown): string {
  return isCloudStoreError(error) ? error.code : String(error);
}
