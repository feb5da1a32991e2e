import { expect } from 'chai';
import type { BlobStore } from '#contracts/blob-store';
import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkRow, IntegrityStore } from '#contracts/integrity-store';
import type { Log } from '#contracts/log';
import type { Logger } from '#contracts/observability';
import type { PackInspector } from '#contracts/pack-inspector';
import type { RecordInspector } from '#contracts/record-inspector';
import { CloudStoreError } from '#core/errors';
import { createRepair } from '#engine/repair';

describe('a chunk that is looked for where it lay', () => {
  const id = Buffer.alloc(16, 7);
  const rowAt = (pack: string): ChunkRow => ({
    domain: 1,
    id,
    size: 100,
    condemned: false,
    place: { store: 0, pack, offset: 64, length: 100 },
  });
  const missing = (): Promise<never> => Promise.reject(new CloudStoreError('not_found', 'no such pack'));
  const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };

  /** Where `by` says that it lies, whenever that is asked. */
  async function healed(by: (asked: number) => ChunkRow | null, quarantined: boolean) {
    let asked = 0;
    const notes: string[] = [];
    const rows: Partial<IntegrityStore> = {
      chunks: async () => {
        const row = by(asked++);
        return row === null ? [] : [row];
      },
      quarantine: async () => quarantined,
      note: async ({ reason }) => void notes.push(reason),
    };
    const store: Partial<BlobStore> = { read: missing };
    const repair = createRepair({
      rows: rows as IntegrityStore,
      log: { read: missing } as Partial<Log> as Log,
      stores: { of: () => store } as unknown as BlobStores,
      copies: [store as BlobStore],
      packs: { statedCrc: async () => null } as Partial<PackInspector> as PackInspector,
      records: {} as RecordInspector,
      clock: Date,
      logger,
    });
    return { place: await repair.chunk(1, { id } as Parameters<typeof repair.chunk>[1], rowAt('old').place, 'gone'), notes };
  }

  it('is found where it was moved meanwhile, and is not called damaged', async () => {
    const { place, notes } = await healed((asked) => rowAt(asked === 0 ? 'old' : 'new'), false);
    expect(place).to.deep.equal(rowAt('new').place);
    expect(notes).to.deep.equal([]);
  });
  it('is nowhere when it was collected meanwhile, or is in quarantine', async () => {
    expect(await healed((asked) => (asked === 0 ? rowAt('old') : null), false)).to.deep.equal({ place: null, notes: [] });
    expect(await healed(() => rowAt('old'), true)).to.deep.equal({ place: null, notes: ['gone'] });
  });
});
