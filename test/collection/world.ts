import type { CollectionStore } from '#contracts/collection';
import type { PackFile, PackFiles } from '#contracts/pack-files';
import type { PackStore } from '#contracts/pack-store';

/** Chunks and leaves of a schedule are few, so that everything meets everything. */
export const CHUNKS = 6;
export type ChunkNumber = number;

export interface Placed {
  chunk: ChunkNumber;
  pack: string;
  offset: number;
}

/** What a version or part names: one chunk, or the leaves of a manifest, each a run of chunks. */
export type Named = { kind: 'chunk'; chunk: ChunkNumber } | { kind: 'manifest'; leaves: ChunkNumber[][] };

/** One gateway process, as uploads see it. */
export interface GatewayWorld {
  readonly name: string;
  /** Grows when it dies: what was under way in an earlier life has ended. */
  life: number;
  /** It has been fenced, or was silent, since this counter stood lower. */
  doubts: number;
  /** It says nothing. */
  asleep: boolean;
  lease(): { end(): void };
  claim(chunks: ChunkNumber[]): Promise<boolean[]>;
  record(chunks: Placed[], leaves: ChunkNumber[][]): Promise<void>;
  /** Commits a version under a key. */
  put(key: string, named: Named, chunks: Placed[], leaves: ChunkNumber[][], completes?: string): Promise<void>;
  remove(key: string): Promise<void>;
  beginUpload(): Promise<string>;
  putPart(upload: string, number: number, named: Named, chunks: Placed[], leaves: ChunkNumber[][]): Promise<void>;
  parts(upload: string): Promise<Named[]>;
  abort(upload: string): Promise<void>;
  heartbeat(): Promise<void>;
  /** Nothing is heard of it until it is woken. */
  silence(): Promise<void>;
  wake(): Promise<void>;
  /** Dies and comes back as another one. */
  kill(): Promise<void>;
}

/** Where a schedule plays: a model of the database, or Postgres. Packs are files in memory in both. */
export interface World {
  gateways: GatewayWorld[];
  current(key: string): Promise<Named | null>;
  collection: CollectionStore;
  packs: PackStore;
  /** Everything that is named is there, down to the record in its pack. @throws what is not */
  check(disk: Disk): Promise<void>;
  /** Chunks and leaves that are stored and that nothing names. */
  garbage(): Promise<number>;
  close(): Promise<void>;
}

/** A commit said no; `collected`: what it names is gone. */
export class Refused extends Error {
  readonly why: 'collected' | 'fenced' | 'gone';
  constructor(why: Refused['why']) {
    super(why);
    this.why = why;
  }
}

/** The disk: packs by name, each open in one gateway or sealed. */
export interface Disk {
  append(owner: string, chunk: ChunkNumber): Placed;
  seal(owner: string): void;
  holds(place: Placed): boolean;
  files(owner: string, numberOf: (id: Buffer) => ChunkNumber): PackFiles;
  sealedCount(): number;
}

const RECORD_BYTES = 1 << 20;

export function createDisk(prefix: string): Disk {
  const packs = new Map<string, { owner: string | null; records: ChunkNumber[] }>();
  let made = 0;

  function append(owner: string, chunk: ChunkNumber): Placed {
    let found = [...packs].find(([, pack]) => pack.owner === owner);
    if (found === undefined) {
      found = [prefix + (++made).toString(16).padStart(8, '0'), { owner, records: [] }];
      packs.set(found[0], found[1]);
    }
    const [name, { records }] = found;
    return { chunk, pack: name, offset: records.push(chunk) };
  }
  function seal(owner: string): void {
    for (const pack of packs.values()) if (pack.owner === owner) pack.owner = null;
  }
  const sizeOf = ([pack, { records }]: [string, { records: ChunkNumber[] }]): PackFile => ({
    store: 0,
    pack,
    size: records.length * RECORD_BYTES,
  });
  return {
    append,
    seal,
    holds: ({ chunk, pack, offset }) => packs.get(pack)?.records[offset - 1] === chunk,
    sealedCount: () => [...packs.values()].filter(({ owner }) => owner === null).length,
    files: (owner) => ({
      async *sealed() {
        for (const one of [...packs]) if (one[1].owner === null) yield sizeOf(one);
      },
      open: async () => [...packs].filter(([, pack]) => pack.owner === owner).map(sizeOf),
      seal: async () => seal(owner),
      copy: async (places) =>
        places.map((place) => {
          const chunk = packs.get(place.pack)?.records[place.offset - 1];
          if (chunk === undefined) return null;
          const { pack, offset } = append(owner, chunk);
          return { ...place, pack, offset };
        }),
      async remove({ pack }) {
        packs.delete(pack);
      },
    }),
  };
}

/** Of a chunk or leaf of the schedule, 32 bytes as a keyed hash would be; the first four give it back. */
export function idOf(kind: 'chunk' | 'leaf', number: number): Buffer {
  const id = Buffer.alloc(32);
  id.writeUInt32BE(number, 0);
  for (let at = 4; at < 32; at += 4)
    id.writeUInt32BE(Math.imul(number * 2 + (kind === 'leaf' ? 1 : 0) + 1, 0x9e3779b1 + at) >>> 0, at);
  return id;
}

/** A leaf is named by what is in it. */
export function leafNumber(chunks: ChunkNumber[]): number {
  return chunks.reduce((sum, chunk) => sum * (CHUNKS + 1) + chunk + 1, 0);
}

export function chunksOfLeaf(leaf: number): ChunkNumber[] {
  const out: ChunkNumber[] = [];
  for (let rest = leaf; rest > 0; rest = Math.floor(rest / (CHUNKS + 1))) out.unshift((rest % (CHUNKS + 1)) - 1);
  return out;
}

export const RECORD_LENGTH = RECORD_BYTES;
