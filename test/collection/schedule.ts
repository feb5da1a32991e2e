import { createHash } from 'node:crypto';
import type { JobContext } from '#contracts/jobs';
import { createGcJob } from '#jobs/gc/gc';
import { type Dice, quickDice, seededRandom } from '../support/random.ts';
import { Killed } from './model.ts';
import {
  CHUNKS,
  type ChunkNumber,
  createDisk,
  type Disk,
  type GatewayWorld,
  type Named,
  type Placed,
  Refused,
  type World,
} from './world.ts';

const KEYS = ['k1', 'k2', 'k3'];
const TURNS_MAX = 40_000;

/** Who goes on next is the seed's choice; nothing else is a matter of chance. */
export interface Turns {
  turn(): Promise<void>;
  /** Now and then many turns: whoever is slow. */
  linger(): Promise<void>;
  /** Runs all that was begun to its end. @throws the first failure of any */
  run(): Promise<void>;
  begin(work: () => Promise<void>): void;
  /** Something outside that is waited for before anybody has the next turn. */
  io<T>(work: Promise<T>): Promise<T>;
}

export function createTurns(dice: Dice): Turns {
  const waiting: (() => void)[] = [];
  let failed: { error: unknown } | null = null;
  let outside = 0;
  const turn = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  return {
    turn,
    async linger() {
      for (let left = dice.chance(0.25) ? dice.below(120) : 1; left > 0; left--) await turn();
    },
    async io(work) {
      outside++;
      try {
        return await work;
      } finally {
        outside--;
      }
    },
    begin(work) {
      work().catch((error: unknown) => (failed ??= { error }));
    },
    async run() {
      for (let turns = 0; ; turns++) {
        await new Promise(setImmediate);
        if (failed !== null) throw failed.error;
        if (outside > 0) {
          turns--;
          continue;
        }
        if (waiting.length === 0) return;
        if (turns > TURNS_MAX) throw new Error('the schedule does not end');
        waiting.splice(dice.below(waiting.length), 1)[0]!();
      }
    },
  };
}

/**
 * One schedule: uploads, copies, removals and multipart uploads of three gateways, some of which die or fall silent, beside collection and compaction
 * that are killed and begun anew. Nothing that is named is ever missing, no upload of a gateway that was heard of fails, and in the end
 * nothing is left that nobody names.
 */
export async function play(seed: number | string, make: (turns: Turns) => Promise<World>): Promise<void> {
  const dice = quickDice(seededRandom(seed)(4).readUInt32BE());
  const turns = createTurns(dice);
  const world = await make(turns);
  const disk = createDisk(createHash('sha256').update(String(seed)).digest('hex').slice(0, 24));
  try {
    for (let n = 4 + dice.below(5); n > 0; n--) turns.begin(() => client(world, disk, dice, turns));
    turns.begin(() => trouble(world, disk, dice, turns));
    const collector = createCollector(world, disk, dice, turns);
    turns.begin(() => collector.run(2 + dice.below(3)));
    await turns.run();
    await world.check(disk);

    // All has ended; whoever is there says so, and one more look finds the rest.
    for (const gateway of world.gateways) turns.begin(() => gateway.wake());
    await turns.run();
    for (let n = 0; n < 3; n++) {
      turns.begin(() => collector.whole());
      await turns.run();
    }
    await world.check(disk);
    const garbage = await world.garbage();
    if (garbage > 0) throw new Error(`${garbage} chunks and leaves are left that nobody names`);
  } finally {
    await world.close();
  }
}

async function client(world: World, disk: Disk, dice: Dice, turns: Turns): Promise<void> {
  for (let n = 1 + dice.below(4); n > 0; n--) {
    await turns.turn();
    const gateway = dice.pick(world.gateways);
    const { life, doubts } = gateway;
    const choice = dice.below(10);
    const state = { source: null as string | null };
    try {
      if (choice < 4) await upload(gateway, disk, dice, turns);
      else if (choice < 7) await copy(world, gateway, dice, turns, state);
      else if (choice < 9) await multipart(gateway, disk, dice, turns);
      else await gateway.remove(dice.pick(KEYS));
    } catch (error) {
      if (error instanceof Killed || gateway.life !== life) continue;
      if (!(error instanceof Refused)) throw error;
      const trusted = gateway.doubts === doubts;
      if (error.why === 'gone') continue;
      if (error.why === 'fenced' || !trusted) {
        await gateway.heartbeat(); // which begins anew
        continue;
      }
      // A copy whose source was removed meanwhile may come too late.
      if (choice >= 4 && choice < 7) continue;
      throw new Error(`an upload of gateway ${gateway.name} failed, which was heard of all the time`);
    }
  }
}

/** Stores what the domain does not hold, as the engine does. */
async function stage(gateway: GatewayWorld, disk: Disk, chunks: ChunkNumber[], turn: () => Promise<void>): Promise<Placed[]> {
  const wanted = [...new Set(chunks)];
  const there = await gateway.claim(wanted);
  await turn();
  return wanted.filter((_, index) => !there[index]).map((chunk) => disk.append(gateway.name, chunk));
}

function someChunks(dice: Dice): ChunkNumber[] {
  return Array.from({ length: 1 + dice.below(3) }, () => dice.below(CHUNKS));
}

async function upload(gateway: GatewayWorld, disk: Disk, dice: Dice, { turn, linger }: Turns): Promise<void> {
  const lease = gateway.lease();
  const { life } = gateway;
  try {
    const chunks = someChunks(dice);
    const single = chunks.length === 1;
    let added = await stage(gateway, disk, chunks, turn);
    await linger();
    if (gateway.life !== life) throw new Killed();
    if (dice.chance(0.15)) return; // the client went away
    let leaves = single ? [] : [chunks];
    if (dice.chance(0.3)) {
      await gateway.record(added, leaves);
      await turn();
      if (gateway.life !== life) throw new Killed();
      added = [];
      leaves = [];
    }
    await gateway.put(
      dice.pick(KEYS),
      single ? { kind: 'chunk', chunk: chunks[0]! } : { kind: 'manifest', leaves: [chunks] },
      added,
      leaves,
    );
  } finally {
    lease.end();
  }
}

