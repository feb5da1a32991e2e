import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Signals } from '#contracts/signals';
import { type Database, openDatabase } from '../../../src/metadata/database.ts';
import { type Metadata, openMetadata } from '../../../src/metadata/open.ts';
import { createSignals } from '../../../src/metadata/signals.ts';
import { freshDatabase, quiet, type TestDatabase } from '../../support/database.ts';
import { lossyWire } from '../../support/lossy-wire.ts';

describe('signals', () => {
  let database: TestDatabase;
  let straight: Database;
  before(async () => {
    database = await freshDatabase();
    straight = openDatabase({ connection: database.connection, poolSize: 2, log: quiet });
  });
  after(async () => {
    await straight?.close();
    await database?.drop();
  });

  const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

  /** What `journal` hears. */
  function listen(signals: Signals) {
    const heard: (string | null)[] = [];
    signals.subscribe('journal', (payload) => void heard.push(payload));
    return {
      heard,
      forget: () => void heard.splice(0),
      async hears(count: number, wanted: string | null): Promise<void> {
        while (heard.filter((payload) => payload === wanted).length < count) await soon();
      },
      /** Said again now and then: on a slow machine the connection may just be made anew. */
      async passesOn(payload: string): Promise<void> {
        for (let turn = 0; !heard.includes(payload); turn++) {
          if (turn % 100 === 0) await signals.publish('journal', payload);
          await soon();
        }
      },
    };
  }

  it('say that anything may have happened, and go on, after their connection fell silent', async () => {
    const wire = await lossyWire(database.connection);
    const listening = openDatabase({ connection: wire.connection, poolSize: 1, log: quiet });
    const signals = createSignals({
      database: { ...straight, dedicated: listening.dedicated },
      log: quiet,
      silentMs: 50,
      answerMsMax: 300,
    });
    try {
      const journal = listen(signals);
      await journal.hears(1, null);
      await journal.passesOn('1:1');
      wire.fallSilent();
      journal.forget();
      await journal.hears(1, null);
      await journal.passesOn('1:2');
    } finally {
      await signals.close();
      await listening.close();
      await wire.close();
    }
  });

  it('say so again and again where nothing is passed on', async () => {
    const warnings: string[] = [];
    const log = { ...quiet, warn: (_about: object, text: string) => void warnings.push(text) };
    const mute = { ...straight, query: async () => [] };
    const signals = createSignals({ database: mute, log, silentMs: 60_000, answerMsMax: 50 });
    try {
      await listen(signals).hears(4, null);
      // On a machine that stands still, a connection that passes for lost says so too.
      while (warnings.length === 0) await soon();
      expect(warnings[0]).to.include('pooler');
    } finally {
      await signals.close();
    }
  });

  it('take no notification that could not be sent for one that was not passed on', async () => {
    let sent = 0;
    /** How many were tried when it was said for the first time. */
    let warned: number | null = null;
    const log = { ...quiet, warn: () => void (warned ??= sent) };
    const query = (async () => {
      if (sent++ < 3) throw new Error('The pool is busy.');
      return [];
    }) as Database['query'];
    const signals = createSignals({ database: { ...straight, query }, log, silentMs: 60_000, answerMsMax: 20 });
    try {
      signals.subscribe('journal', () => undefined);
      // From the fourth on each is sent and none is heard; a connection that is made anew sends another.
      for (let turn = 0; warned === null && turn < 1000; turn++) await soon();
      expect(warned).to.be.at.least(4);
    } finally {
      await signals.close();
    }
  });

  it('tell who alone has the database of its commits at once, without the database, which tells everybody of those of others', async () => {
    const open = (soleOwner: boolean) =>
      openMetadata({ connection: database.connection, clock: Date, random: randomBytes, log: quiet, soleOwner });
    const [alone, other] = [await open(true), await open(false)];
    const [own, others] = [listen(alone.signals), listen(other.signals)];
    try {
      await own.passesOn('0:1');
      await others.passesOn('0:2');
      const domain = await alone.keys.insert(randomBytes(8));
      const { id, role } = await alone.principals.create({ name: 'teller', role: 'member', passwordHash: null, domain });
      const bucket = await alone.buckets.create({ name: 'told', owner: id, domain, versioning: 'off' });
      const who = { principal: { id, name: 'teller', role }, protocol: 's3' as const, requestId: 'told' };
      const put = ({ store }: Metadata, key: string) =>
        store.commit({
          kind: 'put',
          who,
          bucket: bucket.id,
          key,
          versionId: randomBytes(16).toString('hex'),
          content: { kind: 'manifest', domain, size: 0, leaves: [] },
          etag: 'e',
          attributes: {},
          contentHash: null,
          chunks: [],
          leaves: [],
        });
      const first = await put(alone, 'a');
      const ofBucket = ({ heard }: typeof own) => heard.filter((payload) => payload?.startsWith(`${bucket.id}:`));
      expect(ofBucket(own)).to.deep.equal([`${bucket.id}:${first.seq}`]);
      const second = await put(other, 'b');
      await Promise.all([own, others].map(({ hears }) => hears(1, `${bucket.id}:${second.seq}`)));
      expect(ofBucket(others)).to.deep.equal([`${bucket.id}:${second.seq}`]);
    } finally {
      await alone.close();
      await other.close();
    }
  });
});
