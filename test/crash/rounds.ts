import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyring } from '#engine/keyring';
import { openMetadata } from '#metadata/open';
import { freshDatabase, quiet, type TestDatabase } from '../support/database.ts';
import { accountsOf } from '../support/metadata-accounts.ts';
import { onlyLeft } from './backends.ts';
import type { Body } from './bodies.ts';
import type { Collected } from './collecting.ts';
import { WHENS, type When } from './crash-point.ts';
import { type Begun, type Round, runRound, settle } from './round.ts';

/** One store that lives through all kills, so that a crash also meets what earlier ones left. */
export interface Rounds {
  database: TestDatabase;
  /** Where its packs lie. */
  packs: string;
  /** How often each kind of operation was acknowledged. */
  kinds: Map<string, number>;
  /** Of the last round that collected to its end. */
  collected(): Collected | null;
  /** How many operations were refused. */
  refused(): number;
  /**
   * Comes up, is checked against all that was acknowledged before, works, and dies. Gives how many calls it made, null when it did not live to say.
   * @throws with a sentence for the first broken promise
   */
  run(crashAt: number, when: When, more?: { fromStart?: boolean; of?: string }): Promise<number | null>;
  close(): Promise<void>;
}

/** Of the owner, and of the bucket. */
interface Quota {
  objects: number;
  bytes: number;
}

export async function openRounds(
  options: Pick<Round, 'keys' | 'operations' | 'collects'> & { seed: number; directory: string; quota?: Quota },
): Promise<Rounds> {
  const { seed: first, directory, quota, ...work } = options;
  const database = await freshDatabase({ schema: true });
  const dataDirectory = mkdtempSync(join(tmpdir(), directory));
  const masterKey = randomBytes(32);
  const clock = { now: () => Date.now() };
  const metadata = await openMetadata({ connection: database.connection, clock, random: randomBytes, log: quiet });
  const domain = await createKeyring({ masterKey, keys: metadata.keys, random: randomBytes }).create();
  const ann = await metadata.principals.create({ name: 'ann', role: 'member', passwordHash: null, domain });
  const bucket = await metadata.buckets.create({ name: 'crashes', owner: ann.id, domain });
  if (quota !== undefined) {
    await metadata.buckets.update(bucket.id, { quota });
    await metadata.principals.update(ann.id, { quotaObjects: quota.objects, quotaBytes: quota.bytes });
  }
  await metadata.close();
  const base = {
    ...work,
    connection: database.connection,
    dataDirectory,
    masterKey: masterKey.toString('hex'),
    principal: ann.id,
    bucket: bucket.id,
  };
  const kinds = new Map<string, number>();
  let live = new Map<string, Body>();
  let pending: Begun[] = [];
  let journalHead = 0;
  let refused = 0;
  let collected: Collected | null = null;

  /** The process has come up and waits: nothing of the one before goes on. */
  async function assertAccounts(): Promise<void> {
    const { kept, counted } = await accountsOf(database, { id: base.bucket, owner: base.principal });
    if (JSON.stringify(kept) !== JSON.stringify(counted)) {
      throw new Error(`The use of space is kept as ${JSON.stringify(kept)}, and is ${JSON.stringify(counted)}`);
    }
    if (quota !== undefined && (counted.ownerObjects > quota.objects || counted.ownerBytes > quota.bytes))
      throw new Error('The quota was passed');
  }

  return {
    database,
    packs: join(dataDirectory, 'packs'),
    kinds,
    collected: () => collected,
    refused: () => refused,
    async run(crashAt, when, { fromStart = false, of } = {}) {
      await onlyLeft(database);
      // Whoever was killed has been silent for long, and nobody waits for it.
      await database.sql('UPDATE gateways SET seen_ms = 0');
      const seed = first + crashAt * 7 + WHENS.indexOf(when);
      const round = { ...base, seed, crashAt, when, fromStart, ...(of === undefined ? {} : { of }) };
      const outcome = await runRound(round, async (state) => {
        try {
          live = settle({ live, pending }, state);
          if (state.journal.head < journalHead) throw new Error('The journal went back');
        } catch (error) {
          const after = `after ${pending.map(({ kind }) => kind).join(', ')} were cut off, before the round ${crashAt} ${when}`;
          throw new Error(`${(error as Error).message} (${after})`);
        }
        journalHead = state.journal.head;
        await assertAccounts();
        return live;
      });
      if (outcome.state === null) return null; // it died on the way up, and the next one must bear with that
      for (const { kind, changes } of outcome.acknowledged) {
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        for (const [key, body] of Object.entries(changes)) {
          if (body === null) live.delete(key);
          else live.set(key, body);
        }
      }
      collected = outcome.collected ?? collected;
      refused += outcome.refused.size;
      pending = [...outcome.begun.values()];
      return outcome.calls;
    },
    async close() {
      await database.drop();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}
