import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { JournalEvent } from '#contracts/journal';
import type { Signals } from '#contracts/signals';
import { CloudStoreError } from '#core/errors';
import { createHub } from '#events/hub';
import { openMetadata } from '#metadata/open';
import { describeHub, type HubRig } from '../../conformance/hub.ts';
import { freshDatabase, quiet } from '../../support/database.ts';
import { diceOf, SEED } from '../../support/random.ts';

const clock = { now: () => Date.now() };

/** On the real journal and its signals, or on signals that only say now and then that some may be lost. */
async function openRig(silent: boolean): Promise<HubRig> {
  const database = await freshDatabase({ schema: true });
  const metadata = await openMetadata({ connection: database.connection, clock, random: randomBytes, log: quiet });
  const domain = await metadata.keys.insert(Buffer.from('x'));
  const principal = await metadata.principals.create({ name: 'ann', role: 'member', passwordHash: null, domain });
  const { id } = await metadata.buckets.create({ name: 'followed', owner: principal.id, domain });
  const deaf: Signals = {
    publish: async () => undefined,
    subscribe(_topic, listener) {
      const timer = setInterval(listener, 20, null);
      return () => clearInterval(timer);
    },
  };
  const signals = silent ? deaf : metadata.signals;
  const hub = createHub({ journal: metadata.journal, signals, log: quiet, batch: 7 });
  return {
    hub,
    bucket: id,
    head: () => metadata.journal.head(id),
    async commit() {
      const verdict = await metadata.store.commit({
        kind: 'put',
        who: { principal, protocol: 's3', requestId: 'r' },
        bucket: id,
        key: `k${Math.random()}`,
        versionId: randomBytes(16).toString('hex'),
        content: { kind: 'inline', domain, size: 1, sealed: Buffer.from('x') },
        etag: 'e',
        attributes: {},
        contentHash: null,
        chunks: [],
        leaves: [],
      });
      return verdict.seq;
    },
    async close() {
      await hub.close();
      await metadata.close();
      await database.drop();
    },
  };
}

describeHub('woken by signals', () => openRig(false));
describeHub('without any signal', () => openRig(true));

describe('hub', () => {
  const silent: Signals = { publish: async () => undefined, subscribe: () => () => undefined };
  const event = (seq: number): JournalEvent => ({
    bucket: 1,
    cursor: { epoch: 1, seq },
    kind: 'put',
    key: 'k',
    fromKey: null,
    fromBucket: null,
    versionId: null,
    size: 0,
    etag: '',
    at: 0,
    principal: null,
    protocol: 's3',
    requestId: '',
  });

  it('reads once for all who wait at the same place', async () => {
    let reads = 0;
    const since = async () => {
      reads++;
      return [];
    };
    const journal = { head: async () => ({ epoch: 1, seq: 0 }), since };
    const hub = createHub({ journal, signals: silent, log: quiet });
    const following = Array.from({ length: 100 }, () =>
      hub.follow(1, { epoch: 1, seq: 0 }, async () => undefined, new AbortController().signal),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    await hub.close();
    await Promise.all(following);
    expect(reads).to.equal(1);
  });

  it(`tells each follower all, in order and once, however reads, signals and followers cross (seed ${SEED})`, async () => {
    const dice = diceOf(SEED);
    const soon = (ms = 4): Promise<void> => new Promise((resolve) => setTimeout(resolve, dice.below(ms)));
    const events: JournalEvent[] = [];
    const tell = new Set<(payload: string | null) => void>();
    const signals: Signals = {
      publish: async () => undefined,
      subscribe(_topic, listener) {
        tell.add(listener);
        return () => tell.delete(listener);
      },
    };
    const journal = {
      head: async () => ({ epoch: 1, seq: events.length }),
      async since(_bucket: number, { seq }: { seq: number }, limit: number) {
        await soon();
        if (dice.chance(0.02)) throw new CloudStoreError('unavailable', 'away');
        const found = events.slice(seq, seq + limit);
        await soon();
        return found;
      },
    };
    const hub = createHub({ journal, signals, log: quiet, batch: 5 });
    const total = 300;
    const following: Promise<number[]>[] = [];
    async function follow(): Promise<number[]> {
      const from = dice.below(events.length + 1);
      const stop = new AbortController();
      const slow = dice.chance(0.3);
      const seqs: number[] = [];
      const deliver = (news: JournalEvent[]): Promise<void> | void => {
        seqs.push(...news.map(({ cursor }) => cursor.seq));
        if (seqs.at(-1) === total) stop.abort();
        return slow || dice.chance(0.1) ? soon() : undefined;
      };
      await hub.follow(1, { epoch: 1, seq: from }, deliver, stop.signal);
      expect(seqs).to.deep.equal(Array.from({ length: total - from }, (_, index) => from + 1 + index));
      return seqs;
    }
    while (events.length < total) {
      if (dice.chance(0.5) && following.length < 200) following.push(follow());
      for (let n = dice.below(3); n > 0 && events.length < total; n--) {
        events.push(event(events.length + 1));
        void soon(dice.chance(0.5) ? 40 : 4).then(() => {
          for (const listener of tell) listener(`1:${events.length}`);
        });
      }
      await soon();
    }
    await Promise.all(following);
    await hub.close();
  });

  it('ends only those whose cursor is too old, not those who wait further on', async () => {
    const told: ((payload: string | null) => void)[] = [];
    const signals: Signals = {
      publish: async () => undefined,
      subscribe(_topic, listener) {
        told.push(listener);
        return () => undefined;
      },
    };
    let floor = 0;
    let last = 0;
    const journal = {
      head: async () => ({ epoch: 1, seq: last }),
      async since(_bucket: number, { seq }: { seq: number }) {
        if (seq < floor) throw new CloudStoreError('cursor_expired', 'too old');
        return Array.from({ length: last - seq }, (_, n) => event(seq + 1 + n));
      },
    };
    const hub = createHub({ journal, signals, log: quiet });
    const stop = new AbortController();
    const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const behind = hub.follow(1, { epoch: 1, seq: 0 }, () => undefined, stop.signal).catch((error: unknown) => error);
    await settled();
    floor = last = 5;
    const seen: number[] = [];
    const ahead = hub.follow(
      1,
      { epoch: 1, seq: 5 },
      (news) => void seen.push(...news.map(({ cursor }) => cursor.seq)),
      stop.signal,
    );
    await settled();
    last = 6;
    for (const tell of told) tell('1:6');
    expect(await behind).to.include({ code: 'cursor_expired' });
    await settled();
    expect(seen).to.deep.equal([6]);
    stop.abort();
    await ahead;
    await hub.close();
  });

  it('never passes over a hole', async () => {
    const journal = { head: async () => ({ epoch: 1, seq: 3 }), since: async () => [event(1), event(3)] };
    const hub = createHub({ journal, signals: silent, log: quiet });
    const error = await hub.follow(1, { epoch: 1, seq: 0 }, async () => undefined, new AbortController().signal).catch((e) => e);
    expect(error).to.include({ code: 'cursor_expired' });
    await hub.close();
  });
});
