import { join } from 'node:path';
import { createBlobPackReader } from '#blob/blob-pack-reader';
import { decodePackHeader, PACK_HEADER_BYTES } from '#blob/pack-format';
import { createPackReader } from '#blob/pack-reader';
import { IDENTITY_NAME, readIdentity, writeIdentity } from '#blob/store-identity';
import type { BlobStore } from '#contracts/blob-store';
import type { DiskOps } from '#contracts/disk-ops';
import type { PackOnDisk, PackReader } from '#contracts/pack-reader';
import type { RegisteredStore } from '#contracts/store-registry';
import type { Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { describeS3Location, parseS3Location } from '#core/s3-location';
import type { SettingValues } from '../../config/settings.ts';
import { pathOf } from '../../disks.ts';
import { identityIn } from '../disks.ts';

export interface PackStoresOptions {
  dataDirectory: string;
  settings: Pick<SettingValues, 'pack-dirs' | 'chunks-url'>;
  /** Directories to look in besides: those of a backup, say. */
  more: readonly string[];
  /** Disks are looked for where they were seen last, too. Not by what is to be another installation than the one that may still use them. */
  lastSeen: boolean;
  /** The remote store of the settings is taken from an installation that is gone, whatever its identity says by now. */
  takeOver?: boolean;
  disk: DiskOps;
  random: Random;
}

/** The packs of an installation, wherever they lie, for work without a gateway or beside one. */
export interface PackStores extends PackReader {
  /**
   * Finds the stores that a database or a snapshot names: in the data directory, at the settings' places, and where each was seen last. Comes before anything
   * else. Gives what cannot be read here; the rest is.
   */
  know(rows: readonly RegisteredStore[]): Promise<UnreachedStore[]>;
  /** The number of the store that a pack lies in; null: it is in none that is known, only in a directory that was named. */
  storeOf(pack: PackOnDisk): number | null;
  /** All whose packs are seen, ascending. */
  reached(): number[];
  /** Gives the remote store that is taken over an identity of its new owner, so that the one before is refused. null: none is taken over. */
  take(): Promise<{ number: number; identity: string } | null>;
}

export interface UnreachedStore {
  /** null: a place that the settings name, which is none of the stores. */
  number: number | null;
  location: string;
  why: string;
}

/** `number` null: in no store that is known. `part`: what is only a part of a store. */
interface Source {
  number: number | null;
  packs: PackReader;
  part?: true;
}

/**
 * One reader over all stores. A pack on its way from one to another is looked for in the order in which it goes, so that none is missed: open, sealed, in the
 * spool's cache, in the remote store.
 */
export function openPackStores(options: PackStoresOptions): PackStores {
  const { dataDirectory, settings, more, lastSeen, takeOver = false, disk, random } = options;
  const home = join(dataDirectory, 'packs');
  const spool = join(dataDirectory, 'spool');
  let sources: Source[] = [];
  let taken: { blobs: BlobStore; number: number; instance: string } | null = null;
  const opened = new AsyncDisposableStack();
  const byId = new Map<string, Source>();

  function local(number: number | null, directories: readonly string[]): Source {
    const packs = createPackReader({ directories, disk });
    opened.defer(() => packs.close());
    return { number, packs };
  }

  function partOf(number: number, directory: string): Source {
    return { ...local(number, [directory]), part: true };
  }

  /** Of the pack's own source first, then of whichever has it by now. */
  async function first<T>(id: string, use: (packs: PackReader) => Promise<T>): Promise<T> {
    const own = byId.get(id);
    let failure: unknown = new CloudStoreError('not_found', `There is no pack ${id} here.`);
    for (const { packs } of own === undefined ? sources : [own, ...sources.filter((one) => one !== own)]) {
      try {
        return await use(packs);
      } catch (error) {
        if (!isCloudStoreError(error, 'not_found')) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async function remote(rows: readonly RegisteredStore[], unreached: UnreachedStore[]): Promise<Source | null> {
    const expected = rows.filter(({ kind }) => kind === 's3');
    const url = settings['chunks-url'];
    if (url === null) {
      for (const { number, location } of expected)
        unreached.push({ number, location, why: 'CLOUDSTORE_CHUNKS_URL (chunks-url) does not name it' });
      return null;
    }
    const place = parseS3Location(url);
    const location = describeS3Location(place);
    try {
      const { createS3Store } = await import('#blob/s3'); // the client is only loaded where it is used
      const blobs = createS3Store({ location: place, random });
      opened.defer(() => blobs.close());
      const there = await readIdentity(blobs);
      const identity = there?.store ?? null;
      const row = takeOver ? expected[0] : expected.find((one) => one.identity === identity);
      // Without an identity it may be one whose take-over was cut short.
      const instance = there?.instance ?? (takeOver && row !== undefined ? await instanceIn(blobs) : null);
      if (takeOver && row !== undefined && instance !== null) taken = { blobs, number: row.number, instance };
      if (row !== undefined && instance !== null) return { number: row.number, packs: createBlobPackReader(blobs) };
      const why = identity === null ? 'there is no store of packs' : 'it is not a store that the database knows';
      unreached.push({ number: null, location, why });
      for (const one of expected) unreached.push({ number: one.number, location: one.location, why: `${location} is not it` });
    } catch (error) {
      if (!isCloudStoreError(error) || takeOver) throw error;
      for (const { number } of expected.length > 0 ? expected : [{ number: null }])
        unreached.push({ number, location, why: error.message });
    }
    return null;
  }

  /** The directories of the settings and those where disks were seen last, each taken by the identity in it. */
  async function disks(rows: readonly RegisteredStore[], unreached: UnreachedStore[]): Promise<Source[]> {
    const out: Source[] = [];
    const expected = rows.filter(({ number, kind }) => kind === 'local' && number !== 0);
    const found = new Set<number>();
    const seen = lastSeen ? expected.map(({ location }) => pathOf(location)) : [];
    for (const directory of new Set([...settings['pack-dirs'], ...seen])) {
      if (directory === home) continue;
      const identity = await identityIn(directory);
      const row = expected.find((one) => one.identity === identity);
      if (row === undefined || found.has(row.number)) continue;
      found.add(row.number);
      out.push(local(row.number, [directory]));
    }
    for (const { number, location } of expected)
      if (!found.has(number))
        unreached.push({ number, location, why: 'it is not there; mount it, or name it with CLOUDSTORE_PACK_DIRS' });
    return out;
  }

  return {
    async know(all) {
      const rows = all.filter(({ state }) => state !== 'removed');
      const unreached: UnreachedStore[] = [];
      const remoteRow = rows.find(({ kind }) => kind === 's3');
      const s3 = await remote(rows, unreached);
      sources = [
        ...(remoteRow === undefined ? [] : [spool, join(spool, 'cache')].map((one) => partOf(remoteRow.number, one))),
        local(0, [home]),
        ...(await disks(rows, unreached)),
        ...(s3 === null ? [] : [s3]),
        ...(more.length === 0 ? [] : [local(null, more)]),
      ];
      return unreached;
    },
    storeOf: ({ id }) => byId.get(id)?.number ?? null,
    reached: () =>
      [...new Set(sources.flatMap(({ number, part }) => (part === true ? [] : (number ?? []))))].sort((a, b) => a - b),
    async take() {
      if (taken === null) return null;
      const { blobs, number, instance } = taken;
      await blobs.remove(IDENTITY_NAME);
      const { store: identity } = await writeIdentity(blobs, { instance, store: random(16).toString('hex') });
      return { number, identity };
    },
    async list() {
      const out = new Map<string, PackOnDisk>();
      byId.clear();
      // The first one to have a pack is whose it is; in this order, because packs go from the first to the last.
      for (const source of sources) {
        for (const pack of await source.packs.list()) {
          const before = out.get(pack.id);
          if (before !== undefined && !(before.open && !pack.open)) continue;
          out.set(pack.id, pack);
          byId.set(pack.id, source);
        }
      }
      return [...out.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    contents: (pack) => first(pack.id, (packs) => packs.contents(pack)),
    read: (pack, offset, length, into) => first(pack, (packs) => packs.read(pack, offset, length, into)),
    verify: (pack, signal) => first(pack.id, (packs) => packs.verify(pack, signal)),
    async *bytes(pack, from, end) {
      // Where it is is decided by its first byte; what comes then comes from there.
      const own = await first(pack, async (packs) => {
        await packs.read(pack, 0, 1);
        return packs;
      });
      yield* own.bytes(pack, from, end);
    },
    async forget(pack) {
      for (const { packs } of sources) await packs.forget(pack);
    },
    close: () => opened.disposeAsync(),
  };
}

/** The installation that the first pack of a store names; null: there is no pack. */
async function instanceIn(blobs: BlobStore): Promise<string | null> {
  for await (const { name, size } of blobs.list(''))
    if (name.endsWith('.pack') && size >= PACK_HEADER_BYTES)
      return decodePackHeader(await blobs.read(name, 0, PACK_HEADER_BYTES))?.instance ?? null;
  return null;
}
