import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIdentity } from '#blob/store-identity';
import type { Finding } from '#contracts/examiner';
import type { RegisteredStore } from '#contracts/store-registry';
import { describeS3Location, parseS3Location } from '#core/s3-location';
import type { Config } from '../config/load.ts';
import { pathOf } from '../disks.ts';
import { identityIn } from './disks.ts';
import { describeFailure } from './output.ts';
import type { Session } from './session.ts';

/** Packs that are named one by one. */
const NAMED_MAX = 5;
const REMOTE_ATTEMPTS_MAX = 2;
const REMOTE_CALL_MS = 5_000;

export interface PackSeen {
  size: number;
  open: boolean;
}

/** A store of packs as the database knows it, and what is seen of it from here. */
export interface SeenStore {
  row: RegisteredStore;
  /** By id; null: it is not there. */
  packs: Map<string, PackSeen> | null;
  /** Why it is not there, and what to do; null where it is. */
  trouble: { detail: string; advice: string } | null;
}

/** Looks for every store that the database knows, by the identity that lies in it. Writes nothing. */
export async function seenStores(config: Config, { metadata }: Session): Promise<SeenStore[]> {
  const rows = (await metadata.stores.list()).filter(({ state }) => state !== 'removed');
  return Promise.all(rows.map((row) => (row.kind === 's3' ? remoteStore(config, row) : localStore(config, row))));
}

async function localStore({ values }: Config, row: RegisteredStore): Promise<SeenStore> {
  const home = join(values['data-dir'], 'packs');
  for (const directory of row.number === 0 ? [home] : new Set([...values['pack-dirs'], pathOf(row.location)])) {
    if ((await identityIn(directory)) === row.identity) return { row, packs: await packFiles(directory), trouble: null };
  }
  const advice =
    row.number === 0
      ? 'Start CloudStore with the data directory that has it, or put it back from a backup.'
      : `Mount its disk, name it with pack-dirs, or let another directory take its place (cloudstore disk replace ${row.number}).`;
  return { row, packs: null, trouble: { detail: `store ${row.number}, last seen as ${row.location}, is not there`, advice } };
}

async function remoteStore({ values }: Config, row: RegisteredStore): Promise<SeenStore> {
  const url = values['chunks-url'];
  const missing = (detail: string, advice: string): SeenStore => ({ row, packs: null, trouble: { detail, advice } });
  if (url === null)
    return missing(`packs lie in ${row.location}, and chunks-url is not set`, 'Name that store with CLOUDSTORE_CHUNKS_URL.');
  const location = parseS3Location(url);
  const { createS3Store } = await import('#blob/s3'); // the client is only loaded where it is used
  const options = { location, random: randomBytes, attemptsMax: REMOTE_ATTEMPTS_MAX, callMs: REMOTE_CALL_MS };
  const store = createS3Store(options);
  try {
    const identity = (await readIdentity(store))?.store ?? null;
    if (identity !== row.identity)
      return missing(
        `${describeS3Location(location)} is ${identity === null ? 'no store of packs' : 'another store of packs'}, and store ${row.number} belongs here (last seen as ${row.location})`,
        'Name the store that this database was used with (CLOUDSTORE_CHUNKS_URL).',
      );
    const spool = join(values['data-dir'], 'spool');
    const packs = new Map([...(await packFiles(join(spool, 'cache'))), ...(await packFiles(spool))]);
    for await (const { name, size } of store.list('')) {
      const pack = packOf(name);
      if (pack !== null) packs.set(pack, { size, open: false });
    }
    return { row, packs, trouble: null };
  } catch (error) {
    return missing(describeFailure(error).text, 'Check CLOUDSTORE_CHUNKS_URL; cloudstore check-storage tries the store out.');
  } finally {
    await store.close();
  }
}

/** What rows name against what is there. */
export async function packFindings(stores: SeenStore[], { metadata }: Session): Promise<Finding[]> {
  const named = await metadata.integrity.packEnds();
  const findings = stores.flatMap(({ row, trouble }): Finding[] =>
    trouble === null ? [] : [{ name: `store ${row.number}`, status: 'fail', ...trouble }],
  );
  const seen = new Map(stores.flatMap(({ row, packs }) => (packs === null ? [] : [[row.number, packs] as const])));
  const here = named.filter(({ store }) => seen.has(store));
  const missing = here.filter(({ store, pack }) => !seen.get(store)?.has(pack));
  const short = here.filter(({ store, pack, end }) => (seen.get(store)?.get(pack)?.size ?? Number.POSITIVE_INFINITY) < end);
  const known = new Set(named.map(({ pack }) => pack));
  const unknown = [...seen.values()].flatMap((packs) => [...packs].filter(([pack, { open }]) => !open && !known.has(pack)));
  const advice =
    'Put them back from a backup, or run cloudstore scrub: it heals from the mirror what it can, and names the files that are hurt.';
  findings.push({
    name: 'packs and rows',
    status: 'ok',
    detail: `${here.length - missing.length} of ${named.length} that rows name are there, ${unknown.length} that nothing refers to`,
  });
  if (missing.length > 0)
    findings.push({ name: 'packs missing', status: 'fail', detail: `${missing.length}: ${listed(missing)}`, advice });
  if (short.length > 0)
    findings.push({ name: 'packs cut short', status: 'fail', detail: `${short.length}: ${listed(short)}`, advice });
  return findings;
}

/** The packs of a directory, open ones too. */
export async function packFiles(directory: string): Promise<Map<string, PackSeen>> {
  const files = new Map<string, PackSeen>();
  for (const open of [true, false]) {
    const folder = open ? join(directory, 'open') : directory;
    for (const entry of await readdir(folder).catch(() => [] as string[])) {
      const pack = packOf(entry);
      const found = pack === null ? null : await stat(join(folder, entry)).catch(() => null);
      if (pack !== null && found?.isFile()) files.set(pack, { size: found.size, open });
    }
  }
  return files;
}

function packOf(name: string): string | null {
  return /^([0-9a-f]{32})\.pack$/.exec(name)?.[1] ?? null;
}

function listed(packs: { pack: string }[]): string {
  const names = packs.slice(0, NAMED_MAX).map(({ pack }) => `${pack}.pack`);
  return names.join(', ') + (packs.length > NAMED_MAX ? ', …' : '');
}
