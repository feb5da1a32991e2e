import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 as nodeCrc32 } from 'node:zlib';
import { expect } from 'chai';
import type { ChunkPlace, Staged, WriteOptions } from '#contracts/content';
import type { ContentRef } from '#core/content-ref';
import { isCloudStoreError } from '#core/errors';
import type { ByteRange } from '#core/range';
import type { Bytes } from '#core/stream';
import { codeOf } from '../../support/rooms.ts';
import type { ContentRig } from '../content.ts';

/** Where contents are records in packs. */
export interface StoredContentRig {
  /** A new process on the same disk and database: nothing is in memory. */
  reopen(): Promise<void>;
  places(domain: number, ids: Buffer[]): Promise<(ChunkPlace | null)[]>;
  leaves(domain: number, ids: Buffer[]): Promise<(Buffer | null)[]>;
  /** Flips one bit of a stored record, as a bad disk would. */
  flip(place: ChunkPlace, offset: number): Promise<void>;
  /** Whether these bytes lie anywhere in the packs. */
  holds(bytes: Buffer): Promise<boolean>;
  /** Leases that run. */
  leases(): number;
  /** Records wait before they are written, until what it gives is called. */
  stall(): () => void;
}

interface Tools {
  write(body: Bytes, options?: Partial<WriteOptions>): Promise<Staged>;
  store(bytes: Buffer, options?: Partial<WriteOptions>): Promise<ContentRef>;
  read(content: ContentRef, range?: ByteRange): Promise<Buffer>;
  inPieces(bytes: Buffer): Bytes;
  random(size: number): Buffer;
}

const MIB = 1 << 20;

