import { type CollectionStore, KEY_BYTES } from '#contracts/collection';
import type { PackStore } from '#contracts/pack-store';
import type { Turns } from './schedule.ts';
import {
  CHUNKS,
  type ChunkNumber,
  chunksOfLeaf,
  type GatewayWorld,
  idOf,
  leafNumber,
  type Named,
  type Placed,
  RECORD_LENGTH,
  Refused,
  type World,
} from './world.ts';

/** Mistakes that can be planted. */
export interface Plants {
  /** Collection does not wait for uploads. */
  ignoresUploads?: boolean;
  /** Nor for transactions that have not seen what was condemned. */
  ignoresWriters?: boolean;
  /** It does not look at all references once more. */
  looksOnce?: boolean;
  /** What names something does not hold it. */
  holdsNothing?: boolean;
  /** A pack is removed without a look at whether something came to lie in it. */
  buriesBlindly?: boolean;
}

interface Row {
  condemned: number | null;
  turn: number;
}
interface ChunkRow extends Row {
  place: Placed;
}

/** A transaction: what it has written is its own until it commits; the rows that it wrote are locked. */
interface Transaction {
  id: string;
  chunks: Map<ChunkNumber, ChunkRow | null>;
  leaves: Map<number, Row | null>;
  buried: string[];
  after: (() => void)[];
  locks: Set<string>;
}

/** For how many turns somebody waits for a lock before we call it a deadlock, as Postgres does after a second. */
const PATIENCE_TURNS = 60;

/**
 * The database as collection and commits see it, with what matters of Postgres at read committed: a statement sees what is committed, and its own
 * transaction's writes; a row that another transaction has written is waited for, and looked at anew; statements of one transaction
 * are apart in time. `turn` is where another may come in between.
 */
