import { expect } from 'chai';
import type { Staged } from '#contracts/content';
import type { DigestName } from '#core/digest';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { bytesOf } from '#core/stream';
import { type ContentOptions, createContent } from '#engine/content-store';
import { openEngine, rowsInMemory } from '../../support/content-rig.ts';
import { SEED, seededRandom } from '../../support/random.ts';

describe(`a small body, sealed while its chunk is looked for (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  let rig: Awaited<ReturnType<typeof openEngine>>;
  let content: ReturnType<typeof createContent>;
  let appended: number;
  /** What the database does before it answers. */
  let asked: () => Promise<void>;

  before(async () => {
    const rows = rowsInMemory();
    let own: ContentOptions | null = null;
    rig = await openEngine('disk', rows, { threads: 0, seen: (options) => (own = options) });
    const { log } = own!;
    content = createContent({
      ...own!,
      log: {
        ...log,
        append(record, crc) {
          appended++;
          return log.append(record, crc);
        },
      },
      chunks: {
        ...rows.chunks,
        async claim(domain, ids) {
          await asked();
          return rows.chunks.claim(domain, ids);
        },
      },
    });
  });
  beforeEach(() => {
    appended = 0;
    asked = async () => undefined;
  });
  after(async () => {
    await content.close();
    await rig.close();
  });

  const write = (bytes: Buffer, expected: Partial<Record<DigestName, Buffer>> = {}): Promise<Staged> =>
    content.write(bytesOf(bytes), { domain: rig.domains[0], size: bytes.length, expect: expected });
  const codeOf = (writing: Promise<Staged>): Promise<string> =>
    writing.then(
      () => 'stored',
      (error: unknown) => (isCloudStoreError(error) ? error.code : String(error)),
    );

  it('is appended once, and names the chunk that is there the next time', async () => {
    const bytes = random(20_000);
    const first = await write(bytes);
    expect([appended, first.chunks.length]).to.deep.equal([1, 1]);
    await rig.commit(first);
    const second = await write(bytes);
    expect([appended, second.chunks.length]).to.deep.equal([1, 0]);
    expect(second.content).to.deep.equal(first.content);
    second.release();
  });

  it('of one chunk and more than a small body has, too, and of several the last ones', async () => {
    for (const size of [200_000, 3_000_000]) {
      const bytes = random(size);
      const first = await write(bytes);
      await rig.commit(first);
      const second = await write(bytes);
      expect([second.chunks.length, second.content]).to.deep.equal([0, first.content]);
      second.release();
      asked = () => Promise.reject(new CloudStoreError('unavailable', 'The database is away.'));
      expect(await codeOf(write(random(size)))).to.equal('unavailable');
      asked = async () => undefined;
    }
  });

  it('is not appended before the database has answered', async () => {
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const isAsked = new Promise<void>((resolve) => {
      asked = () => {
        resolve();
        return answered;
      };
    });
    const writing = write(random(20_000));
    await isAsked;
    // By then the seal, which waits for no disk, is done.
    await write(random(1000));
    await new Promise(setImmediate);
    expect(appended).to.equal(0);
    answer();
    (await writing).release();
    expect(appended).to.equal(1);
  });

  it('is not appended where its checksum is another, whether the database answers or not', async () => {
    const bytes = random(20_000);
    const wrong = { md5: Buffer.alloc(16) };
    expect(await codeOf(write(bytes, wrong))).to.equal('checksum_mismatch');
    asked = () => Promise.reject(new CloudStoreError('unavailable', 'The database is away.'));
    expect(await codeOf(write(bytes, wrong))).to.equal('checksum_mismatch');
    expect(await codeOf(write(bytes))).to.equal('unavailable');
    expect(appended).to.equal(0);
  });
});
