import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Logger } from '#contracts/observability';
import { isCloudStoreError } from '#core/errors';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { explainFailure, unsaid } from '#metadata/embedded-postgres/failure';
import { inspectDatabase } from '#metadata/embedded-postgres/inspect';
import { serverSettings } from '#metadata/embedded-postgres/settings';
import { isAlive } from '#metadata/embedded-postgres/survivor';
import { NODE_ARGS, ROOT } from '../../support/process.ts';
import { serverPid } from '../../support/server-pid.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

describe('the embedded Postgres', function () {
  this.timeout(60_000);
  let directory: string;
  let running: EmbeddedPostgres | null = null;
  // mkdtemp makes it 0700, which the server's user cannot pass when we are root.
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-postgres-'));
  });
  afterEach(async () => {
    await running?.stop();
    running = null;
    rmSync(directory, { recursive: true, force: true });
  });

  const start = async (dataDirectory = directory): Promise<EmbeddedPostgres> => {
    running = await startEmbeddedPostgres({ dataDirectory, clock: Date, random: randomBytes, log: silent });
    return running;
  };
  const pid = (): Promise<number> => serverPid(directory);

  it('is made, knows all letters, stops cleanly and starts again on the same data', async () => {
    const first = await start();
    const facts = await inspectDatabase(first.connection);
    expect(facts).to.include({ major: 18, encoding: 'UTF8' });
    if (process.platform === 'linux') expect(facts.ctype).to.equal('C.UTF-8');
    const server = await pid();
    await first.stop();
    expect(isAlive(server)).to.equal(false);
    await start();
    expect(await pid()).not.to.equal(server);
  });

  it('serves from a directory too deep for a socket path', async function () {
    if (process.platform !== 'linux') this.skip();
    const deep = join(directory, 'x'.repeat(60), 'y'.repeat(60));
    mkdirSync(deep, { recursive: true });
    const { connection } = await start(deep);
    expect((await inspectDatabase(connection)).major).to.equal(18);
  });

  it('comes back by itself when it is killed', async () => {
    const { connection } = await start();
    const killed = await pid();
    process.kill(killed, 'SIGKILL');
    // As long as the machine takes for it.
    for (const until = performance.now() + 50_000; ; ) {
      const answer = await inspectDatabase(connection).catch((error: unknown) => error);
      if (!(answer instanceof Error)) break;
      if (performance.now() > until) throw answer;
      await sleep(20);
    }
    expect(await pid()).not.to.equal(killed);
  });

  it('that outlived a killed gateway is found and replaced', async () => {
    const survivor = await leaveSurvivor(directory);
    expect(isAlive(survivor)).to.equal(true);
    await start();
    expect(isAlive(survivor)).to.equal(false);
  });

  it('recovers when gateway and server were both killed', async () => {
    const survivor = await leaveSurvivor(directory);
    process.kill(survivor, 'SIGKILL');
    const { connection } = await start();
    expect((await inspectDatabase(connection)).major).to.equal(18);
  });

  it('is not stopped by a pid file whose pid now belongs to another process', async () => {
    const survivor = await leaveSurvivor(directory);
    process.kill(survivor, 'SIGKILL');
    while (isAlive(survivor)) await sleep(10);
    await sleep(500); // its children need a moment to see that it is gone
    const path = join(directory, 'postgres', 'postmaster.pid');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^\d+/, String(process.pid)));
    await start();
    expect(isAlive(process.pid)).to.equal(true);
  });

  it('is made anew when the first start was interrupted', async () => {
    mkdirSync(join(directory, 'postgres.new'));
    writeFileSync(join(directory, 'postgres.new', 'half'), '');
    await start();
    expect(existsSync(join(directory, 'postgres.new'))).to.equal(false);
  });

  it('of another major version is refused with what to do', async () => {
    mkdirSync(join(directory, 'postgres'));
    writeFileSync(join(directory, 'postgres', 'PG_VERSION'), '17\n');
    await expectSentence(start(), 'Postgres 17');
  });

  it('whose files are incomplete is refused with what to do', async () => {
    mkdirSync(join(directory, 'postgres'));
    await expectSentence(start(), 'holds no complete database');
  });

  it('does not start from damaged files, and says why', async () => {
    await (await start()).stop();
    for (const lost of ['global/pg_control', 'pg_wal']) {
      renameSync(join(directory, 'postgres', lost), join(directory, 'lost'));
      await expectSentence(start(), 'does not start: its files are damaged, or some are missing; put');
      renameSync(join(directory, 'lost'), join(directory, 'postgres', lost));
    }
    await (await start()).stop();
  });

  it('that has no room for its words on a full disk is explained all the same', () => {
    const disk = { bavail: 1000, bsize: 4096, files: 100, ffree: 10 };
    const said = (...disks: (typeof disk)[]): string => explainFailure('does not start', unsaid(disks)).message;
    const full = 'The embedded database does not start: the disk is full; free some space and start again.';
    expect(said(disk, { ...disk, bavail: 200 })).to.equal(full);
    expect(said({ ...disk, ffree: 0 })).to.equal(full);
    expect(said({ ...disk, files: 0, ffree: 0 }), 'a file system that counts none').to.match(/gave no reason/);
    const few = 'FATAL:  insufficient file descriptors available to start server process';
    expect(explainFailure('does not start', few).message).to.contain('ulimit -n 1024');
    const shared = 'FATAL:  could not resize shared memory segment "/PostgreSQL.7" to 1048576 bytes: No space left on device';
    expect(explainFailure('does not start', shared).message).to.contain('/dev/shm');
  });

  it('keeps its log small on a small disk', () => {
    const sizes = (gib: number): string[] => {
      const { min_wal_size: least = '', max_wal_size: most = '' } = serverSettings(gib * 2 ** 30);
      return [least, most];
    };
    expect([0.25, 1, 4, 16, 40, 4000].map(sizes)).to.deep.equal([
      ['64MB', '64MB'],
      ['64MB', '64MB'],
      ['102MB', '102MB'],
      ['128MB', '409MB'],
      ['128MB', '1024MB'],
      ['128MB', '1024MB'],
    ]);
  });

  it('lets nobody in over the network', async () => {
    const { connection } = await start();
    const hba = readFileSync(join(directory, 'postgres', 'pg_hba.conf'), 'utf8');
    expect(hba.trim()).to.equal('local all all peer map=cloudstore');
    expect(
      await inspectDatabase({ ...connection, socketDirectory: '127.0.0.1' }).catch((error: unknown) => error),
    ).to.be.instanceOf(Error);
  });

  it('lets no other user in', async function () {
    if (process.getuid?.() !== 0) this.skip(); // only root can try as somebody else
    chmodSync(directory, 0o755);
    const { connection } = await start();
    chmodSync(connection.socketDirectory, 0o755);
    chmodSync(join(connection.socketDirectory, '.s.PGSQL.5432'), 0o777);
    // Even past the directory's mode and the socket's, the kernel names the caller.
    const program = `
      import pg from 'pg';
      const client = new pg.Client({ host: ${JSON.stringify(connection.socketDirectory)}, user: 'cloudstore', database: 'cloudstore' });
      process.stdout.write(await client.connect().then(() => 'in', (error) => error.message));
      process.exit(0);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: ROOT,
      uid: 65534,
      gid: 65534,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(child.stdout, 'data');
    expect(String(said)).to.contain('Peer authentication failed');
  });
});

/** Starts a server in a process that is then killed; gives the server's pid. */
async function leaveSurvivor(directory: string): Promise<number> {
  const program = `
    import { randomBytes } from 'node:crypto';
    const { startEmbeddedPostgres } = await import('#metadata/embedded-postgres');
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    await startEmbeddedPostgres({ dataDirectory: ${JSON.stringify(directory)}, clock: Date, random: randomBytes, log });
    process.kill(process.pid, 'SIGKILL');`;
  const child = spawn(process.execPath, [...NODE_ARGS, '--input-type=module', '-e', program], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await once(child, 'exit');
  return serverPid(directory);
}

async function expectSentence(promise: Promise<unknown>, words: string): Promise<void> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(isCloudStoreError(error), String(error)).to.equal(true);
  expect((error as Error).message).to.contain(words);
  expect((error as Error).message).not.to.contain('\n');
}
