import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { AuditVerdict } from '#contracts/audit';
import type { AuditEvent } from '#core/audit';
import { createKeyring } from '#engine/keyring';
import { verifyAudit } from '#metadata/audit-verify';
import { type MetadataRig, openMetadataRig } from '../../support/metadata-rig.ts';

describe('the chain of the audit', () => {
  let rig: MetadataRig;
  const masterKey = randomBytes(32);
  let stores: ReturnType<(typeof rig.gateways)[0]['audit']>[];

  before(async () => {
    rig = await openMetadataRig('two gateways');
    stores = rig.gateways.map((metadata) =>
      metadata.audit(createKeyring({ masterKey, keys: metadata.keys, random: randomBytes })),
    );
  });
  after(() => rig.close());

  const event = (n: number, patch: Partial<AuditEvent> = {}): AuditEvent => ({
    at: 1_700_000_000_000 + n,
    principal: 1,
    name: n % 2 === 0 ? 'ann' : 'bob',
    credential: 'session:s1',
    protocol: 'rest',
    action: 'UpdateUser',
    resource: `/api/v1/users/${n}`,
    outcome: n % 3 === 0 ? 'denied' : 'ok',
    status: 200,
    address: '192.0.2.1',
    requestId: 'R',
    details: { z: 1, a: { y: [1, { q: 2, b: 3 }], x: null }, text: 'ünï\u2028' },
    ...patch,
  });
  const verify = (): Promise<AuditVerdict> => verifyAudit(stores[0]!);

  it('is whole before anything was recorded', async () => {
    expect(await verify()).to.deep.equal({ records: 0, broken: null });
  });

  it('is one line, whichever gateway appends', async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => stores[n % 2]!.append([event(n * 3), event(n * 3 + 1), event(n * 3 + 2)])),
    );
    expect(await verify()).to.deep.equal({ records: 120, broken: null });
  });

  it('is read newest first by pages, and filtered', async () => {
    const seen: number[] = [];
    for (let before: number | undefined; ; ) {
      const page = await stores[1]!.page({ limit: 50, ...(before === undefined ? {} : { before }) });
      seen.push(...page.map(({ id }) => id));
      if (page.length < 50) break;
      before = page.at(-1)!.id;
    }
    expect(seen).to.deep.equal(Array.from({ length: 120 }, (_, n) => 120 - n));
    const some = await stores[0]!.page({ limit: 1000, name: 'ann', outcome: 'denied', from: event(30).at, to: event(60).at });
    expect(some.map(({ at }) => at - event(0).at).sort((a, b) => a - b)).to.deep.equal([30, 36, 42, 48, 54]);
    expect(await stores[0]!.page({ limit: 10, resource: '/api/v1/users/11' })).to.have.length(10);
    expect(await stores[0]!.page({ limit: 10, name: "'; DROP TABLE audit; --" })).to.deep.equal([]);
  });

  /** What `work` does to the records is undone. */
  async function undone(work: () => Promise<void>): Promise<void> {
    const tables = ['audit', 'audit_head'];
    for (const table of tables) await rig.database.sql(`CREATE TABLE kept_${table} AS SELECT * FROM ${table}`);
    try {
      await work();
    } finally {
      for (const table of tables) {
        await rig.database.sql(`DELETE FROM ${table}`);
        await rig.database.sql(`INSERT INTO ${table} SELECT * FROM kept_${table}`);
        await rig.database.sql(`DROP TABLE kept_${table}`);
      }
    }
    expect((await verify()).broken).to.equal(null);
  }

  const tampering: [string, string, RegExp][] = [
    ['a changed word', `UPDATE audit SET outcome = 'ok' WHERE id = 100`, /not what was recorded/],
    ['a changed time', 'UPDATE audit SET at_ms = at_ms + 1 WHERE id = 7', /not what was recorded/],
    ['a changed detail', `UPDATE audit SET details = '{"z": 2}' WHERE id = 7`, /not what was recorded/],
    ['a record that was removed', 'DELETE FROM audit WHERE id = 50', /is missing/],
    ['the last records removed', 'DELETE FROM audit WHERE id > 110', /is missing/],
    [
      'the last records removed, and the head moved back',
      'WITH gone AS (DELETE FROM audit WHERE id > 110) UPDATE audit_head SET head_id = 110',
      /ends in another record/,
    ],
    [
      'a record that was slipped in',
      `WITH moved AS (UPDATE audit_head SET head_id = 121) INSERT INTO audit SELECT 121, at_ms, principal, protocol, action, outcome, request_id, details,
         name, credential, resource, address, status, hash FROM audit WHERE id = 120`,
      /not what was recorded/,
    ],
    [
      'the first records removed, as if by age',
      'WITH gone AS (DELETE FROM audit WHERE id <= 10) UPDATE audit_head SET floor_id = 10',
      /not what/,
    ],
    [
      'the first records removed, as age does it',
      `WITH gone AS (DELETE FROM audit WHERE id <= 10)
         UPDATE audit_head SET floor_id = 10, floor_hash = (SELECT hash FROM audit WHERE id = 10) || substr(floor_hash, 1, 32)`,
      /not by age/,
    ],
    [
      'the last records removed, and the head that an earlier record tells',
      `WITH gone AS (DELETE FROM audit WHERE id > 110)
         UPDATE audit_head SET head_id = 110, head_hash = (SELECT hash FROM audit WHERE id = 110) || substr(head_hash, 33)`,
      /last records were removed/,
    ],
    [
      'all of it removed, as if nothing had been recorded',
      'WITH gone AS (DELETE FROM audit) UPDATE audit_head SET head_id = 0',
      /removed|another record/,
    ],
    ['the key of the chain removed', 'DELETE FROM audit_head', /begins and ends with is missing/],
  ];
  for (const [what, sql, found] of tampering) {
    it(`finds ${what}`, () =>
      undone(async () => {
        await rig.database.sql(sql);
        expect((await verify()).broken?.why).to.match(found);
      }));
  }

  it('goes on where its end was moved, and tells so for good', () =>
    undone(async () => {
      await rig.database.sql(`WITH gone AS (DELETE FROM audit WHERE id > 110)
        UPDATE audit_head SET head_id = 110, head_hash = (SELECT hash FROM audit WHERE id = 110) || substr(head_hash, 33)`);
      for (let n = 0; n < 3; n++) await stores[n % 2]!.append([event(n)]);
      expect((await verify()).broken?.why).to.match(/last records were removed/);
    }));

  it('begins later once old records have gone', async () => {
    while ((await stores[0]!.expire(event(1000).at, 10)) > 0) if ((await verify()).records <= 100) break;
    expect(await verify()).to.deep.equal({ records: 100, broken: null });
    expect(await stores[1]!.expire(event(-1).at, 10), 'none is that old').to.equal(0);
    const records = 100;
    await stores[1]!.append([event(500)]);
    expect(await verify()).to.deep.equal({ records: records + 1, broken: null });
  });

  it('of a CloudStore of before, whose ends had no marks, gets them with the next record', async () => {
    const keyring = createKeyring({ masterKey, keys: rig.gateways[0]!.keys, random: randomBytes });
    const [[sealed]] = (await rig.database.sql('SELECT sealed_key FROM audit_head')) as [[Buffer]];
    const key = keyring.open(sealed, 'audit chain').subarray(1);
    await rig.database.sql(
      'UPDATE audit_head SET sealed_key = $1, floor_hash = substr(floor_hash, 1, 32), head_hash = substr(head_hash, 1, 32)',
      [keyring.seal(key, 'audit chain')],
    );
    const { records } = await verify();
    expect(records).to.be.greaterThan(100);
    await stores[0]!.append([event(400)]);
    expect(await verify()).to.deep.equal({ records: records + 1, broken: null });
    await rig.database.sql(`WITH gone AS (DELETE FROM audit WHERE id = (SELECT head_id FROM audit_head))
      UPDATE audit_head SET head_id = head_id - 1, head_hash = (SELECT hash FROM audit WHERE id = head_id - 1)`);
    expect((await verify()).broken).to.not.equal(null);
  });
});