export function createModel({ turn, linger }: Turns, plants: Plants = {}): World {
  const chunks = new Map<ChunkNumber, ChunkRow>();
  const leaves = new Map<number, Row>();
  const versions = new Map<string, { named: Named; seq: number }>();
  const uploads = new Map<string, Map<number, { named: Named; seq: number }>>();
  const removed = new Set<string>();
  const rows = new Map<number, { fenced: boolean; known: number; oldest: number | null; silent: boolean; running: number }>();
  const locks = new Map<string, Transaction>();
  const writing = new Set<Transaction>();
  let collectionTurn = 0;
  let seq = 0;
  let names = 0;
  let clock = 1;

  async function lock(tx: Transaction, key: string): Promise<void> {
    for (let waited = 0; ; waited++) {
      const holder = locks.get(key);
      if (holder === undefined || holder === tx) break;
      if (waited > PATIENCE_TURNS) throw new Deadlock();
      await turn();
    }
    locks.set(key, tx);
    tx.locks.add(key);
  }
  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (;;) {
      const tx: Transaction = {
        id: `t${++names}`,
        chunks: new Map(),
        leaves: new Map(),
        buried: [],
        after: [],
        locks: new Set(),
      };
      writing.add(tx);
      try {
        const result = await work(tx);
        for (const [chunk, row] of tx.chunks) row === null ? chunks.delete(chunk) : chunks.set(chunk, row);
        for (const [leaf, row] of tx.leaves) row === null ? leaves.delete(leaf) : leaves.set(leaf, row);
        for (const pack of tx.buried) removed.add(pack);
        for (const step of tx.after) step();
        return result;
      } catch (error) {
        if (!(error instanceof Deadlock)) throw error;
      } finally {
        writing.delete(tx);
        for (const key of tx.locks) locks.delete(key);
      }
      await turn();
    }
  }
  const seenChunk = (tx: Transaction | null, chunk: ChunkNumber): ChunkRow | undefined =>
    tx?.chunks.has(chunk) ? (tx.chunks.get(chunk) ?? undefined) : chunks.get(chunk);
  const seenLeaf = (tx: Transaction | null, leaf: number): Row | undefined =>
    tx?.leaves.has(leaf) ? (tx.leaves.get(leaf) ?? undefined) : leaves.get(leaf);

  /** As cs_hold_chunks: all is well, or lift what is condemned and look again. */
  async function holdChunks(tx: Transaction, ids: ChunkNumber[]): Promise<void> {
    if (plants.holdsNothing) return;
    const well = (chunk: ChunkNumber): boolean => seenChunk(tx, chunk)?.condemned === null;
    if (ids.every(well)) return;
    await turn();
    for (const chunk of ids.toSorted((a, b) => a - b)) {
      if ((seenChunk(tx, chunk)?.condemned ?? null) === null) continue;
      await lock(tx, `c${chunk}`);
      const row = seenChunk(tx, chunk);
      if (row !== undefined) tx.chunks.set(chunk, { ...row, condemned: null });
    }
    await turn();
    if (ids.some((chunk) => seenChunk(tx, chunk) === undefined)) throw new Refused('collected');
  }
  async function holdLeaves(tx: Transaction, ids: number[]): Promise<void> {
    if (plants.holdsNothing) return;
    if (ids.every((leaf) => seenLeaf(tx, leaf)?.condemned === null)) return;
    await turn();
    for (const leaf of ids) {
      if ((seenLeaf(tx, leaf)?.condemned ?? null) === null) continue;
      await lock(tx, `l${leaf}`);
      const row = seenLeaf(tx, leaf);
      if (row === undefined || row.condemned === null) continue;
      tx.leaves.set(leaf, { ...row, condemned: null });
      await holdChunks(tx, chunksOfLeaf(leaf));
    }
    await turn();
    if (ids.some((leaf) => seenLeaf(tx, leaf) === undefined)) throw new Refused('collected');
  }
  const hold = (tx: Transaction, named: Named): Promise<void> =>
    named.kind === 'chunk' ? holdChunks(tx, [named.chunk]) : holdLeaves(tx, named.leaves.map(leafNumber));

  /** As cs_apply_extra: first place wins unless it is condemned; no chunk comes to lie in a removed pack. */
  async function recordIn(tx: Transaction, added: Placed[], addedLeaves: ChunkNumber[][]): Promise<void> {
    for (const place of added.toSorted((a, b) => a.chunk - b.chunk)) {
      const known = seenChunk(tx, place.chunk);
      if (known !== undefined && known.condemned === null) continue;
      await lock(tx, `c${place.chunk}`);
      const now = seenChunk(tx, place.chunk);
      if (now !== undefined && now.condemned === null) continue;
      await lock(tx, `p${place.pack}`);
      if (removed.has(place.pack) && !plants.buriesBlindly) throw new Refused('collected');
      tx.chunks.set(place.chunk, { place, condemned: null, turn: collectionTurn });
    }
    await turn();
    for (const entries of addedLeaves) {
      const leaf = leafNumber(entries);
      const known = seenLeaf(tx, leaf);
      if (known !== undefined && known.condemned === null) continue;
      await lock(tx, `l${leaf}`);
      const now = seenLeaf(tx, leaf);
      if (now?.condemned === null) continue;
      tx.leaves.set(leaf, now === undefined ? { condemned: null, turn: collectionTurn } : { ...now, condemned: null });
      await holdChunks(tx, entries);
    }
  }

  function createGateway(name: string): GatewayWorld {
    let number = 0;
    let known = 0;
    const held = new Set<{ turn: number }>();
    const register = (): void => {
      number = ++names;
      known = collectionTurn;
      rows.set(number, { fenced: false, known, oldest: null, silent: false, running: 0 });
    };
    register();
    /** Under the shared lock of the gateway's row: it is not fenced before this has ended. */
    async function alive<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
      const { life } = gateway;
      return transaction(async (tx) => {
        const row = rows.get(number);
        if (row === undefined || row.fenced) throw new Refused('fenced');
        row.running++;
        try {
          const result = await work(tx);
          await linger();
          if (gateway.life !== life) throw new Killed();
          return result;
        } finally {
          row.running--;
        }
      });
    }
    const gateway: GatewayWorld = {
      name,
      life: 0,
      doubts: 0,
      asleep: false,
      lease() {
        const lease = { turn: known };
        held.add(lease);
        return { end: () => held.delete(lease) };
      },
      async claim(wanted) {
        return wanted.map((chunk) => chunks.get(chunk)?.condemned === null);
      },
      record: (added, addedLeaves) => alive((tx) => recordIn(tx, added, addedLeaves)),
      put: (key, named, added, addedLeaves, completes) =>
        alive(async (tx) => {
          if (completes !== undefined) {
            await lock(tx, `u${completes}`);
            if (!uploads.has(completes)) throw new Refused('gone');
          }
          await recordIn(tx, added, addedLeaves);
          await turn();
          await hold(tx, named);
          tx.after.push(() => {
            versions.set(`${key} ${++seq}`, { named, seq });
            for (const other of [...versions.keys()])
              if (other.startsWith(`${key} `) && other !== `${key} ${seq}`) versions.delete(other);
            if (completes !== undefined) uploads.delete(completes);
          });
        }),
      remove: (key) =>
        alive(async (tx) => {
          tx.after.push(() => {
            for (const other of [...versions.keys()]) if (other.startsWith(`${key} `)) versions.delete(other);
          });
        }),
      async beginUpload() {
        const id = `u${++names}`;
        uploads.set(id, new Map());
        return id;
      },
      putPart: (upload, part, named, added, addedLeaves) =>
        alive(async (tx) => {
          await lock(tx, `u${upload}`);
          if (!uploads.has(upload)) throw new Refused('gone');
          await recordIn(tx, added, addedLeaves);
          await turn();
          await hold(tx, named);
          tx.after.push(() => uploads.get(upload)?.set(part, { named, seq: ++seq }));
        }),
      async parts(upload) {
        return [...(uploads.get(upload) ?? [])].sort(([a], [b]) => a - b).map(([, { named }]) => named);
      },
      abort: (upload) =>
        alive(async (tx) => {
          await lock(tx, `u${upload}`);
          tx.after.push(() => uploads.delete(upload));
        }),
      async heartbeat() {
        for (;;) {
          const row = rows.get(number);
          if (row === undefined || row.fenced) {
            gateway.doubts++;
            register();
            continue;
          }
          row.known = known;
          row.oldest = held.size === 0 ? null : Math.min(...[...held].map((lease) => lease.turn));
          if (known === collectionTurn) return;
          known = collectionTurn;
          await turn();
        }
      },
      async silence() {
        gateway.asleep = true;
        rows.get(number)!.silent = true;
      },
      async wake() {
        gateway.asleep = false;
        const row = rows.get(number);
        if (row !== undefined) row.silent = false;
        await gateway.heartbeat();
      },
      async kill() {
        gateway.life++;
        gateway.asleep = false;
        held.clear();
        rows.get(number)!.silent = true;
        register();
      },
    };
    return gateway;
  }
  const gateways = ['a', 'b', 'c'].map(createGateway);

  const keysOf = (kind: 'chunk' | 'leaf', numbers: number[]): Buffer =>
    Buffer.concat(numbers.map((number) => Buffer.concat([Buffer.from([0, 0, 0, 1]), idOf(kind, number)])));
  const numbersOf = (keys: Buffer): number[] =>
    Array.from({ length: keys.length / KEY_BYTES }, (_, n) => keys.readUInt32BE(n * KEY_BYTES + 4));
  /** A page of one, in order of ids: versions, then parts. */
  function page(after: string | null): { next: string | null; named: Named[] } {
    const all = [
      ...[...versions.values()].map(({ named, seq: at }) => ({ named, at: `v${String(at).padStart(6, '0')}` })),
      ...[...uploads.values()].flatMap((parts) =>
        [...parts.values()].map(({ named, seq: at }) => ({ named, at: `w${String(at).padStart(6, '0')}` })),
      ),
    ].sort((one, two) => (one.at < two.at ? -1 : 1));
    const found = all.filter(({ at }) => after === null || at > after).slice(0, 1);
    return { next: found.at(-1)?.at ?? null, named: found.map(({ named }) => named) };
  }
  const direct = (named: Named[]): ChunkNumber[] => named.flatMap((one) => (one.kind === 'chunk' ? [one.chunk] : []));
  const listed = (named: Named[]): number[] =>
    named.flatMap((one) => (one.kind === 'manifest' ? one.leaves.map(leafNumber) : []));
  const leafPage = (after: string | null): number[] =>
    [...leaves.keys()]
      .filter((leaf) => leaf > Number(after ?? -1) && leaves.get(leaf)!.condemned === null)
      .sort((a, b) => a - b)
      .slice(0, 2);

  /** One statement that lifts: what it finds condemned it waits for and looks at again. */
  const lift = (ids: ChunkNumber[], leafIds: number[]): Promise<number> =>
    transaction(async (tx) => {
      let count = 0;
      for (const chunk of new Set(ids)) {
        if ((chunks.get(chunk)?.condemned ?? null) === null) continue;
        await lock(tx, `c${chunk}`);
        const row = chunks.get(chunk);
        if (row === undefined || row.condemned === null) continue;
        tx.chunks.set(chunk, { ...row, condemned: null });
        count++;
      }
      const lifted: number[] = [];
      for (const leaf of new Set(leafIds)) {
        if ((leaves.get(leaf)?.condemned ?? null) === null) continue;
        await lock(tx, `l${leaf}`);
        const row = leaves.get(leaf);
        if (row === undefined || row.condemned === null) continue;
        tx.leaves.set(leaf, { ...row, condemned: null });
        lifted.push(leaf);
        count++;
      }
      for (const leaf of lifted) await holdChunks(tx, chunksOfLeaf(leaf));
      await turn();
      return count;
    });

  const collection: CollectionStore = {
    async nextTurn() {
      await turn();
      return ++collectionTurn;
    },
    async now() {
      await turn();
      return clock++;
    },
    chunkCount: async () => chunks.size,
    async references(after) {
      await turn();
      const { next, named } = page(after);
      return { next, chunks: keysOf('chunk', direct(named)), leaves: keysOf('leaf', listed(named)) };
    },
    async leaves(after, cycle) {
      await turn();
      const found = leafPage(after);
      return {
        next: found.length === 0 ? null : String(found.at(-1)),
        leaves: found.map((leaf) => ({
          key: keysOf('leaf', [leaf]),
          entries: Buffer.concat(chunksOfLeaf(leaf).map((chunk) => Buffer.concat([idOf('chunk', chunk), Buffer.alloc(4)]))),
          old: leaves.get(leaf)!.turn !== cycle,
        })),
      };
    },
    async chunks(after, cycle) {
      await turn();
      const from = Number(after ?? 0);
      const found = [...chunks].filter(
        ([chunk, row]) => chunk >= from && chunk < from + 5 && row.condemned === null && row.turn !== cycle,
      );
      const bytes = found.map(([chunk]) => Buffer.concat([keysOf('chunk', [chunk]), Buffer.from([0, 0x10, 0, 0])]));
      return { next: from + 5 >= CHUNKS ? null : String(from + 5), chunks: Buffer.concat(bytes) };
    },
    condemn: (kind, keys, cycle) =>
      transaction(async (tx) => {
        const own = collectionTurn === cycle;
        await turn();
        let count = 0;
        for (const number of own ? numbersOf(keys) : []) {
          const row = kind === 'chunks' ? chunks.get(number) : leaves.get(number);
          if (row === undefined || row.condemned !== null || row.turn === cycle) continue;
          await lock(tx, `${kind === 'chunks' ? 'c' : 'l'}${number}`);
          const now = kind === 'chunks' ? chunks.get(number) : leaves.get(number);
          if (now === undefined || now.condemned !== null) continue;
          if (kind === 'chunks') tx.chunks.set(number, { ...(now as ChunkRow), condemned: clock++ });
          else tx.leaves.set(number, { ...now, condemned: clock++ });
          count++;
        }
        await turn();
        return count;
      }),
    async writers() {
      await turn();
      return [...writing].map(({ id }) => id);
    },
    async running(ids) {
      await turn();
      return plants.ignoresWriters ? [] : [...writing].map(({ id }) => id).filter((id) => ids.includes(id));
    },
    async fence() {
      await turn();
      let count = 0;
      for (const [, row] of rows) {
        if (!row.silent || row.fenced) continue;
        while (row.running > 0) await turn();
        row.fenced = true;
        count++;
      }
      return count;
    },
    async waitingFor(wanted) {
      await turn();
      if (plants.ignoresUploads) return 0;
      return [...rows.values()].filter(({ fenced, known, oldest }) => !fenced && (known < wanted || (oldest ?? wanted) < wanted))
        .length;
    },
    async holdReferences(after) {
      await turn();
      if (plants.looksOnce) return { next: null, held: 0 };
      const { next, named } = page(after);
      return { next, held: await lift(direct(named), listed(named)) };
    },
    async holdLeaves(after) {
      await turn();
      const found = leafPage(after);
      const held = await lift(found.flatMap(chunksOfLeaf), []);
      return { next: found.length === 0 ? null : String(found.at(-1)), held };
    },
    remove: (kind, untilMs) =>
      transaction(async (tx) => {
        await turn();
        const table: Map<number, Row> = kind === 'chunks' ? chunks : leaves;
        const prefix = kind === 'chunks' ? 'c' : 'l';
        let count = 0;
        for (const [number, row] of table) {
          if (row.condemned === null || row.condemned > untilMs || count >= 2 || locks.has(`${prefix}${number}`)) continue;
          await lock(tx, `${prefix}${number}`);
          if (kind === 'chunks') tx.chunks.set(number, null);
          else tx.leaves.set(number, null);
          count++;
        }
        await turn();
        return { count, bytes: count };
      }),
  };

  const liveIn = (pack: string): [ChunkNumber, ChunkRow][] => [...chunks].filter(([, { place }]) => place.pack === pack);
  const packs: PackStore = {
    async find(ids) {
      await turn();
      return ids.map((pack) => {
        const live = liveIn(pack).length;
        const state = removed.has(pack) ? ('removed' as const) : ('used' as const);
        return { liveChunks: live, liveBytes: live * RECORD_LENGTH, state };
      });
    },
    async chunks(pack, afterOffset) {
      await turn();
      return liveIn(pack)
        .filter(([, { place, condemned }]) => place.offset > afterOffset && condemned === null)
        .sort(([, a], [, b]) => a.place.offset - b.place.offset)
        .slice(0, 2)
        .map(([chunk, { place }]) => ({
          domain: 1,
          id: idOf('chunk', chunk),
          place: { store: 0, pack, offset: place.offset, length: RECORD_LENGTH },
        }));
    },
    move: (moves) =>
      transaction(async (tx) => {
        await turn();
        let count = 0;
        for (const { chunk, to } of moves) {
          const number = chunk.id.readUInt32BE(0);
          const there = (): ChunkRow | undefined => {
            const row = chunks.get(number);
            return row?.place.pack === chunk.place.pack && row.place.offset === chunk.place.offset ? row : undefined;
          };
          if (there() === undefined) continue;
          await lock(tx, `c${number}`);
          const row = there();
          if (row === undefined) continue;
          await lock(tx, `p${to.pack}`);
          if (removed.has(to.pack)) throw new Refused('collected');
          tx.chunks.set(number, { ...row, place: { chunk: number, pack: to.pack, offset: to.offset } });
          count++;
        }
        await turn();
        return count;
      }),
    markDamaged: async () => undefined,
    bury: ({ pack }) =>
      transaction(async (tx) => {
        await lock(tx, `p${pack}`);
        if (liveIn(pack).length > 0 && !plants.buriesBlindly) return false;
        tx.buried.push(pack);
        await turn();
        return true;
      }),
    forget: async () => undefined,
  };

  return {
    gateways,
    collection,
    packs,
    async current(key) {
      return [...versions].find(([at]) => at.startsWith(`${key} `))?.[1].named ?? null;
    },
    async check(disk) {
      const named = [...versions.values(), ...[...uploads.values()].flatMap((parts) => [...parts.values()])].map(
        (one) => one.named,
      );
      for (const leaf of listed(named))
        if (!leaves.has(leaf)) throw new Error(`a leaf that is named was removed: ${chunksOfLeaf(leaf)}`);
      for (const chunk of [...direct(named), ...[...leaves.keys()].flatMap(chunksOfLeaf)]) {
        const leaf = [...leaves.keys()].filter((one) => chunksOfLeaf(one).includes(chunk) && listed(named).includes(one));
        if (!direct(named).includes(chunk) && leaf.length === 0) continue;
        const row = chunks.get(chunk);
        if (row === undefined) throw new Error(`a chunk that is named was removed: ${chunk}`);
        if (!disk.holds(row.place)) throw new Error(`the pack of a chunk was removed: ${chunk} in ${row.place.pack}`);
      }
    },
    async garbage() {
      const named = [...versions.values(), ...[...uploads.values()].flatMap((parts) => [...parts.values()])].map(
        (one) => one.named,
      );
      const wanted = new Set(listed(named));
      const live = new Set([...direct(named), ...[...wanted].flatMap(chunksOfLeaf)]);
      return (
        [...leaves.keys()].filter((leaf) => !wanted.has(leaf)).length +
        [...chunks.keys()].filter((chunk) => !live.has(chunk)).length
      );
    },
    close: async () => undefined,
  };
}

class Deadlock extends Error {}

/** Thrown in what a gateway was doing when it died. */
export class Killed extends Error {}
