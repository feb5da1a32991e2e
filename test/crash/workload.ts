import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createAuthorizer } from '#auth/authorizer';
import { nodeDiskOps } from '#blob/disk-ops';
import { isCloudStoreError } from '#core/errors';
import { collect } from '#core/stream';
import { createKeyring } from '#engine/keyring';
import { openMetadata } from '#metadata/open';
import { createBuckets } from '#namespace/buckets';
import { createNamespace } from '#namespace/namespace';
import { createUploads } from '#namespace/uploads';
import { openLocalContent } from '../support/local-content.ts';
import { type Body, digestOf, numbersFrom } from './bodies.ts';
import { COLLECTED_PACK_BYTES, collecting } from './collecting.ts';
import { createCrashPoint } from './crash-point.ts';
import { nextOperation, type World } from './operations.ts';
import type { Round, State } from './round.ts';

/**
 * The program that is killed: the rooms as the gateway wires them, on a real disk and database. It says what it found when
 * it came up, is told what each key holds, then says what it begins and what was acknowledged, each line before it goes on; then it dies, or says how many calls it made.
 */
const round: Round = JSON.parse(process.argv[2] ?? '{}');
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);
const crash = createCrashPoint(round.crashAt, round.when, round.of === undefined ? null : new RegExp(round.of));
const clock = { now: () => Date.now() };
const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

if (round.fromStart) crash.arm();
const metadata = await openMetadata({
  connection: round.connection,
  clock,
  random: randomBytes,
  log: quiet,
  gateway: true,
  soleOwner: true,
});
const gateway = await metadata.instance.register({ host: 'test', pid: process.pid, version: '0' });
const disk = crash.disk(nodeDiskOps());
const directory = join(round.dataDirectory, 'packs');
const keyring = createKeyring({ masterKey: Buffer.from(round.masterKey, 'hex'), keys: metadata.keys, random: randomBytes });
const small = round.collects ? { packBytesMax: COLLECTED_PACK_BYTES } : {};
const storage = await openLocalContent({ directory, disk, clock, keyring, chunks: metadata.chunks, ...small });
const { content } = storage;
const authorizer = createAuthorizer({ authority: metadata.authority, signals: metadata.signals, clock });
const shared = { ...metadata, content, authorizer, keyring, clock, random: randomBytes };
const buckets = createBuckets(shared);
const namespace = createNamespace({ ...shared, buckets });
const uploads = createUploads({ ...shared, namespace });
const who = {
  principal: { id: round.principal, name: 'ann', role: 'member' as const },
  protocol: 's3' as const,
  requestId: 'crash',
};
const world: World = { namespace, uploads, who, bucket: round.bucket, ...(round.collects ? { bodies: 5 } : {}) };

say({ state: await inspect() });
const live = await settled();
crash.arm();
const collected = round.collects ? await collecting({ ...storage, metadata, gateway }, work) : await work();
await storage.close();
await metadata.instance.unregister(gateway);
await metadata.close();
say({ calls: crash.calls(), collected });

/** Everything there is: bytes read through the front door, folders by their own rows, the journal from its beginning. */
async function inspect(): Promise<State> {
  const state: State = { objects: {}, folders: [], journal: { head: 0, dense: true }, used: { objects: 0, bytes: 0 } };
  for (let after: string | null = ''; after !== null; ) {
    const query = { bucket: round.bucket, prefix: '', delimiter: '', after, limit: 1000 };
    const page = await namespace.list(who, query);
    for (const entry of page.entries) {
      if (entry.kind !== 'object') continue;
      const { key } = entry.info;
      const read = await namespace.get(who, { bucket: round.bucket, key });
      const bytes = await collect(read.body(), 1 << 26, () => new Error(`${key} is longer than it says`));
      if (bytes.length !== entry.info.size || bytes.length !== read.info.size)
        throw new Error(`${key} has another size than its row`);
      state.objects[key] = digestOf(bytes);
    }
    after = page.next;
  }
  await folders('', state.folders);
  const { epoch, seq } = await metadata.journal.head(round.bucket);
  for (let at = 0; at < seq; ) {
    const events = await metadata.journal.since(round.bucket, { epoch, seq: at }, 1000);
    if (events.length === 0) state.journal.dense = false;
    for (const event of events) if (event.cursor.seq !== ++at) state.journal.dense = false;
    if (!state.journal.dense) break;
  }
  state.journal.head = seq;
  state.used = (await metadata.usage.room(round.bucket)).bucket.used;
  return state;
}

async function folders(prefix: string, out: string[]): Promise<void> {
  const page = await namespace.list(who, {
    bucket: round.bucket,
    prefix,
    delimiter: '/',
    after: '',
    limit: 10_000,
    directories: true,
  });
  for (const entry of page.entries) {
    if (entry.kind !== 'prefix') continue;
    if (entry.directory === null) throw new Error(`The folder ${entry.prefix} is listed and has no row`);
    out.push(entry.prefix);
    await folders(entry.prefix, out);
  }
}

/** What the other side makes of that: an operation that was cut off may have been done after all. */
async function settled(): Promise<Map<string, Body>> {
  for await (const line of createInterface({ input: process.stdin })) return new Map(JSON.parse(line));
  throw new Error('Nobody said what each key holds');
}

/** Several at once, each on keys of its own. */
async function work(): Promise<void> {
  const pick = numbersFrom(round.seed);
  const busy = new Set<string>();
  let id = 0;
  const one = async (): Promise<void> => {
    while (id < round.operations) {
      const name = `${round.seed}-${id++}`;
      const operation = nextOperation(
        world,
        pick,
        round.keys.filter((key) => !busy.has(key)),
        live,
        name,
      );
      if (operation === null) continue;
      const keys = Object.keys(operation.changes);
      for (const key of keys) busy.add(key);
      say({ begin: name, kind: operation.kind, changes: operation.changes });
      try {
        await operation.run();
        for (const [key, body] of Object.entries(operation.changes)) body === null ? live.delete(key) : live.set(key, body);
        say({ acknowledged: name });
      } catch (error) {
        if (!isCloudStoreError(error, 'not_implemented') && !isCloudStoreError(error, 'quota_exceeded')) throw error;
        say({ refused: name });
      }
      for (const key of keys) busy.delete(key);
    }
  };
  await Promise.all([one(), one(), one()]);
}