/** What only shows in what is stored: deduplication, leases, authentication. */
export function describeStoredContent(rigOf: () => ContentRig, { write, store, read, inPieces, random }: Tools): void {
  /** The part of the suite does not apply where nothing is stored; it is not skipped, it has nothing to say. */
  const stored = (title: string, work: (rig: StoredContentRig) => Promise<void>) =>
    it(title, async () => {
      const { stored: rig } = rigOf();
      if (rig !== null) await work(rig);
    });

  /** The chunks of a content, in order, as its leaves name them. */
  async function chunksOf(rig: StoredContentRig, content: ContentRef): Promise<Buffer[]> {
    if (content.kind === 'inline') return [];
    if (content.kind === 'chunk') return [content.id];
    const entries = await rig.leaves(
      content.domain,
      content.leaves.map(({ id }) => id),
    );
    return entries.flatMap((leaf) => Array.from({ length: leaf!.length / 36 }, (_, n) => leaf!.subarray(n * 36, n * 36 + 32)));
  }

  stored('chooses inline, one chunk or a manifest by size, and says all that the commit must record', async (rig) => {
    const kinds: [number, ContentRef['kind']][] = [
      [0, 'inline'],
      [1024, 'inline'],
      [1025, 'chunk'],
      [MIB, 'chunk'],
      [3 * MIB, 'manifest'],
    ];
    for (const [size, kind] of kinds) {
      const staged = await write(inPieces(random(size)));
      expect(staged.content.kind, `${size} bytes`).to.equal(kind);
      expect(staged.contentHash?.length).to.equal(32);
      const total = staged.chunks.reduce((sum, chunk) => sum + chunk.size, 0);
      expect(total).to.equal(kind === 'inline' ? 0 : size);
      await rigOf().commit(staged);
      const ids = await chunksOf(rig, staged.content);
      expect((await rig.places(staged.content.domain, ids)).every((place) => place !== null)).to.equal(true);
    }
  });

  stored('is there after a restart', async (rig) => {
    const bodies = [0, 500, 5000, 300_000, 4 * MIB].map(random);
    const contents = await Promise.all(bodies.map((bytes) => store(bytes)));
    await rig.reopen();
    for (const [index, content] of contents.entries()) {
      expect((await read(content)).equals(bodies[index]!)).to.equal(true);
    }
  });

  stored('has not loaded any key after a restart, and peeks at nothing then', async (rig) => {
    const content = await store(random(100));
    await rig.reopen();
    expect(rigOf().content().peek(content)).to.equal(null);
    await read(content);
    expect(rigOf().content().peek(content)?.length).to.equal(100);
  });

  stored('stores the same bytes once, in one domain', async () => {
    for (const size of [2000, 100_000, 5 * MIB]) {
      const bytes = random(size);
      const first = await write(inPieces(bytes));
      await rigOf().commit(first);
      const second = await write(inPieces(bytes));
      await rigOf().commit(second);
      expect([second.chunks, second.content]).to.deep.equal([[], first.content]);
      expect(second.contentHash).to.deep.equal(first.contentHash);
      const elsewhere = await write(inPieces(bytes), { domain: rigOf().domains[1] });
      await rigOf().commit(elsewhere);
      expect(elsewhere.chunks.reduce((sum, chunk) => sum + chunk.size, 0)).to.equal(size);
      const ids = new Set(first.chunks.map(({ id }) => id.toString('hex')));
      expect(elsewhere.chunks.some(({ id }) => ids.has(id.toString('hex')))).to.equal(false);
      expect((await read(elsewhere.content)).equals(bytes)).to.equal(true);
    }
  });

  stored('gives what two bring at once one name', async () => {
    const bytes = random(200_000);
    const both = await Promise.all([write(inPieces(bytes)), write(inPieces(bytes))]);
    expect(both[0].content).to.deep.equal(both[1].content);
    for (const staged of both) await rigOf().commit(staged);
    expect((await read(both[0].content)).equals(bytes)).to.equal(true);
  });

  stored('stores little anew when a little is inserted into much', async () => {
    const bytes = random(12 * MIB);
    await store(bytes);
    const at = 6 * MIB + 12_345;
    const edited = Buffer.concat([bytes.subarray(0, at), Buffer.from('inserted'), bytes.subarray(at)]);
    const staged = await write(inPieces(edited));
    await rigOf().commit(staged);
    expect(staged.chunks.reduce((sum, chunk) => sum + chunk.size, 0)).to.be.below(6 * MIB);
    expect((await read(staged.content)).equals(edited)).to.equal(true);
  });

  stored('keeps a repetition within one body once', async () => {
    const bytes = Buffer.alloc(9 * MIB, random(2 * MIB));
    const staged = await write(inPieces(bytes));
    await rigOf().commit(staged);
    const ids = staged.chunks.map(({ id }) => id.toString('hex'));
    expect(new Set(ids).size).to.equal(ids.length);
    expect((await read(staged.content)).equals(bytes)).to.equal(true);
  });

  stored('computes S3’s CRCs', async () => {
    // Check values of "123456789" from the catalogue of parametrised CRC algorithms.
    const small = await write(inPieces(Buffer.from('123456789')), { digests: ['crc32', 'crc32c', 'crc64nvme'] });
    small.release();
    const hex = Object.fromEntries(Object.entries(small.digests).map(([name, value]) => [name, value.toString('hex')]));
    expect(hex).to.deep.equal({ crc32: 'cbf43926', crc32c: 'e3069283', crc64nvme: 'ae8b14860a799888' });
    const bytes = random(3 * MIB);
    const large = await write(inPieces(bytes), { digests: ['crc32', 'crc64nvme', 'crc32c'] });
    large.release();
    expect(large.digests.crc32?.readUInt32BE()).to.equal(nodeCrc32(bytes));
    for (const name of ['crc64nvme', 'crc32c'] as const) {
      const declared = large.digests[name]!;
      (await write(inPieces(bytes), { expect: { [name]: declared } })).release();
      expect(await codeOf(write(inPieces(bytes), { expect: { [name]: Buffer.alloc(declared.length) } }))).to.equal(
        'checksum_mismatch',
      );
    }
  });

  stored('names nothing of a body that failed, and holds no lease for it', async (rig) => {
    for (const size of [3000, 3 * MIB]) {
      const bytes = random(size);
      const before = rig.leases();
      expect(await codeOf(write(inPieces(bytes), { size: size + 1 }))).to.equal('incomplete_body');
      expect(await codeOf(write(inPieces(bytes), { expect: { md5: Buffer.alloc(16) } }))).to.equal('checksum_mismatch');
      expect(rig.leases()).to.equal(before);
      const staged = await write(inPieces(bytes));
      expect(staged.chunks.reduce((sum, chunk) => sum + chunk.size, 0)).to.equal(size);
      expect(rig.leases()).to.equal(before + 1);
      staged.release();
      staged.release();
      expect(rig.leases()).to.equal(before);
    }
  });

  stored('joins without storing what is stored, within one domain only', async (rig) => {
    const { domains } = rigOf();
    const parts = [await store(random(3 * MIB)), await store(random(70_000)), await store(random(100))];
    const before = rig.leases();
    const joined = await rigOf().content().concat(parts, domains[0]);
    expect(joined.chunks.reduce((sum, chunk) => sum + chunk.size, 0)).to.equal(100);
    expect(joined.contentHash).to.equal(null);
    expect(rig.leases()).to.equal(before + 1);
    joined.release();
    expect(rig.leases()).to.equal(before);
    const foreign = await store(random(70_000), { domain: domains[1] });
    expect(await codeOf(rigOf().content().concat([parts[0]!, foreign], domains[0]))).to.equal('invalid_argument');
    expect(rig.leases()).to.equal(before);
  });

  stored('yields no byte of a record in which one bit is wrong, wherever it is', async (rig) => {
    // Larger than what is kept in memory, so that every read goes to the disk.
    const bytes = Buffer.concat([random(60_000), Buffer.alloc(10_000, 'compressible ')]);
    const content = await store(bytes);
    const [place] = await rig.places(content.domain, await chunksOf(rig, content));
    for (let offset = 0; offset < place!.length; offset += offset < 150 ? 1 : 3001) {
      await rig.flip(place!, offset);
      const got: Uint8Array[] = [];
      const reading = (async () => {
        for await (const part of rigOf().content().read(content)) got.push(part);
      })();
      expect(await codeOf(reading), `bit in byte ${offset} of ${place!.length}`).to.equal('corrupt');
      expect(got.length).to.equal(0);
      expect(await codeOf(rigOf().content().verify(content))).to.equal('corrupt');
      await rig.flip(place!, offset);
    }
    expect((await read(content)).equals(bytes)).to.equal(true);
  });

  stored('yields all before the damage, nothing behind it, and says where', async (rig) => {
    const bytes = random(6 * MIB);
    const content = await store(bytes);
    const ids = await chunksOf(rig, content);
    const places = await rig.places(content.domain, ids);
    const broken = ids.length >> 1;
    const other = await store(random(2 * MIB));
    await rig.reopen();
    // Until the threads have started: what they open damaged must be told as well.
    for (let n = 0; n < 10; n++) {
      await read(other);
      await sleep(100);
    }
    await rig.flip(places[broken]!, places[broken]!.length - 20);
    const got: Uint8Array[] = [];
    let thrown: unknown = null;
    try {
      for await (const part of rigOf().content().read(content)) got.push(part);
    } catch (error) {
      thrown = error;
    }
    const all = Buffer.concat(got);
    expect(all.equals(bytes.subarray(0, all.length))).to.equal(true);
    if (!isCloudStoreError(thrown, 'corrupt')) throw thrown;
    const { offset } = thrown.details as { offset: number };
    expect(all.length).to.be.at.least(offset);
    expect(all.length).to.be.below(bytes.length);
    const verified = await rigOf()
      .content()
      .verify(content)
      .catch((error: unknown) => error);
    if (!isCloudStoreError(verified, 'corrupt')) throw verified ?? new Error('What a read found damaged was verified.');
    expect(verified.details.offset).to.equal(offset);
    expect((await read(content, { start: 0, end: offset - 1 })).equals(bytes.subarray(0, offset))).to.equal(true);
  });

  stored('takes no record for another, and no sealed row that was touched', async (rig) => {
    const [one, two] = [await store(random(2000)), await store(random(2000))];
    if (one.kind !== 'chunk' || two.kind !== 'chunk') throw new Error('of one chunk');
    expect(await codeOf(read({ ...one, domain: rigOf().domains[1] }))).to.equal('corrupt');
    expect(await codeOf(read({ ...one, id: Buffer.alloc(32) }))).to.equal('corrupt');
    expect(await codeOf(read({ ...one, size: 1999 }))).to.equal('corrupt');
    await rig.reopen();
    const inline = await store(random(50));
    if (inline.kind !== 'inline') throw new Error('inline');
    for (let at = 0; at < inline.sealed.length; at++) {
      const sealed = Buffer.from(inline.sealed);
      sealed[at]! ^= 1;
      expect(await codeOf(read({ ...inline, sealed })), `byte ${at}`).to.equal('corrupt');
    }
    expect(await codeOf(read({ ...inline, domain: rigOf().domains[1] }))).to.equal('corrupt');
    expect(await codeOf(read({ ...inline, size: 49 }))).to.equal('corrupt');
  });

  stored('takes no more of a body than it can hold, while the disk does not answer', async (rig) => {
    const resume = rig.stall();
    let pulled = 0;
    const body = async function* (): Bytes {
      for (; pulled < 32; pulled++) yield random(MIB);
    };
    const writing = write(body());
    try {
      // How many chunks the first MiBs are is chance.
      while (pulled === 0) await sleep(5);
      for (let before = -1; before !== pulled; await sleep(150)) before = pulled;
      expect(pulled).to.be.at.most(24);
    } finally {
      resume();
    }
    const staged = await writing;
    await rigOf().commit(staged);
    expect(staged.size).to.equal(32 * MIB);
  });

  stored('lets go of a body that hangs, when its signal fires', async () => {
    const stop = new AbortController();
    const body = async function* (): Bytes {
      yield random(100_000);
      setTimeout(() => stop.abort(), 20);
      await new Promise(() => undefined);
    };
    expect(await codeOf(write(body(), { signal: stop.signal }))).to.equal('aborted');
  });
}
