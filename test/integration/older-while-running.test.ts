import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Logger } from '#contracts/observability';
import { MARK_NAME, watchJournal } from '../../src/journal-mark.ts';
import { address, type MetadataRig, openMetadataRig, putIntent } from '../support/metadata-rig.ts';

const INSTANCE = 'a'.repeat(32);

/** A server that fails over to a standby which lacks the last commits, or is put back under a gateway that goes on running. */
describe('a database that is older after a lost connection', function () {
  this.timeout(60_000);
  let rig: MetadataRig;
  let directory: string;
  before(async () => {
    rig = await openMetadataRig('one gateway');
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-mark-'));
  });
  after(async () => {
    await rig.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('is noticed by who was connected: cursors expire, sessions and locks end; a connection alone changes nothing', async () => {
    const [gateway] = rig.gateways as [(typeof rig.gateways)[0]];
    const { database } = rig;
    const bucket = await rig.bucket();
    const { principal } = bucket.who;
    const said: string[] = [];
    const log: Logger = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (_: object, message: string) => void said.push(message),
      child: () => log,
    };
    const { timeLine, signals } = gateway;
    const watch = await watchJournal({ dataDirectory: directory, instance: INSTANCE, timeLine, signals, log });
    for (const key of ['one', 'two', 'three']) await rig.store.commit(putIntent(bucket, key));
    await gateway.locks.acquire({
      ...{ at: address(bucket, 'one'), principal: principal!.id, exclusive: true, infinite: false, ownerXml: null },
      timeoutMs: 3_600_000,
    });
    await database.sql(
      `INSERT INTO sessions (id, principal, token_hash, expires_ms, label, created_ms, used_ms, confirmed_ms) VALUES ('s', $1, 'h', 99999999999999, '', 0, 0, 0)`,
      [principal!.id],
    );
    const count = async (table: string): Promise<number> => Number((await database.sql(`SELECT count(*) FROM ${table}`))[0]![0]);
    const head = () => gateway.journal.head(bucket.id);
    const cursor = await head();
    const marked = (): number[][] => JSON.parse(readFileSync(join(directory, MARK_NAME), 'utf8')).marks;
    while (!marked().some(([id, , seq]) => id === bucket.id && seq === cursor.seq)) await sleep(20);
    /** All connections end, as when the server does. */
    const disconnect = () =>
      database.sql(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );

    await disconnect();
    // What is heard afterwards was heard over the new connection, in which it has looked before.
    for (let n = 0; ; n++) {
      const { seq } = await rig.store.commit(putIntent(bucket, `after ${n}`)).then(head, head);
      await sleep(100);
      if (marked().some(([id, , known]) => id === bucket.id && known! >= seq)) break;
    }
    expect((await head()).epoch).to.equal(cursor.epoch);
    expect([await count('sessions'), await count('locks'), said]).to.deep.equal([1, 1, []]);

    await database.sql('UPDATE bucket_heads SET seq = 1 WHERE bucket_id = $1', [bucket.id]);
    await disconnect();
    while (said.length === 0) await sleep(20);
    expect(said[0]).to.contain('older copy');
    expect((await head()).epoch).to.be.greaterThan(cursor.epoch);
    expect([await count('sessions'), await count('locks')]).to.deep.equal([0, 0]);
    const why = await gateway.journal.since(bucket.id, cursor, 10).then(
      () => 'it was followed',
      (error: Error & { code?: string }) => error.code,
    );
    expect(why).to.equal('cursor_expired');
    await watch.close();
    expect(marked().find(([id]) => id === bucket.id)?.[1]).to.equal((await head()).epoch);
  });
});
