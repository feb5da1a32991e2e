import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace, ChunkRecord, LeafRecord } from '#contracts/content';
import type { DomainId } from '#core/content-ref';
import type { Database } from './database.ts';
import type { Registration } from './instance.ts';

export interface ChunkIndexOptions {
  database: Database;
  registration: Registration;
}

/**
 * The row of an id, one probe of the primary key. As a join it would be planned while the table is small, by reading all of a domain, and be
 * kept so while it grows.
 */
export function rowOf(table: 'chunks' | 'leaves'): string {
  return `LATERAL (SELECT * FROM ${table} AS r WHERE r.domain = $1 AND r.id = x.id OFFSET 0)`;
}

const PLACES = `SELECT x.n::int, c.store, encode(c.pack, 'hex'), c.pack_offset, c.length, c.damaged_ms IS NOT NULL
  FROM unnest((SELECT $2::bytea[])) WITH ORDINALITY AS x(id, n), ${rowOf('chunks')} AS c`;
const CLAIM = { name: 'chunks-claim', text: `${PLACES} WHERE c.condemned_ms IS NULL AND c.damaged_ms IS NULL` };
const CLAIM_SIZES = {
  name: 'chunks-claim-sizes',
  text: `SELECT x.n::int, c.size FROM unnest((SELECT $2::bytea[])) WITH ORDINALITY AS x(id, n), ${rowOf('chunks')} AS c
         WHERE c.condemned_ms IS NULL AND c.damaged_ms IS NULL`,
};
const FIND = { name: 'chunks-find', text: PLACES };
const LEAVES = {
  name: 'leaves-find',
  text: `SELECT x.n::int, l.entries FROM unnest((SELECT $2::bytea[])) WITH ORDINALITY AS x(id, n), ${rowOf('leaves')} AS l`,
};
const RECORD = { name: 'chunks-record', text: 'SELECT cs_alive($2), cs_apply_extra(0, $1)' };

/** Where the chunks of a domain lie. A look-up of many ids is one statement. */
export function createChunkIndex({ database, registration }: ChunkIndexOptions): ChunkIndex {
  async function places(statement: typeof CLAIM, domain: DomainId, ids: Buffer[]): Promise<(ChunkPlace | null)[]> {
    const out: (ChunkPlace | null)[] = ids.map(() => null);
    if (ids.length === 0) return out;
    const rows = await database.read<[number, number, string, number, number, boolean]>(statement, [domain, ids]);
    for (const [n, store, pack, offset, length, damaged] of rows) {
      out[n - 1] = damaged ? { store, pack, offset, length, damaged } : { store, pack, offset, length };
    }
    return out;
  }
  return {
    async lease() {
      const lease = { turn: registration.turn };
      registration.leases.add(lease);
      return { end: () => registration.leases.delete(lease) };
    },
    claim: (domain, ids) => places(CLAIM, domain, ids),
    async claimSizes(domain, ids) {
      const out: (number | null)[] = ids.map(() => null);
      if (ids.length === 0) return out;
      for (const [n, size] of await database.read<[number, number]>(CLAIM_SIZES, [domain, ids])) out[n - 1] = size;
      return out;
    },
    places: (domain, ids) => places(FIND, domain, ids),
    async leaves(domain, ids) {
      const out: (Buffer | null)[] = ids.map(() => null);
      if (ids.length === 0) return out;
      for (const [n, entries] of await database.read<[number, Buffer]>(LEAVES, [domain, ids])) out[n - 1] = entries;
      return out;
    },
    async record(domain, chunks, leaves) {
      if (chunks.length + leaves.length === 0) return;
      await database.query(RECORD, [JSON.stringify(recordsOf(domain, chunks, leaves)), registration.gateway]);
    },
  };
}

/** The rows of chunks and leaves as the database's functions take them. */
export function recordsOf(domain: DomainId, chunks: ChunkRecord[], leaves: LeafRecord[]) {
  return {
    chunks: chunks.map((chunk) => chunkRow(domain, chunk)),
    leaves: leaves.map((leaf) => leafRow(domain, leaf)),
  };
}

export function chunkRow(domain: DomainId, { id, size, store, pack, offset, length }: ChunkRecord) {
  return { d: domain, i: id.toString('hex'), z: size, s: store, p: pack, o: offset, l: length };
}

export function leafRow(domain: DomainId, { id, size, entries }: LeafRecord) {
  return { d: domain, i: id.toString('hex'), z: size, e: entries.toString('base64') };
}
