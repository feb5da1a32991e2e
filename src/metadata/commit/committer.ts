import { setTimeout as sleep } from 'node:timers/promises';
import type { Address, BucketId } from '#core/address';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { DirectoryInfo } from '#core/object';
import { type Database, type Session, sqlState } from '../database.ts';
import { RowWriter } from '../row-set.ts';
import { mintVersionId } from '../version-id.ts';
import { applyPlan } from './apply.ts';
import { decide } from './decide.ts';
import { foldersOf, type Outcome } from './fold.ts';
import type { CommitMemory, Guess } from './memory.ts';
import type { Plan } from './plan.ts';
import { readBatch } from './read.ts';
import { type BatchState, type Intent, slotKey } from './state.ts';

export interface CommitterOptions {
  database: Database;
  clock: Clock;
  random: Random;
  registration: { gateway: number | null };
  /** What is known of a folder without asking. */
  remembered(at: Address): DirectoryInfo | null | undefined;
  /** null: every batch is read. */
  memory: CommitMemory | null;
  /** `changed` tells who follows the journal, and nobody else does: the database need not. */
  told: boolean;
  /** Told before the database is: what is going to be changed. `end` is called when it was, or was not, and before any verdict leaves. */
  changing(plan: Plan): { end(): void } | null;
  /**
   * Told before any verdict leaves: what was changed; state undefined when the outcome is unknown. `known`: folders as they were before the batch was read.
   * @returns whether no other commit came between this one and the one before
   */
  changed(plan: Plan, state: BatchState | undefined, known: ReadonlyMap<string, DirectoryInfo>): boolean;
}

export interface Committer {
  commit(intent: Intent): Promise<Outcome>;
  /** A number for a new slot or node, from a block that this process took. */
  ids: { reserve(count: number): Promise<void>; next(): number };
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

interface Pending {
  intent: Intent;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

const BATCH_MAX = 512;
/** Codes that the database gives for one row. */
const BLAMED: ReadonlySet<string> = new Set(['invalid_argument', 'object_locked']);
const ATTEMPTS_MAX = 12;
const HELD_MS_MAX = 20;
const BLOCK = 4096;
/** After a swap was lost, this many batches take the heads' locks first: another gateway is busy in the same buckets. */
const PESSIMISTIC_BATCHES = 16;
const RECONNECT_MS = [20, 50, 100, 200, 400, 800, 1600, 1600];

const NEXT_BLOCK = { name: 'commit-ids', text: `SELECT nextval('object_ids')` };
const LOCK_HEADS = {
  name: 'commit-lock-heads',
  text: 'SELECT bucket_id FROM bucket_heads WHERE bucket_id = ANY($1::int[]) ORDER BY bucket_id FOR UPDATE',
};
const FIND_COMMIT = {
  name: 'commit-find',
  text: 'SELECT 1 FROM journal WHERE bucket_id = $1 AND seq = $2 AND commit_id = $3',
};

/**
 * One committer a process: whatever arrived while the last batch ran goes together. A batch is read, decided and swapped in without
 * a transaction of its own; if another gateway was faster, or the connection broke, it is done again under the locks of its heads.
 */
export function createCommitter(options: CommitterOptions): Committer {
  const { database, clock, random, registration, memory } = options;
  const rows = new RowWriter();
  let waiting: Pending[] = [];
  let running: Promise<void> | null = null;
  let pessimistic = 0;
  let blockEnd = 0;
  let nextId = 1;
  /** Verdicts that may leave: what they say is durable, and `changed` was told. */
  const decided: (() => void)[] = [];
  let holding: NodeJS.Timeout | null = null;
  /** The rest of an older block, when a bigger reservation came. */
  const ids = {
    async reserve(count: number) {
      if (blockEnd - nextId >= count) return;
      const rows = await database.query<[number]>(NEXT_BLOCK);
      // The block of the value n is n - 4095 .. n.
      blockEnd = rows[0]![0] + 1;
      nextId = blockEnd - BLOCK;
    },
    next() {
      if (nextId >= blockEnd) throw new CloudStoreError('internal', 'No ids were reserved.');
      return nextId++;
    },
  };
  const mint = { nodeId: () => ids.next(), versionId: () => mintVersionId(clock, random) };

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = takeBatch();
      try {
        await settle(batch);
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
      if (waiting.length === 0) release();
      else holding ??= setTimeout(release, HELD_MS_MAX);
    }
    running = null;
  }

