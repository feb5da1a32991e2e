import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import pg from 'pg';
import { createSharedMemory } from '#core/shared-memory';
import { openSocketConnection } from '#metadata/embedded-postgres';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { leaveOut } from '../support/programs.ts';
import { doorsOf } from '../support/requests.ts';
import { workersOf } from '../support/workers.ts';
import { describeStates } from './rest-state-suite.ts';

describe('several processes of one gateway that read the same again', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let client: pg.Client;
  let left: () => void = () => undefined;
  before(async function () {
    if (createSharedMemory(4096) === null)
      leaveOut(this, 'memory cannot be shared: another system than Linux, or no prebuild of koffi for it');
    gateway = await startGateway({ env: { CLOUDSTORE_PROCESSES: '2' } });
    const { connection, close } = openSocketConnection(gateway.dataDir);
    const { socketDirectory: host, ...rest } = connection;
    client = new pg.Client({ host, ...rest });
    await client.connect();
    left = close;
  });
  after(async () => {
    await client?.end();
    left();
    expect(await gateway?.stop()).to.be.oneOf([0, undefined]);
  });

  async function read(times: number, body: string): Promise<void> {
    const { s3 } = doorsOf(gateway);
    for (let n = 0; n < times; n++) expect((await s3('GET', 'hot')).body.toString()).to.equal(body);
  }

  /** How often a name was looked for. The database's servers tell that late, and with their next statement. */
  async function looks(): Promise<number> {
    const { s3 } = doorsOf(gateway);
    await sleep(1_500);
    for (let n = 0; n < 16; n++) await s3('GET', `nothing/${n}`);
    const { rows } = await client.query<{ n: number }>(
      `SELECT sum(idx_scan)::int AS n FROM pg_stat_user_indexes WHERE indexrelname IN ('slots_key', 'slots_live')`,
    );
    return rows[0]!.n;
  }

  /** How many of the workers have the memory in which they tell each other. */
  function sharing(): number {
    const has = (pid: number): boolean => {
      try {
        return readFileSync(`/proc/${pid}/maps`, 'utf8').includes('memfd:cloudstore');
      } catch {
        return false; // it ended between the two looks
      }
    };
    return workersOf(gateway.pid).filter(has).length;
  }

  describeStates(() => gateway);

  it('do not ask the database, until one of them writes it', async () => {
    const { s3 } = doorsOf(gateway);
    expect(sharing()).to.equal(2);
    expect((await s3('PUT', 'hot', { body: 'first' })).status).to.equal(200);
    await read(100, 'first');
    const before = await looks();
    await read(400, 'first');
    expect((await looks()) - before, 'for 400 reads').to.be.below(200);
    for (let n = 0; n < 40; n++) {
      expect((await s3('PUT', 'hot', { body: `${n}` })).status).to.equal(200);
      await read(6, `${n}`);
    }
    expect((await s3('DELETE', 'hot')).status).to.equal(204);
    for (let n = 0; n < 6; n++) expect((await s3('GET', 'hot')).status).to.equal(404);
  });

  it('go on so when one of them was killed', async () => {
    const { s3 } = doorsOf(gateway);
    expect((await s3('PUT', 'hot', { body: 'again' })).status).to.equal(200);
    await read(20, 'again');
    const [first] = workersOf(gateway.pid);
    process.kill(first!, 'SIGKILL');
    while (workersOf(gateway.pid).includes(first!) || sharing() < 2) await sleep(50);
    for (let n = 0; n < 20; n++) {
      expect((await s3('PUT', 'hot', { body: `${n}` })).status).to.equal(200);
      await read(6, `${n}`);
    }
  });
});
