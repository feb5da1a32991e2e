import { crc32c } from '@node-rs/crc32';
import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkPlace } from '#contracts/content';
import type { Log } from '#contracts/log';
import type { PackFiles } from '#contracts/pack-files';
import { isCloudStoreError } from '#core/errors';
import { packName } from './pack-file.ts';
import { decodeFrame, FRAME_BYTES } from './pack-format.ts';

const NAME = /^([0-9a-f]{32})\.pack$/;
const COPY_BYTES_MAX = 16 << 20;

/** The contract is PackFiles. */
export function createPackFiles({ stores, log }: { stores: BlobStores; log: Log }): PackFiles {
  /** The record, if it is as its frame says; what a disk has changed is left where it is, for whoever looks for damage. */
  async function read(place: ChunkPlace): Promise<Buffer | null> {
    const { length } = place;
    try {
      const bytes = await framed(place);
      const frame = decodeFrame(bytes);
      const record = bytes.subarray(FRAME_BYTES);
      return frame?.length === length && frame.crc === crc32c(record) ? record : null;
    } catch (error) {
      const badSector = isCloudStoreError(error, 'unavailable') && error.details.code === 'EIO';
      if (badSector || isCloudStoreError(error, 'corrupt') || isCloudStoreError(error, 'not_found')) return null;
      throw error;
    }
  }

  /** From this machine where it is here. */
  async function framed(place: ChunkPlace): Promise<Buffer> {
    const length = FRAME_BYTES + place.length;
    try {
      return await log.read(place, -FRAME_BYTES, length);
    } catch (error) {
      if (!isCloudStoreError(error, 'not_found')) throw error;
      return stores.of(place.store).read(packName(place.pack), place.offset - FRAME_BYTES, length);
    }
  }

  return {
    async *sealed(failed) {
      for (const store of stores.numbers()) {
        try {
          for await (const { name, size } of stores.of(store).list('')) {
            const pack = NAME.exec(name)?.[1];
            if (pack !== undefined) yield { store, pack, size };
          }
        } catch (error) {
          failed(error);
        }
      }
    },
    open: async () => log.open().map(({ pack, size }) => ({ store: 0, pack, size })),
    seal: () => log.seal(),
    async copy(places) {
      const out: (ChunkPlace | null)[] = [];
      for (let at = 0; at < places.length; ) {
        const records: (Buffer | null)[] = [];
        for (let bytes = 0; at < places.length && (records.length === 0 || bytes < COPY_BYTES_MAX); at++) {
          records.push(await read(places[at]!));
          bytes += places[at]!.length;
        }
        const appended = records.map((record) => (record === null ? null : log.appendUnsynced([record])));
        out.push(...(await Promise.all(appended)));
      }
      await log.sync(out.filter((place) => place !== null));
      return out;
    },
    async remove({ store, pack }) {
      await log.forget(pack);
      await stores.of(store).remove(packName(pack));
    },
  };
}
