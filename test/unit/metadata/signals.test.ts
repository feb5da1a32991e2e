import { expect } from 'chai';
import { type Database, openDatabase } from '../../../src/metadata/database.ts';
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

  /** Resolves with what `journal` hears next. */
  function listen(signals: ReturnType<typeof createSignals>): () => Promise<string | null> {
    const heard: (string | null)[] = [];
    let wake = (): void => undefined;
    signals.subscribe('journal', (payload) => {
      heard.push(payload);
      wake();
    });
    return async () => {
      while (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return heard.shift() ?? null;
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
      const next = listen(signals);
      expect(await next()).to.equal(null);
      await signals.publish('journal', '1:1');
      expect(await next()).to.equal('1:1');
      wire.fallSilent();
      await signals.publish('journal', '1:2');
      expect(await next()).to.equal(null);
      await signals.publish('journal', '1:3');
      expect(await next()).to.equal('1:3');
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
    const signals = createSignals({ database: mute, log, silentMs: 60_000, answerMsMax: 20 });
    try {
      const next = listen(signals);
      for (let n = 0; n < 4; n++) expect(await next()).to.equal(null);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include('pooler');
    } finally {
      await signals.close();
    }
  });
});
