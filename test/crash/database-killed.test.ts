import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { isCloudStoreError } from '#core/errors';
import { bytesOf } from '#core/stream';
import { diceOf, SEED } from '../support/random.ts';
import { openWholeStore, type WholeStore } from '../support/whole-store.ts';
import { type Body, bytesOfBody } from './bodies.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const KILLS = LONG ? 100 : 8;
const WRITERS = 6;
const SIZES = [10, 900, 3000, 70_000];

/** What a key may hold: its last acknowledged body, or one of the later ones that nobody was told about. */
interface Key {
  acknowledged: Body | null;
  uncertain: Body[];
  /** All that were acknowledged, by version. */
  versions: string[];
  /** How many puts nobody was told about. */
  open: number;
}

/** The embedded database dies by SIGKILL, again and again, under a gateway that lives on and whose clients go on. */
describe(`the database killed in mid-commit (seed ${SEED})`, function () {
  this.timeout(LONG ? 3_600_000 : 240_000);
  let directory: string;
  let store: WholeStore | null = null;
  before(async function () {
    if (process.platform !== 'linux') this.skip(); // it is found in /proc
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-killed-'));
    store = await openWholeStore(directory);
  });
  after(async () => {
    await store?.close();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  it(`loses nothing acknowledged and doubles nothing, through ${KILLS} kills`, async () => {
    const { namespace, who, bucket, metadata, serverPid, read } = store!;
    const dice = diceOf(SEED);
    const keys = new Map<string, Key>();
    let running = true;
    let acknowledged = 0;
    let refused = 0;

    async function writer(number: number): Promise<void> {
      const own = diceOf(`${SEED} ${number}`);
      for (let n = 0; running; n++) {
        const name = own.pick([`${number}/a`, `${number}/b`, `${number}/deep/er/c`]);
        const key = keys.get(name) ?? { acknowledged: null, uncertain: [], versions: [], open: 0 };
        keys.set(name, key);
        const body: Body = `${number}-${n}:${own.pick(SIZES)}`;
        const bytes = bytesOfBody(body);
        try {
          const { info } = await namespace.put(who, { bucket: bucket.id, key: name }, bytesOf(bytes), {
            etag: 'opaque',
            size: bytes.length,
          });
          acknowledged++;
          key.acknowledged = body;
          key.uncertain = [];
          key.versions.push(info.versionId);
        } catch (error) {
          if (!isCloudStoreError(error, 'unavailable')) {
            running = false;
            throw error;
          }
          refused++;
          key.open++;
          key.uncertain.push(body);
        }
      }
    }

    async function killer(): Promise<void> {
      for (let kill = 0; kill < KILLS; kill++) {
        for (const goal = acknowledged + 1 + dice.below(40); acknowledged < goal && running; ) await sleep(1 + dice.below(3));
        const server = await serverPid();
        const backends = childrenOf(server);
        // The whole server, the postmaster alone, or one of its processes: then it ends all others and recovers by itself.
        const victims = dice.pick([[server, ...backends], [server], backends.length > 0 ? [dice.pick(backends)] : [server]]);
        for (const pid of victims) killQuietly(pid);
      }
      for (const goal = acknowledged + 20; acknowledged < goal && running; ) await sleep(5);
      running = false;
    }

    const ended = await Promise.allSettled([...Array.from({ length: WRITERS }, (_, number) => writer(number)), killer()]);
    for (const one of ended) if (one.status === 'rejected') throw one.reason;

    for (const [name, { acknowledged: last, uncertain }] of keys) {
      const bytes = await read(name);
      const allowed = [...uncertain, ...(last === null ? [] : [last])].map(bytesOfBody);
      const good = bytes === null ? last === null : allowed.some((one) => one.equals(bytes));
      expect(good, `${name} holds what was acknowledged, or what came later`).to.equal(true);
    }
    const { epoch, seq } = await metadata.journal.head(bucket.id);
    const told = new Map<string, number>();
    for (let at = 0; at < seq; ) {
      const events = await metadata.journal.since(bucket.id, { epoch, seq: at }, 1000);
      expect(events.length).to.be.greaterThan(0);
      for (const event of events) {
        expect(event.cursor.seq, 'the journal has no hole').to.equal(++at);
        told.set(event.versionId ?? '', (told.get(event.versionId ?? '') ?? 0) + 1);
      }
    }
    expect(
      [...told.values()].every((times) => times === 1),
      'every version is told of once',
    ).to.equal(true);
    let open = 0;
    for (const [name, key] of keys) {
      open += key.open;
      for (const version of key.versions) expect(told.has(version), `a version of ${name} is in the journal`).to.equal(true);
    }
    expect(told.size, 'no more versions than there were puts').to.be.within(acknowledged, acknowledged + open);
    console.log(
      `      ${acknowledged} puts acknowledged, ${refused} refused, of which ${told.size - acknowledged} happened all the same`,
    );
  });
});

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
        return Number(ppid) === parent;
      } catch {
        return false; // it is gone
      }
    });
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was faster.
  }
}
