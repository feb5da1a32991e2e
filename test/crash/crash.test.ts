import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyring } from '#engine/keyring';
import { openMetadata } from '#metadata/open';
import { freshDatabase, quiet, type TestDatabase } from '../support/database.ts';
import { accountsOf } from '../support/metadata-accounts.ts';
import type { Body } from './bodies.ts';
import { WHENS, type When } from './crash-point.ts';
import { type Begun, type Round, runRound, settle } from './round.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const SEED = Number(process.env.CLOUDSTORE_TEST_SEED ?? 20_261_124);
/** A small world, so that keys meet: files beside folders of their name included. */
const KEYS = ['a', 'b', 'a/b', 'a/c', 'a/d/e', 'deep/er/and/deeper', 'x y', 'ünï', 'z/1', 'z/2', 'z', 'q'];
const OPERATIONS = 24;
/** Now and then too little, so that refusals are killed too. */
const QUOTA = { objects: 9, bytes: 9_000_000 };

/**
 * The promise, under SIGKILL at the n-th disk or SQL call, ahead of it, in the middle and behind it. One store lives through all
 * kills, so that a crash also meets what earlier ones left. CLOUDSTORE_TEST_LONG=1 goes through every n.
 */
describe('killed at its n-th disk or SQL call', function () {
  this.timeout(LONG ? 3_600_000 : 400_000);
  let database: TestDatabase;
  let dataDirectory: string;
  let base: Omit<Round, 'seed' | 'crashAt' | 'when' | 'fromStart'>;
  let live = new Map<string, Body>();
  let pending: Begun[] = [];
  const kinds = new Map<string, number>();
  let journalHead = 0;
  let refused = 0;

  before(async () => {
    console.log(`      CLOUDSTORE_TEST_SEED=${SEED}`);
    database = await freshDatabase({ schema: true });
    dataDirectory = mkdtempSync(join(tmpdir(), 'cloudstore-crash-'));
    const masterKey = randomBytes(32);
    const clock = { now: () => Date.now() };
    const metadata = await openMetadata({ connection: database.connection, clock, random: randomBytes, log: quiet });
    const domain = await createKeyring({ masterKey, keys: metadata.keys, random: randomBytes }).create();
    const ann = await metadata.principals.create({ name: 'ann', role: 'member', passwordHash: null, domain });
    const bucket = await metadata.buckets.create({ name: 'crashes', owner: ann.id, domain });
    await metadata.buckets.update(bucket.id, { quota: QUOTA });
    await metadata.principals.update(ann.id, { quotaObjects: QUOTA.objects, quotaBytes: QUOTA.bytes });
    await metadata.close();
    base = {
      connection: database.connection,
      dataDirectory,
      masterKey: masterKey.toString('hex'),
      principal: ann.id,
      bucket: bucket.id,
      keys: KEYS,
      operations: OPERATIONS,
    };
  });
  after(async () => {
    await database?.drop();
    if (dataDirectory !== undefined) rmSync(dataDirectory, { recursive: true, force: true });
  });

  /** Comes up, is checked against all that was acknowledged before, works, and dies. Gives how many calls it made, if it was let. */
  async function round(crashAt: number, when: When, fromStart = false): Promise<number | null> {
    const seed = SEED + crashAt * 7 + WHENS.indexOf(when);
    const outcome = await runRound({ ...base, seed, crashAt, when, fromStart }, async (state) => {
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
    refused += outcome.refused.size;
    pending = [...outcome.begun.values()];
    return outcome.calls;
  }

  /** The process has come up and waits: nothing of the one before goes on. */
  async function assertAccounts(): Promise<void> {
    const { kept, counted } = await accountsOf(database, { id: base.bucket, owner: base.principal });
    if (JSON.stringify(kept) !== JSON.stringify(counted)) {
      throw new Error(`The use of space is kept as ${JSON.stringify(kept)}, and is ${JSON.stringify(counted)}`);
    }
    if (counted.ownerObjects > QUOTA.objects || counted.ownerBytes > QUOTA.bytes) throw new Error('The quota was passed');
  }

  it('keeps what it acknowledged, quotas and the use of space exact, and does all or nothing of the rest', async () => {
    const calls = await round(0, 'before');
    if (calls === null) throw new Error('The first round was not to be killed');
    const from = (await round(1_000_000, 'after', true)) ?? 0;
    const step = LONG ? 1 : Math.max(1, Math.floor(calls / 32));
    let turn = 0;
    for (let n = 1; n <= calls; n += step) {
      for (const when of LONG ? WHENS : [WHENS[turn++ % WHENS.length]!]) await round(n, when);
    }
    const rising = Math.max(1, from - calls);
    for (let n = 1; n <= rising; n += LONG ? 1 : Math.max(1, Math.floor(rising / 8))) {
      for (const when of LONG ? WHENS : [WHENS[turn++ % WHENS.length]!]) await round(n, when, true);
    }
    await round(0, 'before');
    await round(0, 'before');
    console.log(
      `      ${calls} calls a round; acknowledged: ${[...kinds].map(([kind, n]) => `${n} ${kind}`).join(', ')}; ${refused} refused`,
    );
    if (refused === 0) throw new Error('The quota was never met');
  });
});
