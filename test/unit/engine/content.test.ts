import { expect } from 'chai';
import type { Staged } from '#contracts/content';
import { bytesOf } from '#core/stream';
import { describeContent } from '../../conformance/content.ts';
import { openEngine, openMemoryContent, rowsInMemory } from '../../support/content-rig.ts';
import { seededRandom } from '../../support/random.ts';
import { codeOf } from '../../support/rooms.ts';

describeContent('the engine on disk', () => openEngine('disk'));
describeContent('the engine with packs of other gateways, one thread, no compression, little memory', () =>
  openEngine('blobs', rowsInMemory(), { threads: 0, compression: false, memoryBytesMax: 12 << 20 }),
);
describeContent('memory, as other rooms test with', async () => openMemoryContent());

describe('a chunk that compaction moved after its place was read', () => {
  /** `places` tells of a pack that is gone, so many times. */
  async function readMoved(lies: number, size: number): Promise<boolean> {
    const rows = rowsInMemory();
    let left = 0;
    const { places } = rows.chunks;
    rows.chunks.places = async (...args) => {
      const found = await places(...args);
      return left-- > 0 ? found.map((place) => place && { ...place, pack: 'f'.repeat(32) }) : found;
    };
    const rig = await openEngine('blobs', rows);
    try {
      const bytes = seededRandom('moved')(size);
      const staged: Staged = await rig.content().write(bytesOf(bytes), { domain: rig.domains[0] });
      await rig.commit(staged);
      left = lies;
      const read: Uint8Array[] = [];
      for await (const part of rig.content().read(staged.content, { start: size >> 1, end: size - 1 })) read.push(part);
      return Buffer.concat(read).equals(bytes.subarray(size >> 1));
    } finally {
      await rig.close();
    }
  }

  it('is found where it lies now', async () => {
    for (const size of [2000, 900_000, 3_000_000]) expect(await readMoved(1, size)).to.equal(true);
  });

  it('is corrupt when it lies nowhere', async () => {
    expect(await codeOf(readMoved(1000, 900_000))).to.equal('corrupt');
  });
});
