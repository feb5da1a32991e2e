import type { BlobStore } from '#contracts/blob-store';
import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkPlace } from '#contracts/content';
import type { SecondCopy } from '#contracts/integrity';
import type { ChunkRow, IntegrityStore } from '#contracts/integrity-store';
import type { Log } from '#contracts/log';
import type { Logger } from '#contracts/observability';
import type { PackInspector } from '#contracts/pack-inspector';
import type { RecordInspector } from '#contracts/record-inspector';
import type { Repair } from '#contracts/repair';
import type { Clock } from '#core/clock';
import type { DomainId, LeafRef } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';

export interface RepairDeps {
  rows: IntegrityStore;
  log: Log;
  stores: BlobStores;
  /** Second copies of packs, under the same names. */
  copies: readonly BlobStore[];
  packs: PackInspector;
  records: RecordInspector;
  clock: Clock;
  logger: Logger;
}

/** What scrub asks for besides what reads do. */
export interface Repairs extends Repair {
  /** As `chunk`, whenever it was tried before. */
  heal(row: ChunkRow, why: string): Promise<ChunkPlace | null>;
  /** Writes a record that was found good once more and turns the row to it. False: the row has another place by now. */
  rewrite(row: ChunkRow, record: Buffer, size: number): Promise<ChunkPlace | null>;
  /** The record at a row's place, found good. @throws corrupt, not_found, unavailable */
  readGood(row: ChunkRow): Promise<{ record: Buffer; size: number }>;
  /** Whether a second copy could heal it; nothing is written. */
  secondCopy(row: ChunkRow): Promise<SecondCopy>;
  /** A good record that was found where no row led: written anew, for the row in quarantine or for one that is missing (null). */
  putBack(row: ChunkRow | null, found: ChunkRow, record: Buffer, size: number): Promise<boolean>;
  /** Puts a pack that is missing back from a copy. False: no copy has it. */
  restorePack(store: number, pack: string): Promise<boolean>;
}

/** How long what could not be healed is left alone by reads: they are to fail at once. */
const GIVEN_UP_MS = 60_000;
const GIVEN_UP_MAX = 10_000;
/** No version wrote a longer record. */
const RECORD_BYTES_MAX = 64 << 20;

