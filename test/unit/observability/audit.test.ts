import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { AuditEvent, AuditRecord } from '#core/audit';
import { auditCsv } from '#core/audit-lines';
import { createAudit } from '#observability/audit';
import { auditClass, isRecorded } from '#observability/audit-classes';
import { quiet } from '../../support/database.ts';

const EVENT: AuditEvent = {
  at: 1_700_000_000_000,
  principal: null,
  name: null,
  credential: null,
  protocol: 's3',
  action: 'PutBucketPolicy',
  resource: '/home',
  outcome: 'ok',
  status: 200,
  address: '192.0.2.1',
  requestId: 'R',
  details: null,
};

describe('the audit', () => {
  it('writes what it was told when it ends, in order', async () => {
    const written: AuditEvent[] = [];
    const audit = createAudit({ store: { append: async (events) => void written.push(...events) }, clock: Date, log: quiet });
    for (let n = 0; n < 2_500; n++) audit.record({ ...EVENT, resource: `/${n}` });
    await audit.close();
    expect(written.map(({ resource }) => resource)).to.deep.equal(Array.from({ length: 2_500 }, (_, n) => `/${n}`));
  });

  it('makes one record of many refusals of one kind, and none of different ones', async () => {
    const written: AuditEvent[] = [];
    const audit = createAudit({ store: { append: async (events) => void written.push(...events) }, clock: Date, log: quiet });
    for (let n = 0; n < 500; n++) audit.record({ ...EVENT, outcome: 'denied', status: 401, resource: `/${n}` });
    audit.record({ ...EVENT, outcome: 'denied', status: 401, address: '192.0.2.2' });
    await audit.close();
    expect(written.map(({ address, details }) => [address, details])).to.deep.equal([
      ['192.0.2.1', { count: 500 }],
      ['192.0.2.2', null],
    ]);
  });

  it('waits for a database that is away, and tells how many it could not keep', async () => {
    const written: AuditEvent[] = [];
    let away = true;
    const append = async (events: readonly AuditEvent[]): Promise<void> => {
      if (away) throw new Error('away');
      written.push(...events);
    };
    const audit = createAudit({ store: { append }, clock: Date, log: quiet });
    audit.record({ ...EVENT, resource: '/first' });
    await sleep(700);
    for (let n = 0; n < 50_010; n++) audit.record({ ...EVENT, resource: `/${n}` });
    away = false;
    while (written.length < 50_002) await sleep(50);
    expect(written[0]?.resource).to.equal('/first');
    const lost = written.filter(({ action }) => action === 'EventsLost');
    expect(lost.map(({ details }) => details)).to.deep.equal([{ count: 10 }]);
    await audit.close();
  });

  it('knows what is of which class', () => {
    const classes: [object, string][] = [
      [{ protocol: 's3', op: 'GetObject', method: 'GET', status: 200 }, 'all'],
      [{ protocol: 's3', op: 'GetObject', method: 'GET', status: 403 }, 'security'],
      [{ protocol: 's3', op: 'PutObject', method: 'PUT', status: 200 }, 'writes'],
      [{ protocol: 's3', op: 'PutBucketPolicy', method: 'PUT', status: 200 }, 'security'],
      [{ protocol: 's3', op: 'SomethingNew', method: 'PUT', status: 200 }, 'security'],
      [{ protocol: 'webdav', op: 'PROPFIND', method: 'PROPFIND', status: 207 }, 'all'],
      [{ protocol: 'webdav', op: 'MOVE', method: 'MOVE', status: 201 }, 'writes'],
      [{ protocol: 'webdav', op: 'PROPFIND', method: 'PROPFIND', status: 401, credentials: false }, 'all'],
      [{ protocol: 'webdav', op: 'PROPFIND', method: 'PROPFIND', status: 401, credentials: true }, 'security'],
      [{ protocol: 'rest', op: 'Login', method: 'POST', status: 200 }, 'security'],
      [{ protocol: 'rest', op: 'CreateLink', method: 'POST', status: 201 }, 'security'],
      [{ protocol: 'rest', op: 'PutFile', method: 'PUT', status: 201 }, 'writes'],
      [{ protocol: 'rest', op: 'Refresh', method: 'POST', status: 200 }, 'all'],
      [{ protocol: 'rest', op: 'ExplainAccess', method: 'POST', status: 200 }, 'all'],
      [{ protocol: 'rest', op: 'ExplainAccess', method: 'POST', status: 403 }, 'security'],
      [{ protocol: 'rest', op: 'MakeBackup', method: 'POST', status: 202 }, 'security'],
    ];
    for (const [request, of] of classes)
      expect(
        auditClass({ credentials: true, ...(request as Omit<Parameters<typeof auditClass>[0], 'credentials'>) }),
        JSON.stringify(request),
      ).to.equal(of);
    expect(isRecorded('security', 'writes')).to.equal(false);
    expect(isRecorded('writes', 'security')).to.equal(true);
    expect(isRecorded('off', 'security')).to.equal(false);
  });

  it('gives a spreadsheet no formulas, and breaks no line', () => {
    const record: AuditRecord = {
      ...EVENT,
      id: 1,
      hash: Buffer.of(1),
      name: '=HYPERLINK("http://x")',
      resource: 'a,"b"\r\nc',
      action: '+1',
      address: '@x',
    };
    expect(auditCsv({ ...record, details: { a: 1 } })).to.equal(
      `1,2023-11-14T22:13:20.000Z,"'=HYPERLINK(""http://x"")",,,s3,"'+1","a,""b""\r\nc",ok,200,"'@x",R,"{""a"":1}",01\r\n`,
    );
  });
});
