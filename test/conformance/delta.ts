import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Delta, DeltaUpload } from '#contracts/delta';
import { DELTA_CHUNK_BYTES_MAX } from '#contracts/delta';
import type { ChunkRef, ContentRef } from '#core/content-ref';
import { isCloudStoreError } from '#core/errors';
import { bytesOf } from '#core/stream';
import { cutAsClient, sendMissing } from '../support/delta-client.ts';
import { SEED, seededRandom } from '../support/random.ts';
import { codeOf } from '../support/rooms.ts';
import type { ContentRig } from './content.ts';

export interface DeltaRig extends ContentRig {
  delta(): Delta;
  /** Uploads whose lease runs. */
  leases(): number;
}

const MIB = 1 << 20;

/** Have and want. */
export function describeDelta(name: string, make: () => Promise<DeltaRig>): void {
  describe(`delta: ${name} (seed ${SEED})`, () => {
    let rig: DeltaRig;
    const random = seededRandom(SEED);
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());
    const domain = () => rig.domains[0];
    const cut = async (body: Buffer, of = domain()) => cutAsClient(body, await rig.delta().secrets(of));
    async function read(content: ContentRef): Promise<Buffer> {
      const parts: Uint8Array[] = [];
      for await (const part of rig.content().read(content)) parts.push(part);
      return Buffer.concat(parts);
    }

    it('moves what changed, and nothing else', async () => {
      const first = random(12 * MIB);
      const changed = Buffer.concat([first.subarray(0, 5 * MIB), Buffer.from('!'), first.subarray(5 * MIB)]);
      const sent: number[] = [];
      const there = new Set<string>();
      for (const body of [first, changed, first]) {
        const upload = await rig.delta().begin(domain());
        const pieces = await cut(body);
        const lacking = pieces.filter(({ id }) => !there.has(id.toString('hex')));
        sent.push(await sendMissing(upload, pieces));
        expect(sent.at(-1)).to.equal(lacking.reduce((sum, { size }) => sum + size, 0));
        for (const { id } of pieces) there.add(id.toString('hex'));
        const staged = await upload.commit(pieces);
        expect([staged.size, staged.content.domain]).to.deep.equal([body.length, domain()]);
        await rig.commit(staged);
        expect((await read(staged.content)).equals(body)).to.equal(true);
        await rig.content().verify(staged.content);
      }
      expect(sent[0]).to.equal(first.length);
      // How soon cuts meet again behind the change is a matter of chance; ahead of it is all but the chunk that it lies in.
      const { max } = (await rig.delta().secrets(domain())).cutting;
      expect(sent[1]).to.be.within(1, changed.length - (5 * MIB - max));
      expect(sent[2]).to.equal(0);
    });

    it('names and cuts as the store does, so that what came by other ways is there', async () => {
      const body = random(32 * MIB);
      const whole = await rig.content().write(bytesOf(body), { domain: domain() });
      await rig.commit(whole);
      const upload = await rig.delta().begin(domain());
      const pieces = await cut(body);
      const have = (await upload.have(pieces.map(({ id }) => id))).map(Boolean);
      // The store cuts finely at the head, so the two meet at a cut some chunks later, and from there on all is the same but the tail.
      const met = have.indexOf(true);
      expect(met).to.be.within(0, have.length >> 1);
      expect(have.slice(met, -1)).to.deep.equal(have.slice(met, -1).fill(true));
      upload.end();
    });

    it('is read in pieces of 1 MiB at most, also where a chunk is a little longer', async () => {
      const size = MIB + 10;
      const secrets = await rig.delta().secrets(domain());
      const pieces = cutAsClient(random(size), {
        ...secrets,
        cutting: { ...secrets.cutting, min: size, average: size, max: size },
      });
      const upload = await rig.delta().begin(domain());
      await sendMissing(upload, pieces);
      const staged = await upload.commit(pieces);
      await rig.commit(staged);
      const lengths: number[] = [];
      for await (const part of rig.content().read(staged.content)) lengths.push(part.length);
      expect([lengths.reduce((a, b) => a + b), Math.max(...lengths) <= MIB]).to.deep.equal([size, true]);
    });

    it('makes contents of no chunk, of one, and of the same one many times', async () => {
      const [piece] = await cut(random(5000));
      for (const count of [0, 1, 3000]) {
        const upload = await rig.delta().begin(domain());
        await sendMissing(upload, [piece!]);
        const staged = await upload.commit(Array.from({ length: count }, () => piece!));
        await rig.commit(staged);
        const bytes = await read(staged.content);
        expect(bytes.equals(Buffer.concat(Array.from({ length: count }, () => piece!.bytes)))).to.equal(true);
      }
    });

    it('takes thousands of chunks, as a stream', async () => {
      const { chunkIdKey, gearTable } = await rig.delta().secrets(domain());
      const tiny = { min: 256, average: 512, max: 1024, hardMask: 0xff << 24, easyMask: 0x7f << 24 };
      const body = random(1_500_000);
      const pieces = cutAsClient(body, { chunkIdKey, gearTable, cutting: tiny });
      expect(pieces.length).to.be.greaterThan(2100);
      const upload = await rig.delta().begin(domain());
      await Promise.all(pieces.map(({ id, bytes }) => upload.put(id, bytes)));
      const stream = async function* (): AsyncGenerator<ChunkRef> {
        yield* pieces;
      };
      const staged = await upload.commit(stream());
      expect(staged.chunks.length).to.be.below(1100); // the rest was recorded ahead
      await rig.commit(staged);
      expect((await read(staged.content)).equals(body)).to.equal(true);
    });

    it('takes no chunk under an id that is not its own, none without bytes and none too large', async () => {
      const [piece, other] = await cut(random(4 * MIB));
      const upload = await rig.delta().begin(domain());
      expect(await codeOf(upload.put(other!.id, piece!.bytes))).to.equal('checksum_mismatch');
      expect(await codeOf(upload.put(Buffer.alloc(32), piece!.bytes))).to.equal('checksum_mismatch');
      expect(await codeOf(upload.put(piece!.id, Buffer.alloc(0)))).to.equal('invalid_argument');
      expect(await codeOf(upload.put(piece!.id, Buffer.alloc(DELTA_CHUNK_BYTES_MAX + 1)))).to.equal('too_large');
      expect(await upload.have([piece!.id, other!.id])).to.deep.equal([false, false]);
      upload.end();
    });

    it('makes no content of what is not there, says what lacks, and goes on when it has come', async () => {
      const pieces = await cut(random(6 * MIB));
      const upload = await rig.delta().begin(domain());
      await upload.put(pieces[0]!.id, pieces[0]!.bytes);
      const refused: unknown = await upload.commit(pieces).catch((error: unknown) => error);
      if (!isCloudStoreError(refused, 'conflict')) throw refused;
      expect(refused.details.missing).to.deep.equal(pieces.slice(1).map(({ id }) => id.toString('hex')));
      await sendMissing(upload, pieces);
      const staged = await upload.commit(pieces);
      await rig.commit(staged);
      expect(staged.size).to.equal(6 * MIB);
    });

    it('makes no content with another size than a chunk has', async () => {
      const pieces = await cut(random(3 * MIB));
      const upload = await rig.delta().begin(domain());
      await sendMissing(upload, pieces);
      for (const wrong of [-1, 1]) {
        const lying = pieces.map((piece, index) => (index === 1 ? { id: piece.id, size: piece.size + wrong } : piece));
        expect(await codeOf(upload.commit(lying))).to.equal('invalid_argument');
      }
      expect(await codeOf(upload.commit([{ id: Buffer.alloc(31), size: 1 }]))).to.equal('invalid_argument');
      upload.end();
    });

    it('knows nothing of another domain', async () => {
      const body = random(3 * MIB);
      const [own, foreign] = [await cut(body), await cut(body, rig.domains[1])];
      expect(own.map(({ id }) => id.toString('hex'))).to.not.include(foreign[0]!.id.toString('hex'));
      const upload = await rig.delta().begin(rig.domains[1]);
      await sendMissing(upload, foreign);
      await rig.commit(await upload.commit(foreign));
      const asking = await rig.delta().begin(domain());
      // Even with the ids of the other: they were never looked for there.
      expect(await asking.have(foreign.map(({ id }) => id))).to.deep.equal(foreign.map(() => false));
      expect(await codeOf(asking.commit(foreign))).to.equal('conflict');
      expect(await codeOf(asking.put(foreign[0]!.id, foreign[0]!.bytes))).to.equal('checksum_mismatch');
      asking.end();
    });

    /** One that was asked for longer than it lasts untouched. Where the machine stood still for so long, that tells nothing, and it is done again. */
    async function keptBusy(id: Buffer): Promise<DeltaUpload> {
      const lastsMs = 200;
      for (;;) {
        const upload = await rig.delta().begin(domain(), lastsMs);
        let asked = performance.now();
        let stood = false;
        for (let n = 0; n < 6 && !stood; n++) {
          await sleep(lastsMs / 4);
          const before = asked;
          asked = performance.now();
          const gone = (await codeOf(upload.have([id]))) !== 'none';
          stood = performance.now() - before >= lastsMs;
          expect(gone && !stood).to.equal(false);
        }
        if (!stood) return upload;
      }
    }

    it('pins until it ends, or nothing came of it for long enough, and then says so', async () => {
      const before = rig.leases();
      const pieces = await cut(random(2 * MIB));
      const upload = await rig.delta().begin(domain());
      await sendMissing(upload, pieces);
      expect(rig.leases()).to.equal(before + 1);
      const staged = await upload.commit(pieces);
      expect(rig.leases()).to.equal(before + 1);
      staged.release();
      staged.release();
      upload.end();
      expect(rig.leases()).to.equal(before);
      expect(await codeOf(upload.have([]))).to.equal('expired');
      const forgotten = await keptBusy(pieces[0]!.id);
      expect(rig.leases()).to.equal(before + 1);
      for (let n = 0; n < 100 && rig.leases() > before; n++) await sleep(20);
      expect(rig.leases()).to.equal(before);
      for (const call of [
        () => forgotten.have([]),
        () => forgotten.put(pieces[0]!.id, pieces[0]!.bytes),
        () => forgotten.commit([]),
      ]) {
        expect(await codeOf(call())).to.equal('expired');
      }
    });
  });
}
