import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { JournalEvent } from '#contracts/journal';
import type { Signals } from '#contracts/signals';
import { createHub } from '#events/hub';
import { openMetadata } from '#metadata/open';
import { describeHub, type HubRig } from '../../conformance/hub.ts';
import { freshDatabase, quiet } from '../../support/database.ts';

const clock = { now: () => Date.now() };

/** On the real journal and its signals, or on silent signals, so that only the poll wakes it. */
async function openRig(silent: boolean): Promise<HubRig> {
  const database = await freshDatabase({ schema: true });
  const metadata = await openMetadata({ connection: database.connection, clock, random: randomBytes, log: quiet });
  const domain = await metadata.keys.insert(Buffer.from('x'));
  const principal = await metadata.principals.create({ name: 'ann', role: 'member', passwordHash: null, domain });
  const { id } = await metadata.buckets.create({ name: 'followed', owner: principal.id, domain });
  const deaf: Signals = { publish: async () => undefined, subscribe: () => () => undefined };
  const signals = silent ? deaf : metadata.signals;
  const hub = createHub({ journal: metadata.journal, signals, clock, log: quiet, batch: 7, pollMs: silent ? 20 : 60_000 });
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
    const hub = createHub({ journal, signals: silent, clock, log: quiet, pollMs: 60_000 });
    const following = Array.from({ length: 100 }, () =>
      hub.follow(1, { epoch: 1, seq: 0 }, async () => undefined, new AbortController().signal),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    await hub.close();
    await Promise.all(following);
    expect(reads).to.equal(1);
  });

  it('never passes over a hole', async () => {
    const journal = { head: async () => ({ epoch: 1, seq: 3 }), since: async () => [event(1), event(3)] };
    const hub = createHub({ journal, signals: silent, clock, log: quiet });
    const error = await hub.follow(1, { epoch: 1, seq: 0 }, async () => undefined, new AbortController().signal).catch((e) => e);
    expect(error).to.include({ code: 'cursor_expired' });
    await hub.close();
  });
});