  /**
   * While more waits, verdicts leave when the next batch is on its way: what they set off, their answers and the clients' next requests, takes this
   * thread longer than the database needs to read that batch, which would wait for it. Not for long, where the database lets us wait.
   */
  function release(): void {
    if (holding !== null) clearTimeout(holding);
    holding = null;
    for (const tell of decided.splice(0)) tell();
  }

  /** In order of arrival; a key of which an intent names a version takes part once only. */
  function takeBatch(): Pending[] {
    const batch: Pending[] = [];
    const rest: Pending[] = [];
    const keys = new Map<string, boolean>();
    for (const one of waiting) {
      const at = slotKey(one.intent.bucket, one.intent.key);
      const alone =
        one.intent.kind === 'lock' ||
        one.intent.kind === 'tag' ||
        one.intent.kind === 'acl' ||
        (one.intent.kind === 'remove' && one.intent.version !== undefined);
      const seen = keys.get(at);
      keys.set(at, alone || seen === true);
      if (batch.length >= BATCH_MAX || (seen !== undefined && (alone || seen))) rest.push(one);
      else batch.push(one);
    }
    waiting = rest;
    return batch;
  }

  async function settle(batch: Pending[]): Promise<void> {
    try {
      const outcomes = await commitBatch(batch.map((one) => one.intent));
      const deferred: Pending[] = [];
      batch.forEach((one, index) => {
        const outcome = outcomes[index]!;
        if (outcome.kind === 'refused') decided.push(() => one.reject(outcome.error));
        else if (outcome.kind === 'defer') deferred.push(one);
        else decided.push(() => one.resolve(outcome));
      });
      waiting = [...deferred, ...waiting];
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1 && only) return only.reject(error);
      if (isCloudStoreError(error) && !BLAMED.has(error.code) && error.details.collected !== true) throw error;
      // An error of SQL, or what it refers to was collected: one intent of the batch is to blame, and must not take the others with it.
      const middle = batch.length >> 1;
      await settle(batch.slice(0, middle));
      await settle(batch.slice(middle));
    }
  }

  async function commitBatch(intents: Intent[]): Promise<Outcome[]> {
    const buckets = [...new Set(intents.map((intent) => intent.bucket))].sort((a, b) => a - b);
    const changing: Attempt['changing'] = [];
    try {
      return await commitAtLast(intents, buckets, changing);
    } finally {
      for (const one of changing) one.end();
    }
  }