async function copy(
  world: World,
  gateway: GatewayWorld,
  dice: Dice,
  { turn, linger }: Turns,
  state: { source: string | null },
): Promise<void> {
  const lease = gateway.lease();
  const { life } = gateway;
  try {
    state.source = dice.pick(KEYS);
    const named = await world.current(state.source);
    if (named === null) return;
    await turn();
    await linger();
    if (gateway.life !== life) throw new Killed();
    await gateway.put(dice.pick(KEYS), named, [], []);
  } finally {
    lease.end();
  }
}

async function multipart(gateway: GatewayWorld, disk: Disk, dice: Dice, { turn, linger }: Turns): Promise<void> {
  const { life } = gateway;
  const id = await gateway.beginUpload();
  for (let number = 1; number <= 2; number++) {
    const lease = gateway.lease();
    try {
      const chunks = someChunks(dice);
      const added = await stage(gateway, disk, chunks, turn);
      if (gateway.life !== life) throw new Killed();
      const named: Named = chunks.length === 1 ? { kind: 'chunk', chunk: chunks[0]! } : { kind: 'manifest', leaves: [chunks] };
      await gateway.putPart(id, number, named, added, chunks.length === 1 ? [] : [chunks]);
    } finally {
      lease.end();
    }
    await turn();
  }
  if (dice.chance(0.3)) return gateway.abort(id);
  await linger();
  const lease = gateway.lease();
  try {
    // Leaves are cut anew from the parts' chunks, which nobody claims: the parts hold them.
    const chunks = (await gateway.parts(id)).flatMap((named) => (named.kind === 'chunk' ? [named.chunk] : named.leaves.flat()));
    await linger();
    if (gateway.life !== life) throw new Killed();
    if (chunks.length === 0) return;
    await gateway.put(dice.pick(KEYS), { kind: 'manifest', leaves: [chunks] }, [], [chunks], id);
  } finally {
    lease.end();
  }
}

/** Gateways die, fall silent and come back, hear of what goes on, and seal their packs. */
async function trouble(world: World, disk: Disk, dice: Dice, { turn }: Turns): Promise<void> {
  const silent = new Set<GatewayWorld>();
  for (let n = 0; n < 40; n++) {
    await turn();
    const gateway = dice.pick(world.gateways);
    const choice = dice.below(20);
    if (choice < 2) {
      disk.seal(gateway.name);
      silent.delete(gateway);
      await gateway.kill();
    } else if (choice < 4) {
      silent.add(gateway);
      gateway.doubts++;
      await gateway.silence();
    } else if (choice < 7) {
      silent.delete(gateway);
      gateway.doubts++;
      await gateway.wake();
    } else if (choice < 10) disk.seal(gateway.name);
    else if (!silent.has(gateway)) await gateway.heartbeat();
  }
  for (const gateway of silent) await gateway.wake();
}

/** The job as a gateway runs it, with what it saved; its runs are killed, and two overlap when a lease was lost. */
function createCollector(world: World, disk: Disk, dice: Dice, { turn, begin }: Turns) {
  const { collection, packs } = world;
  const owner = 'collector';
  const job = createGcJob({
    collection,
    packs,
    files: checked(),
    room: async () => Number.POSITIVE_INFINITY,
    clock: { now: () => 0 },
    random: (size) => Buffer.alloc(size, dice.below(256)),
    pollMs: 1,
    patienceMs: 6,
    async pause() {
      await turn();
      for (const gateway of world.gateways) if (dice.chance(0.6)) begin(() => silently(gateway));
    },
  });
  let saved: unknown = null;
  let holder = 0;

  /** Whoever is heard of answers; the silent do not. */
  async function silently(gateway: GatewayWorld): Promise<void> {
    if (gateway.asleep) return;
    await gateway.heartbeat();
  }
  function checked() {
    const files = disk.files(owner, (id) => id.readUInt32BE(0));
    return {
      ...files,
      async remove(pack: { store: number; pack: string }) {
        await files.remove(pack);
        await world.check(disk);
      },
    };
  }
  async function attempt(signal: AbortSignal): Promise<void> {
    const own = ++holder;
    const context: JobContext = {
      signal,
      state: saved,
      argument: dice.chance(0.5) ? {} : null,
      async save(state) {
        await turn();
        if (own !== holder) throw new Lost();
        saved = structuredClone(state);
        await world.check(disk);
      },
      progress: () => undefined,
    };
    try {
      await job.run(context);
    } catch (error) {
      if (!(error instanceof Lost) && !signal.aborted) throw error;
    }
  }
  return {
    async run(times: number): Promise<void> {
      for (let n = 0; n < times; n++) {
        const kill = new AbortController();
        const running = attempt(kill.signal);
        if (dice.chance(0.5)) {
          for (let left = 5 + dice.below(60); left > 0; left--) await turn();
          // Killed: it ends at its next step. Or only its lease was lost, and it does not know yet.
          if (dice.chance(0.6)) kill.abort();
          if (dice.chance(0.5)) continue;
        }
        await running;
        disk.seal(owner);
      }
    },
    async whole(): Promise<void> {
      for (const gateway of world.gateways) await gateway.heartbeat();
      disk.seal(owner);
      await attempt(new AbortController().signal);
      for (const gateway of world.gateways) await gateway.heartbeat();
    },
  };
}

class Lost extends Error {}
