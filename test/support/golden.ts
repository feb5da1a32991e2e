import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLog } from '#blob/log';
import { createMemoryBlobs } from '#blob/memory';
import { createBlobStores } from '#blob/stores';
import type { ChunkPlace, ChunkRecord, Content, LeafRecord, Staged } from '#contracts/content';
import type { Keyring } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import type { Random } from '#core/clock';
import { decodeContentRef, encodeContentRef } from '#core/content-ref';
import { bytesOf } from '#core/stream';
import { createContent } from '#engine/content-store';
import { createKeyring } from '#engine/keyring';
import { keysInMemory } from './content-rig.ts';
import { memoryChunks } from './memory-chunks.ts';
import { seededRandom } from './random.ts';

/** What the database holds of a golden store, bytes in hex. */
export interface GoldenRows {
  /** `domains.wrapped` of domain 1. */
  wrapped: string;
  secret: { context: string; plaintext: string; sealed: string };
  contents: Record<string, string>;
  chunks: { id: string; size: number; pack: string; offset: number; length: number }[];
  leaves: { id: string; size: number; entries: string }[];
}

export const MASTER_KEY = Buffer.from(Array.from({ length: 32 }, (_, n) => n));
export const CLOCK = { now: () => 1_795_000_000_000 };
const INSTANCE = 'c1'.repeat(16);
const DOMAIN = 1;

/** Everything below is the same in every run: it is what the bytes of the golden files are checked against. */
const PLAINTEXTS: Record<string, Buffer> = {
  empty: Buffer.alloc(0),
  'one byte': Buffer.from('x'),
  'the largest inline': seededRandom('inline')(1024),
  'the smallest chunk': seededRandom('chunk')(1025),
  text: Buffer.alloc(6000, 'All that is gold does not glitter. '),
  'two segments': seededRandom('segments')(262_144 + 1000),
};
const parts = ['the smallest chunk', 'one byte', 'the largest inline', 'text'];
PLAINTEXTS.joined = Buffer.concat(parts.map((name) => PLAINTEXTS[name]!));
/** One segment that does not get smaller between two that do. */
const ROUGH = Buffer.concat([Buffer.alloc(262_144, 'smooth '), seededRandom('rough')(262_144), Buffer.alloc(100_000, 'smooth ')]);
const LONG = Buffer.alloc(3_500_000, 'a body of several chunks, each of several segments; ');
const COMPRESSED: Record<string, Buffer> = { 'compressed text': PLAINTEXTS.text!, rough: ROUGH, long: LONG };

/** What a golden store was written with; it is read with any. */
export interface GoldenOptions {
  compression: boolean;
  encryption: boolean;
}

interface Store {
  content: Content & { close(): Promise<void> };
  keyring: Keyring;
  log: Log;
  rows(): GoldenRows;
}