  async function commitAtLast(intents: Intent[], buckets: BucketId[], changing: Attempt['changing']): Promise<Outcome[]> {
    let broken = 0;
    /** Attempts whose answer was lost. All of them: an earlier one may arrive behind a later one that was rolled back. */
    const lost: Attempt[] = [];
    for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
      const attempt: Attempt = {
        id: random(16),
        outcomes: null,
        first: null,
        plan: null,
        state: undefined,
        known: new Map(),
        changing,
      };
      try {
        await ids.reserve(Math.min(BLOCK, intents.length * 6));
        if (tries === 0 && pessimistic === 0) {
          if (!(await guessAt(attempt, intents))) await attemptOn(database, attempt, intents);
        } else {
          pessimistic = Math.max(0, pessimistic - 1);
          const known = await database.transaction((session) => retry(session, buckets, lost, attempt, intents));
          if (known) return finish(known);
        }
        return finish(attempt);
      } catch (error) {
        release();
        if (attempt.plan !== null) options.changed(attempt.plan, undefined, attempt.known);
        const state = sqlState(error);
        if (state === 'CS002' || state === 'CS004') throw error;
        if (state === 'CS001' || isCloudStoreError(error, 'conflict')) {
          pessimistic = PESSIMISTIC_BATCHES;
          continue;
        }
        const wait = RECONNECT_MS[broken++];
        if (!isCloudStoreError(error, 'unavailable') || wait === undefined) throw error;
        if (attempt.first !== null) lost.push(attempt);
        await sleep(wait);
      }
    }
    throw new CloudStoreError('conflict', 'Concurrent changes kept winning; try again.');
  }

  /** Under the locks of the heads: has an attempt whose answer was lost been committed? If not, decide anew. */
  async function retry(
    session: Session,
    buckets: BucketId[],
    lost: readonly Attempt[],
    attempt: Attempt,
    intents: Intent[],
  ): Promise<Attempt | null> {
    await session.query(LOCK_HEADS, [buckets]);
    for (const one of lost) {
      const found = await session.query(FIND_COMMIT, [one.first?.bucket, one.first?.seq, one.id]);
      if (found.length > 0) return one;
    }
    await attemptOn(session, attempt, intents);
    return null;
  }

  /** False: the batch must be read. A refusal is not believed, as what it rests on may be old. */
  async function guessAt(attempt: Attempt, intents: Intent[]): Promise<boolean> {
    const now = clock.now();
    const guess = memory?.guess(intents, now) ?? null;
    if (guess === null) return false;
    const { plan, outcomes } = decide(guess.state, intents, mint);
    if (outcomes.some(({ kind }) => kind !== 'put' && kind !== 'remove')) return false;
    remember(attempt.known, intents);
    if (await carryOut(database, attempt, { state: guess.state, plan, outcomes }, guess)) return true;
    memory?.missed();
    attempt.plan = null;
    attempt.known.clear();
    return false;
  }

  async function attemptOn(session: Session, attempt: Attempt, intents: Intent[]): Promise<void> {
    const now = clock.now();
    remember(attempt.known, intents);
    const state = await readBatch(session, intents, now);
    await carryOut(session, attempt, { state, ...decide(state, intents, mint) }, null);
  }

  async function carryOut(session: Session, attempt: Attempt, decision: Decision, guess: Guess | null): Promise<boolean> {
    const { state, plan, outcomes } = decision;
    attempt.outcomes = outcomes;
    attempt.state = state;
    const [first] = plan.journal;
    if (!first) {
      release();
      return true;
    }
    attempt.first = { bucket: first.b, seq: first.q };
    attempt.plan = plan;
    const changing = options.changing(plan);
    if (changing !== null) attempt.changing.push(changing);
    setImmediate(release); // when the statement has been sent
    const gone = await applyPlan(
      session,
      plan,
      { gateway: registration.gateway, id: attempt.id, now: state.now, told: options.told },
      rows,
      guess,
    );
    plan.foldersStay = gone === 0;
    return gone !== null;
  }

  /** Of what a put touches the batch reads the folders. */
  function remember(known: Map<string, DirectoryInfo>, intents: readonly Intent[]): void {
    for (const { kind, bucket, key } of intents) {
      if (kind !== 'remove' && kind !== 'annotate') continue;
      for (const path of foldersOf(key)) {
        const info = options.remembered({ bucket, key: path });
        if (info != null) known.set(slotKey(bucket, path), info);
      }
    }
  }

  function finish(attempt: Attempt): Outcome[] {
    const { plan, state, known } = attempt;
    if (plan === null) return attempt.outcomes ?? [];
    if (!options.changed(plan, state, known)) memory?.forget(plan.heads.keys());
    if (state !== undefined) memory?.learn(plan, state);
    return attempt.outcomes ?? [];
  }

  return {
    ids,
    commit(intent) {
      return new Promise<Outcome>((resolve, reject) => {
        waiting.push({ intent, resolve, reject });
        // Callers of the same tick share the first batch.
        running ??= Promise.resolve().then(run);
      });
    },
    async idle() {
      while (running) await running;
    },
  };
}

interface Decision {
  state: BatchState;
  plan: Plan;
  outcomes: Outcome[];
}

interface Attempt {
  id: Buffer;
  outcomes: Outcome[] | null;
  /** The first row of the journal that it wrote, if it wrote anything. */
  first: { bucket: BucketId; seq: number } | null;
  plan: Plan | null;
  state: BatchState | undefined;
  known: Map<string, DirectoryInfo>;
  /** Of all attempts of the batch: one whose answer was lost may arrive behind a later one. */
  changing: { end(): void }[];
}