export function createRepair(deps: RepairDeps): Repairs {
  const { rows, log, stores, copies, packs, records, clock, logger } = deps;
  const running = new Map<string, Promise<ChunkPlace | null>>();
  const givenUp = new Map<string, number>();

  /** Once at a time for each chunk. */
  function once(key: string, work: () => Promise<ChunkPlace | null>): Promise<ChunkPlace | null> {
    let shared = running.get(key);
    if (shared === undefined) {
      shared = work().finally(() => running.delete(key));
      running.set(key, shared);
    }
    return shared;
  }

  async function healChunk(domain: DomainId, id: Buffer, met: ChunkPlace, why: string): Promise<ChunkPlace | null> {
    const [row] = await rows.chunks(domain, [id]);
    if (!row) return null; // collected meanwhile
    if (!samePlace(row.place, met) && !row.place.damaged) return row.place;
    try {
      await readGood(row);
      if (row.place.damaged) await rows.release(row, row.place);
      logger.warn({ ...whereOf(row), why }, 'a chunk that could not be read reads well now');
      return withoutMark(row.place);
    } catch (error) {
      if (!isDamage(error) || lacksKeys(error, domain)) throw error;
    }
    const found = (await turnedBit(row, ownReader(row.place))) ?? (await fromCopies(row));
    if (found !== null) return rewriteAs(row, found.record, found.size, found.from, why);
    if (await giveUp(row, why)) return null;
    return placeByNow(row);
  }

  /** Where a chunk lies that was moved while it was looked at; null: nowhere, or damaged. */
  async function placeByNow(row: ChunkRow): Promise<ChunkPlace | null> {
    const [now] = await rows.chunks(row.domain, [row.id]);
    return now && !now.place.damaged ? now.place : null;
  }

  async function readGood(row: ChunkRow): Promise<{ record: Buffer; size: number }> {
    return inspected(row, await ownReader(row.place)(0, row.place.length));
  }

  /** @throws corrupt: it is not this chunk's, or damaged */
  async function inspected({ domain, id }: ChunkRow, record: Buffer): Promise<{ record: Buffer; size: number }> {
    const found = await records.record(record);
    if (found.domain !== domain || !found.id.equals(id))
      throw new CloudStoreError('corrupt', 'A chunk cannot be read: another chunk lies in its place.');
    return { record, size: found.size };
  }

  type Reader = (offset: number, length: number) => Promise<Buffer>;

  /** Offsets from the record's first byte; the frame lies before it. */
  function ownReader(place: ChunkPlace): Reader {
    if (place.length > RECORD_BYTES_MAX || place.length <= 0 || place.offset < 0)
      return () => Promise.reject(new CloudStoreError('corrupt', 'A chunk cannot be read: its place makes no sense.'));
    return async (offset, length) => {
      try {
        return await log.read({ ...place, offset: place.offset + offset, length }, 0, length);
      } catch (error) {
        if (!isCloudStoreError(error, 'not_found')) throw error;
        return stores.of(place.store).read(`${place.pack}.pack`, place.offset + offset, length);
      }
    };
  }

  interface Found {
    record: Buffer;
    size: number;
    from: string;
  }

  async function turnedBit(row: ChunkRow, read: Reader): Promise<Found | null> {
    const { length } = row.place;
    try {
      const crc = await packs.statedCrc((bytes) => read(-bytes, bytes), length);
      const record = crc === null ? null : await packs.turnBit(await read(0, length), crc);
      return record && { ...(await inspected(row, record)), from: 'a single flipped bit, which its checksum tells' };
    } catch (error) {
      if (isDamage(error)) return null;
      throw error;
    }
  }

  async function fromCopies(row: ChunkRow): Promise<Found | null> {
    const { pack, offset, length } = row.place;
    for (const copy of copies) {
      const read: Reader = (at, bytes) => copy.read(`${pack}.pack`, offset + at, bytes);
      try {
        return { ...(await inspected(row, await read(0, length))), from: 'the mirror' };
      } catch (err) {
        // A mirror that is out of reach, damaged or behind is no reason to stop looking.
        if (!isDamage(err)) logger.warn({ err }, 'a mirror could not be asked for a good copy');
        const turned = isDamage(err) ? await turnedBit(row, read) : null;
        if (turned !== null) return turned;
      }
    }
    return null;
  }

  async function rewriteAs(row: ChunkRow, record: Buffer, size: number, from: string, why: string): Promise<ChunkPlace | null> {
    const place = await rewrite(row, record, size);
    if (place === null) return placeByNow(row);
    await rows.clear('chunk', subjectOf(row));
    logger.warn({ ...whereOf(row), why, from, now: place }, 'a damaged chunk was healed');
    return place;
  }

  async function rewrite(row: ChunkRow, record: Buffer, size: number): Promise<ChunkPlace | null> {
    const to = await log.append([record]);
    const { domain, id, place } = row;
    return (await rows.relocate([{ domain, id, size, from: place, to }])) > 0 ? to : null;
  }

  /** False: it has another place by now. */
  async function giveUp(row: ChunkRow, why: string): Promise<boolean> {
    if (!(await rows.quarantine(row, row.place))) return false;
    const { store, pack, offset, length } = row.place;
    await rows.note({ kind: 'chunk', subject: subjectOf(row), reason: why, details: { store, pack, offset, length } });
    if (givenUp.size >= GIVEN_UP_MAX) givenUp.clear();
    givenUp.set(subjectOf(row), clock.now());
    logger.error({ ...whereOf(row), why }, 'a chunk is damaged and no good copy of it is known: it is in quarantine');
    return true;
  }

  return {
    chunk(domain, { id }, place, why) {
      const key = `${domain}:${id.toString('hex')}`;
      const tried = givenUp.get(key);
      if (place.damaged && tried !== undefined && Math.abs(clock.now() - tried) < GIVEN_UP_MS) return Promise.resolve(null);
      return once(key, () => healChunk(domain, id, place, why));
    },
    heal: (row, why) => once(subjectOf(row), () => healChunk(row.domain, row.id, row.place, why)),
    rewrite,
    readGood,
    async secondCopy(row) {
      const { pack, offset, length } = row.place;
      let state: SecondCopy = 'none';
      for (const copy of copies) {
        const read: Reader = (at, bytes) => copy.read(`${pack}.pack`, offset + at, bytes);
        try {
          await inspected(row, await read(0, length));
          return 'good';
        } catch (error) {
          if (isDamage(error) && (await turnedBit(row, read)) !== null) return 'good';
          state = isCloudStoreError(error, 'not_found') ? 'missing' : isDamage(error) ? 'damaged' : 'unreachable';
        }
      }
      return state;
    },
    async putBack(row, found, record, size) {
      const { domain, id } = found;
      let written: boolean;
      if (row !== null) written = (await rewrite(row, record, size)) !== null;
      else written = await rows.restoreChunk(domain, { id, size, ...(await log.append([record])) });
      if (written) await rows.clear('chunk', subjectOf(found));
      if (written) logger.warn(whereOf(found), 'a chunk was found where no row led, and its row was set right');
      return written;
    },
    async leaf(domain, leaf, entries) {
      const key = `${domain}:${leaf.id.toString('hex')}`;
      const tried = givenUp.get(key);
      if (tried !== undefined && Math.abs(clock.now() - tried) < GIVEN_UP_MS) return null;
      const good = entries === null ? null : await records.turnLeafBit(domain, leaf, entries);
      if (good !== null) {
        await rows.restoreLeaf(domain, { id: leaf.id, ...good });
        await rows.clear('leaf', key);
        logger.warn({ leaf: key }, 'a damaged leaf was healed: a single bit of its row had flipped');
        return good.entries;
      }
      givenUp.set(key, clock.now());
      await noteLeaf(domain, leaf, entries === null);
      return null;
    },
    async restorePack(store, pack) {
      const name = `${pack}.pack`;
      for (const copy of copies) {
        try {
          const found = await copy.stat(name);
          if (found === null) continue;
          await stores.of(store).put(name, streamOf(copy, name, found.size), found.size);
          logger.warn({ store, pack }, 'a pack that was missing was put back from the mirror');
          return true;
        } catch (err) {
          logger.warn({ err, store, pack }, 'a pack that is missing could not be put back from the mirror');
        }
      }
      return false;
    },
  };

  async function noteLeaf(domain: DomainId, { id }: LeafRef, missing: boolean): Promise<void> {
    const subject = `${domain}:${id.toString('hex')}`;
    const reason = `A leaf of a manifest is ${missing ? 'missing' : 'damaged'}.`;
    await rows.note({ kind: 'leaf', subject, reason, details: missing ? { missing } : {} });
    logger.error({ leaf: subject }, reason);
  }
}