/** A store on these packs and rows; without rows, a new one. */
export async function openGolden(directory: string, seed: string, options: GoldenOptions, known?: GoldenRows): Promise<Store> {
  const keys = keysInMemory();
  const chunks = memoryChunks();
  const recorded: ChunkRecord[] = [];
  const leaves: LeafRecord[] = [];
  const keyring = createKeyring({ masterKey: MASTER_KEY, keys, random: seededRandom(`${seed} keys`) });
  if (known === undefined) await keyring.create();
  else {
    await keys.insert(Buffer.from(known.wrapped, 'hex'));
    const places = known.chunks.map(({ id, ...rest }) => ({ id: Buffer.from(id, 'hex'), store: 0, ...rest }));
    const entries = known.leaves.map((leaf) => ({
      id: Buffer.from(leaf.id, 'hex'),
      size: leaf.size,
      entries: Buffer.from(leaf.entries, 'hex'),
    }));
    await chunks.record(DOMAIN, places, entries);
  }
  const log = await openLog(directory, seededRandom(`${seed} packs`));
  const blobs = createMemoryBlobs();
  const random = seededRandom(`${seed} salts`);
  const content = createContent({
    keyring,
    log,
    stores: createBlobStores(new Map([[0, blobs]])),
    chunks,
    random,
    ...options,
    wasPlain: async () => true,
    threads: 0,
  });
  const commit = (staged: Staged): Staged => {
    recorded.push(...staged.chunks);
    leaves.push(...staged.leaves);
    chunks.commit(staged);
    staged.release();
    return staged;
  };
  const wrapped = (await keys.find(DOMAIN))!.toString('hex');
  const secret = { context: 'access key GOLD', plaintext: 'a secret', sealed: '' };
  secret.sealed = keyring.seal(Buffer.from(secret.plaintext), secret.context).toString('hex');
  return {
    keyring,
    log,
    content: {
      ...content,
      write: async (...args) => commit(await content.write(...args)),
      concat: async (...args) => commit(await content.concat(...args)),
    },
    rows: () => ({
      wrapped,
      secret,
      contents: {},
      chunks: recorded.map(({ id, size, pack, offset, length }) => ({ id: id.toString('hex'), size, pack, offset, length })),
      leaves: leaves.map(({ id, size, entries }) => ({ id: id.toString('hex'), size, entries: entries.toString('hex') })),
    }),
  };
}

/** The golden packs are older than the number of the process in a pack's id: what lies there was chance. */
function openLog(directory: string, random: Random): Promise<Log> {
  const process = random(2).readUInt16BE();
  return createLog({ directory, disk: nodeDiskOps(), clock: CLOCK, random, process, instance: INSTANCE });
}

export const GOLDEN_PARTS = ['plain', 'compressed', 'unencrypted'] as const;
export type GoldenPart = (typeof GOLDEN_PARTS)[number];

export function textsOf(part: GoldenPart): Record<string, Buffer> {
  return part === 'compressed' ? COMPRESSED : PLAINTEXTS;
}

/** Writes one part of the golden files into an empty directory: packs and rows.json. */
export async function makeGolden(part: GoldenPart, directory: string): Promise<void> {
  const store = await openGolden(directory, part, { compression: part === 'compressed', encryption: part !== 'unencrypted' });
  const contents: Record<string, string> = {};
  const texts = textsOf(part);
  for (const [name, bytes] of Object.entries(texts)) {
    const refs = parts.map((one) => contents[one]).filter((one) => one !== undefined);
    const staged =
      name === 'joined'
        ? await store.content.concat(
            refs.map((one) => decodeContentRef(Buffer.from(one, 'hex'))),
            DOMAIN,
          )
        : await store.content.write(bytesOf(bytes), { domain: DOMAIN });
    contents[name] = encodeContentRef(staged.content).toString('hex');
  }
  await store.content.close();
  await store.log.close();
  rmSync(join(directory, 'open'), { recursive: true });
  writeFileSync(join(directory, 'rows.json'), `${JSON.stringify({ ...store.rows(), contents }, null, 2)}\n`);
}

/** Records of an open pack, as the engine's are to the log: bytes. */
export const TORN_RECORDS = [seededRandom('torn 1')(500), seededRandom('torn 2')(1500), seededRandom('torn 3')(300)];

/** A pack that was open when the power failed, in the middle of its third record. */
export async function makeTorn(directory: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'cloudstore-golden-'));
  try {
    const random = seededRandom('torn packs');
    const log = await openLog(work, random);
    let last: ChunkPlace | null = null;
    for (const record of TORN_RECORDS) last = await log.append([record]);
    const [pack] = readdirSync(join(work, 'open')) as [string];
    mkdirSync(join(directory, 'open'), { recursive: true });
    const torn = join(directory, 'open', pack);
    copyFileSync(join(work, 'open', pack), torn);
    truncateSync(torn, last!.offset + 100);
    await log.close();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function readRows(directory: string): GoldenRows {
  return JSON.parse(readFileSync(join(directory, 'rows.json'), 'utf8'));
}
