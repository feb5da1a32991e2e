import { expect } from 'chai';
import type { ContentRef } from '#core/content-ref';
import type { Bytes } from '#core/stream';
import { NORMAL } from '#engine/chunker';
import { openEngine } from '../../support/content-rig.ts';
import { SEED, seededRandom } from '../../support/random.ts';

const MIB = 1 << 20;
const SIZE = (process.env.CLOUDSTORE_TEST_LONG === '1' ? 1024 : 256) * MIB;
/** rclone's part size when nobody says. */
const PART_BYTES = 5 * MIB;

describe(`one byte inserted at the head of ${SIZE / MIB} MiB (seed ${SEED})`, function () {
  this.timeout(600_000);
  let rig: Awaited<ReturnType<typeof openEngine>>;
  beforeEach(async () => {
    rig = await openEngine('disk');
  });
  afterEach(() => rig.close());

  /** The same bytes each time, behind `head`. */
  async function* body(head: string): Bytes {
    if (head !== '') yield Buffer.from(head);
    const random = seededRandom(`insertion ${SEED}`);
    for (let at = 0; at < SIZE; at += MIB / 4) yield random(MIB / 4);
  }

  /** What it wrote to the disk, bytes. */
  async function written(work: () => Promise<void>): Promise<number> {
    const before = rig.written();
    await work();
    return rig.written() - before;
  }

  async function put(bytes: Bytes): Promise<ContentRef> {
    const staged = await rig.content().write(bytes, { domain: rig.domains[0] });
    await rig.commit(staged);
    return staged.content;
  }

  /** As a multipart upload: each part is a body of its own, then they are joined. */
  async function putInParts(bytes: Bytes): Promise<void> {
    const parts: ContentRef[] = [];
    let waiting: Uint8Array[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      const whole = Buffer.concat(waiting);
      for (let at = 0; at < whole.length; at += PART_BYTES) {
        const part = whole.subarray(at, at + PART_BYTES);
        parts.push(
          await put(
            (async function* () {
              yield part;
            })(),
          ),
        );
      }
      waiting = [];
      size = 0;
    };
    for await (const piece of bytes) {
      const room = PART_BYTES - size;
      waiting.push(piece.subarray(0, room));
      size += Math.min(room, piece.length);
      if (size < PART_BYTES) continue;
      await flush();
      if (piece.length > room) {
        waiting.push(piece.subarray(room));
        size = piece.length - room;
      }
    }
    await flush();
    const joined = await rig.content().concat(parts, rig.domains[0]);
    await rig.commit(joined);
    expect(joined.size).to.be.at.least(SIZE);
  }

  it('stores less than 1.5 times the largest chunk more', async () => {
    await put(body(''));
    const more = await written(async () => void (await put(body('x'))));
    console.log(`      ${more} bytes more: ${(more / NORMAL.max).toFixed(2)} of the largest chunk`);
    expect(more).to.be.below(1.5 * NORMAL.max);
  });

  it('stores less than 5 % more when it comes in parts', async () => {
    await putInParts(body(''));
    const more = await written(() => putInParts(body('x')));
    console.log(`      ${more} bytes more: ${((100 * more) / SIZE).toFixed(2)} %`);
    expect(more / SIZE).to.be.below(0.05);
  });
});
