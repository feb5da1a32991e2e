import { expect } from 'chai';
import type { Alert, AlertChannel } from '#contracts/alerts';
import type { JobStatus } from '#contracts/jobs';
import { CloudStoreError } from '#core/errors';
import { createAlertsJob } from '#jobs/alerts';
import { tellKilledBackups } from '#jobs/killed-backup';
import { openRooms, type TestRooms } from '../../support/rooms.ts';

const GIB = 2 ** 30;

describe('the job that alerts', () => {
  let rooms: TestRooms;
  let told: string[];
  let away: boolean;
  let free: number;
  let damaged: number;
  let jobs: Partial<JobStatus>[];
  before(async () => {
    rooms = await openRooms();
  });
  after(() => rooms?.close());
  beforeEach(async () => {
    for (const { kind, subject } of await rooms.metadata.alerts.list(1000)) await rooms.metadata.alerts.clear(kind, subject);
    [told, away, free, damaged, jobs] = [[], false, 100 * GIB, 0, []];
    await look();
    told = [];
  });

  async function look(silentMs?: number): Promise<void> {
    const channel = (name: string): AlertChannel => ({
      name,
      async send({ kind, subject }: Alert) {
        if (away && name === 'mail') throw new CloudStoreError('unavailable', 'It is away.');
        told.push(`${name}: ${kind} ${subject}`);
      },
    });
    const job = createAlertsJob({
      store: rooms.metadata.alerts,
      jobs: { list: async () => jobs as JobStatus[] },
      killed: () => tellKilledBackups(rooms.metadata, silentMs),
      damaged: async () => damaged,
      space: () => ({ free, minFree: GIB }),
      channels: [channel('webhook'), channel('mail')],
      clock: { now: () => Date.now() },
    });
    await job.run({ signal: new AbortController().signal } as never).catch(() => undefined);
  }

  it('tells that the disk is nearly full, once by every way, and again when it was well in between', async () => {
    free = 1.9 * GIB;
    await look();
    await look();
    expect(told).to.deep.equal(['webhook: disk-nearly-full disk', 'mail: disk-nearly-full disk']);
    free = 2.1 * GIB; // hardly better
    await look();
    free = 1.9 * GIB;
    await look();
    expect(told).to.have.length(2);
    free = 3 * GIB;
    await look();
    free = 1.9 * GIB;
    await look();
    expect(told).to.have.length(4);
  });

  it('tells a scrub that failed and what a scrub has found, until it is over', async () => {
    jobs = [{ name: 'scrub', outcome: { kind: 'failed', message: 'a disk is gone' } } as Partial<JobStatus>];
    damaged = 3;
    await look();
    expect(told).to.have.members([
      'webhook: damage store',
      'mail: damage store',
      'webhook: job-failed scrub',
      'mail: job-failed scrub',
    ]);
    const open = (await rooms.metadata.alerts.list(10)).filter(({ cleared }) => cleared === null);
    expect(open.find(({ subject }) => subject === 'scrub')?.text).to.contain('a disk is gone');
    jobs = [{ name: 'scrub', outcome: { kind: 'done', message: null } } as Partial<JobStatus>];
    damaged = 0;
    await look();
    expect((await rooms.metadata.alerts.list(10)).filter(({ cleared }) => cleared === null)).to.deep.equal([]);
  });

  it('tells in its place that a backup was killed, once', async () => {
    const { instance } = rooms.metadata;
    const killed = await instance.register({ host: 'here', pid: 1, version: 'backup' });
    await look(60_000);
    expect(told, 'it may still live').to.deep.equal([]);
    await look(0);
    await look(0);
    expect(told).to.deep.equal(['webhook: job-failed backup', 'mail: job-failed backup']);
    expect(await instance.silent('backup', 0)).to.not.include(killed);
  });

  it('tells a way that was away when it is back, and the others at once', async () => {
    [away, damaged] = [true, 1];
    await look();
    expect(told).to.deep.equal(['webhook: damage store']);
    away = false;
    await look();
    expect(told).to.deep.equal(['webhook: damage store', 'mail: damage store']);
  });
});