const COPY_BYTES = 1 << 20;

async function* streamOf(store: BlobStore, name: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += COPY_BYTES) yield await store.read(name, at, Math.min(COPY_BYTES, size - at));
}

/** What is there is not what should be; a store that cannot be reached says nothing of that, but a sector that cannot be read does. */
export function isDamage(error: unknown): boolean {
  return (
    isCloudStoreError(error, 'corrupt') ||
    isCloudStoreError(error, 'not_found') ||
    (isCloudStoreError(error, 'unavailable') && error.details.code === 'EIO')
  );
}

/** Nothing of this domain can be read, good or not. */
export function lacksKeys(error: unknown, domain: DomainId): boolean {
  return isCloudStoreError(error, 'corrupt') && error.details.keysOf === domain;
}

export function subjectOf({ domain, id }: { domain: DomainId; id: Buffer }): string {
  return `${domain}:${id.toString('hex')}`;
}

function whereOf(row: ChunkRow): object {
  const { store, pack, offset } = row.place;
  return { chunk: subjectOf(row), store, pack, offset };
}

function samePlace(a: ChunkPlace, b: ChunkPlace): boolean {
  return a.store === b.store && a.pack === b.pack && a.offset === b.offset && a.length === b.length;
}

function withoutMark({ store, pack, offset, length }: ChunkPlace): ChunkPlace {
  return { store, pack, offset, length };
}
