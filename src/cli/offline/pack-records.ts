import type { DatabaseSync } from 'node:sqlite';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { PackReader } from '#contracts/pack-reader';
import { isCloudStoreError } from '#core/errors';
import { chunkOfLabel } from '#engine/record-format';
import { bytesOf } from './dump-tables.ts';

export interface PackFault {
  pack: string;
  why: string;
}

export const RECORDS_TABLE =
  'DROP TABLE IF EXISTS records; CREATE TABLE records (domain INTEGER, id BLOB, pack TEXT, offset INTEGER, length INTEGER)';

/** Where chunks lie by the packs' own indexes, into the table `records`; a pack without a good one is walked record by record. */
export async function takePacks(database: DatabaseSync, packs: PackReader, looked?: () => void): Promise<PackFault[]> {
  const faults: PackFault[] = [];
  const insert = database.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?)');
  for (const pack of await packs.list()) {
    looked?.();
    try {
      const { records, indexed } = await packs.contents(pack);
      if (!indexed && !pack.open) faults.push({ pack: pack.id, why: 'its index is damaged; it was read record by record' });
      for (const { offset, length, label } of records) {
        const chunk = chunkOfLabel(label);
        if (chunk !== null) insert.run(chunk.domain, chunk.id, pack.id, offset, length);
      }
    } catch (error) {
      if (!isCloudStoreError(error)) throw error;
      faults.push({ pack: pack.id, why: error.message });
    }
  }
  return faults;
}

/** @param other the last place in place of the first, where a chunk is stored more than once */
export function chunksIn(database: DatabaseSync, other: boolean): Pick<ChunkIndex, 'places' | 'leaves'> {
  const place = database.prepare(
    `SELECT pack, offset, length FROM records WHERE domain = ? AND id = ? ORDER BY rowid ${other ? 'DESC' : ''} LIMIT 1`,
  );
  const leaf = database.prepare('SELECT entries FROM leaves WHERE domain = ? AND id = ?');
  return {
    async places(domain, ids) {
      return ids.map((id) => {
        const row = place.get(domain, id);
        if (row === undefined) return null;
        return { store: 0, pack: String(row.pack), offset: Number(row.offset), length: Number(row.length) };
      });
    },
    leaves: async (domain, ids) => ids.map((id) => bytesOf(leaf.get(domain, id)?.entries)),
  };
}
