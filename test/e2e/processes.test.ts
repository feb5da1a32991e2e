import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { postmasterPid, startGateway, type TestGateway } from '../support/gateway.ts';
import { within } from '../support/identity.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { diceOf, SEED } from '../support/random.ts';
import { doorsOf, send } from '../support/requests.ts';
import { workersOf } from '../support/workers.ts';

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false; // it closed between the two looks
    }
  }).length;
}
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await done()); tries++) {
    if (tries > 600) throw new Error(`It does not come: ${what}`);
    await sleep(50);
  }
}
const settings = (dataDir: string, processes: number): Record<string, string> => ({
  CLOUDSTORE_DATA_DIR: dataDir,
  CLOUDSTORE_PORT: '0',
  CLOUDSTORE_S3_PORT: '0',
  CLOUDSTORE_LOG_LEVEL: 'error',
  CLOUDSTORE_PROCESSES: String(processes),
});

describe(`several processes of one gateway (seed ${SEED})`, function () {
  this.timeout(120_000);
  let dataDir: string;
  let gateway: TestGateway;
  const start = async (processes: number): Promise<TestGateway> => {
    gateway = await startGateway({ dataDir, env: { CLOUDSTORE_PROCESSES: String(processes) } });
    return gateway;
  };
  /** How many serve; 0 when nobody can be asked. */
  const serving = async (): Promise<number> => {
    const answer = await send('GET', `${gateway.webUrl}/metrics`).catch(() => null);
    return Number(/^cloudstore_processes_count (\d+)/m.exec(answer?.body.toString() ?? '')?.[1] ?? 0);
  };
  before(function () {
    if (process.platform !== 'linux') this.skip(); // what is looked at of processes is Linux's
  });

  describe('two of them', () => {
    before(async () => {
      dataDir = mkdtempSync(join(tmpdir(), 'cloudstore-processes-'));
      await start(2);
      console.log(`      ready after ${gateway.readyAfterMs.toFixed(0)} ms`);
    });
    after(async () => {
      expect(await gateway.stop()).to.equal(0);
      expect(postmasterPid(dataDir)).to.equal(null);
      rmSync(dataDir, { recursive: true, force: true });
    });

    it('say once that they are ready, and both serve', async () => {
      expect(gateway.output().stdout.match(/^CloudStore is ready/gm)).to.have.length(1);
      const workers = workersOf(gateway.pid);
      expect(workers).to.have.length(2);
      const before = workers.map(socketsOf);
      const agent = new Agent({ keepAlive: true });
      // The kernel gives a connection to whoever is there first: on a busy machine that may be the same one for a while.
      const more = (): number[] => workers.map((pid, index) => socketsOf(pid) - before[index]!);
      for (let round = 1; round <= 20 && Math.min(...more()) <= 3; round++) {
        await Promise.all(Array.from({ length: 20 * round }, () => send('GET', `${gateway.webUrl}/livez`, { agent })));
      }
      expect(Math.min(...more()), `more sockets: ${more()}`).to.be.greaterThan(3);
      agent.destroy();
    });

    it('show at once what another has written, on every door', async () => {
      const { s3, dav, rest, login } = doorsOf(gateway);
      const token = JSON.parse((await login()).body.toString()).accessToken;
      const file = (key: string): string => `/files/${gateway.bucket}/${key}`;
      for (let round = 0; round < 40; round++) {
        const body = `round ${round} `.repeat(1 + (round % 3) * 600);
        const put = await [
          () => s3('PUT', 'shared', { body }),
          () => dav('PUT', 'shared', { body }),
          () => rest('PUT', file('shared'), token, { body }),
        ][round % 3]!();
        expect(put.status).to.be.oneOf([200, 201, 204]);
        const answers = await Promise.all([
          s3('GET', 'shared'),
          s3('GET', 'shared'),
          dav('GET', 'shared'),
          dav('GET', 'shared'),
          rest('GET', file('shared'), token),
          rest('GET', file('shared'), token),
        ]);
        for (const answer of answers) expect(answer.body.toString()).to.equal(body);
        expect(new Set(answers.map(({ headers }) => headers.etag)).size).to.equal(1);
        const listed = await dav('PROPFIND', '', { headers: { depth: '1' } });
        expect(listed.body.toString()).to.contain(`<d:getcontentlength>${body.length}</d:getcontentlength>`);
        if (round % 8 === 7) {
          expect((await s3('DELETE', 'shared')).status).to.equal(204);
          for (const gone of await Promise.all([s3('GET', 'shared'), dav('GET', 'shared'), s3('HEAD', 'shared')]))
            expect(gone.status).to.equal(404);
        }
      }
    });

    it('decide conditions and locks as one', async () => {
      const { s3, dav } = doorsOf(gateway);
      for (let round = 0; round < 5; round++) {
        const made = await Promise.all(
          Array.from({ length: 12 }, (_, n) => s3('PUT', `once/${round}`, { body: `${n}`, headers: { 'if-none-match': '*' } })),
        );
        expect(made.filter(({ status }) => status === 200)).to.have.length(1);
      }
      const lock =
        '<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockinfo>';
      const locked = await Promise.all(Array.from({ length: 6 }, () => dav('LOCK', 'once/0', { body: lock })));
      expect(locked.filter(({ status }) => status === 200)).to.have.length(1);
      const writes = await Promise.all(Array.from({ length: 6 }, () => s3('PUT', 'once/0', { body: 'x' })));
      expect(writes.filter(({ status }) => status === 200)).to.have.length(0);
    });

    it('end a user’s access within a second, on every connection of each', async () => {
      const added = await cloudstore(['user', 'add', 'leaving', '--role', 'member', '--key', '--json'], {
        env: settings(dataDir, 2),
      });
      const user = JSON.parse(added.stdout);
      const keys = { accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey };
      const agent = new Agent({ keepAlive: true });
      const { login } = doorsOf(gateway);
      const token = JSON.parse((await login('leaving', user.password)).body.toString()).accessToken;
      const basic = `Basic ${Buffer.from(`leaving:${user.password}`).toString('base64')}`;
      const ask = async (): Promise<number[]> => {
        const bucket = user.bucket as string;
        const calls = Array.from({ length: 8 }, () => [
          send('GET', presign('GET', `${gateway.s3Url}/${bucket}`, keys, new Date()), { agent }),
          send('PROPFIND', `${gateway.webdavUrl}${bucket}/`, { agent, headers: { authorization: basic, depth: '0' } }),
          send('GET', `${gateway.restUrl}/files/${bucket}/`, { agent, headers: { authorization: `Bearer ${token}` } }),
        ]).flat();
        return (await Promise.all(calls)).map(({ status }) => status);
      };
      for (let n = 0; n < 3; n++) for (const status of await ask()) expect(status).to.be.oneOf([200, 207]);
      const disabled = await cloudstore(['user', 'disable', 'leaving'], { env: settings(dataDir, 2) });
      expect(disabled.code, disabled.stderr).to.equal(0);
      const refused = (status: number): boolean => [401, 403].includes(status);
      await within(async () => (await ask()).every(refused));
      expect(
        (await ask()).filter((status) => !refused(status)),
        'and stays so',
      ).to.deep.equal([]);
      agent.destroy();
    });

    it('count wrong passwords together', async () => {
      const { login } = doorsOf(gateway);
      const statuses: number[] = [];
      for (let n = 0; n < 16; n++) statuses.push((await login('nobody', `wrong ${n}`)).status);
      expect(statuses).to.deep.equal([...Array(10).fill(401), ...Array(6).fill(429)]);
    });

    it('tell subscribers of each what any has written', async () => {
      const { s3, login } = doorsOf(gateway);
      const token = JSON.parse((await login()).body.toString()).accessToken;
      const sockets = await Promise.all(
        Array.from({ length: 6 }, async () => {
          const socket = new WebSocket(`${gateway.webUrl.replace('http', 'ws')}/ws`);
          const events: string[] = [];
          const subscribed = Promise.withResolvers<void>();
          socket.addEventListener('message', ({ data }) => {
            const message = JSON.parse(String(data));
            if (message.type === 'subscribed') subscribed.resolve();
            if (message.type === 'event') events.push(message.key);
          });
          socket.addEventListener('open', () => {
            socket.send(JSON.stringify({ type: 'auth', token }));
            socket.send(JSON.stringify({ type: 'subscribe', bucket: gateway.bucket, prefix: 'told/' }));
          });
          await subscribed.promise;
          return { socket, events };
        }),
      );
      const keys = Array.from({ length: 12 }, (_, n) => `told/${String(n).padStart(2, '0')}`);
      for (const key of keys) expect((await s3('PUT', key, { body: key })).status).to.equal(200);
      await until('every event on every socket', () => sockets.every(({ events }) => events.length >= keys.length));
      for (const { socket, events } of sockets) {
        expect(events).to.deep.equal(keys);
        socket.close();
      }
    });

    it('are one in /metrics and in health, also when one of them was killed', async () => {
      const { s3 } = doorsOf(gateway);
      const count = async (): Promise<number> => {
        const text = (await send('GET', `${gateway.webUrl}/metrics`)).body.toString();
        return Number(/^cloudstore_requests_total\{protocol="s3",op="PutObject",code="200"\} (\d+)/m.exec(text)?.[1]);
      };
      const before = await count();
      for (let n = 0; n < 10; n++) await s3('PUT', `counted/${n}`, { body: 'x' });
      // An answer is counted once it has left, which may be after it has come.
      await until('all ten counted', async () => (await count()) === before + 10);
      for (let n = 0; n < 4; n++) expect(await count()).to.equal(before + 10);
      const [first] = workersOf(gateway.pid);
      process.kill(first!, 'SIGKILL');
      await until('another in its place', async () => !workersOf(gateway.pid).includes(first!) && (await serving()) === 2);
      expect(await count()).to.equal(before + 10);
      for (let n = 0; n < 4; n++) expect((await send('GET', `${gateway.webUrl}/readyz`)).status).to.equal(200);
    });

    it('serve on the same ports when all of them were killed at once', async () => {
      const { s3 } = doorsOf(gateway);
      expect((await s3('PUT', 'survives', { body: 'all' })).status).to.equal(200);
      const killed = workersOf(gateway.pid);
      for (const pid of killed) process.kill(pid, 'SIGKILL');
      await until('two others', () => workersOf(gateway.pid).filter((pid) => !killed.includes(pid)).length === 2);
      await until('an answer', () =>
        s3('GET', 'survives').then(
          ({ body }) => body.toString() === 'all',
          () => false,
        ),
      );
    });

    it('drain one that is told to end, and put another in its place', async () => {
      const { s3 } = doorsOf(gateway);
      await until('both', async () => (await serving()) === 2);
      expect((await s3('PUT', 'stays', { body: 'x' })).status).to.equal(200);
      const [first] = workersOf(gateway.pid);
      process.kill(first!, 'SIGTERM');
      const answers: (number | string)[] = [];
      await until('another in its place', async () => {
        const failed = (error: NodeJS.ErrnoException): string => error.code ?? error.message;
        answers.push(await s3('GET', 'stays').then(({ status }) => status, failed));
        return !workersOf(gateway.pid).includes(first!) && (await serving()) === 2;
      });
      expect([...new Set(answers)]).to.deep.equal([200]);
      expect(isAlive(first!)).to.equal(false);
    });
  });

  describe('three of them', () => {
    before(async () => {
      dataDir = mkdtempSync(join(tmpdir(), 'cloudstore-processes-'));
      await start(3);
    });
    after(async () => {
      if (gateway.process.exitCode === null && gateway.process.signalCode === null) await gateway.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });

    /** What each key may hold now: one body, or two when an answer did not come; null is nothing. */
    const expected = new Map<string, (string | null)[]>();
    const dice = diceOf(SEED);
    let acknowledged = 0;

    /** Writes on keys of its own, through any door, until told to stop; a connection that breaks is no answer. */
    async function write(writer: number, running: () => boolean): Promise<void> {
      const { s3, dav } = doorsOf(gateway);
      for (let n = 0; running(); n++) {
        const key = `work/${writer}-${dice.below(12)}`;
        const known = expected.get(key) ?? [null];
        const size = dice.pick([10, 900, 3_000, 70_000, 700_000]);
        const body = `${writer} ${n} `.repeat(Math.ceil(size / 8)).slice(0, size);
        const remove = dice.below(6) === 0;
        const [door, wanted] = [dice.pick([s3, dav]), remove ? null : body];
        expected.set(key, [...known, wanted]);
        const status = await (remove ? door('DELETE', key) : door('PUT', key, { body })).then(
          (answer) => answer.status,
          () => 0,
        );
        if (status >= 200 && status < 300) {
          expected.set(key, [wanted]);
          acknowledged++;
        } else if (status === 404 && remove) expected.set(key, [null]);
        else if (status === 0) await sleep(20);
      }
    }
    async function expectAll(): Promise<void> {
      const { s3 } = doorsOf(gateway);
      for (const [key, bodies] of expected) {
        const { status, body } = await s3('GET', key);
        const found = status === 404 ? null : body.toString();
        expect(status, key).to.be.oneOf([200, 404]);
        expect(bodies.includes(found), `${key} holds what was acknowledged last, or what had no answer`).to.equal(true);
        expected.set(key, [found]);
      }
    }

    it('lose nothing acknowledged while one after the other is killed, and go on', async () => {
      let running = true;
      const writers = Array.from({ length: 6 }, (_, writer) => write(writer, () => running));
      for (let kill = 0; kill < 5; kill++) {
        await until('two of them', async () => (await serving()) >= 2);
        await sleep(dice.below(300));
        process.kill(dice.pick(workersOf(gateway.pid)), 'SIGKILL');
      }
      await until('all three again', async () => (await serving()) === 3);
      running = false;
      await Promise.all(writers);
      console.log(`      ${acknowledged} acknowledged`);
      expect(acknowledged).to.be.greaterThan(20);
      await expectAll();
    });

    it('lose nothing acknowledged when the first process is killed, and end by themselves', async () => {
      const before = acknowledged;
      let running = true;
      const writers = Array.from({ length: 6 }, (_, writer) => write(writer, () => running));
      await until('some more', () => acknowledged > before + 20);
      const workers = workersOf(gateway.pid);
      await gateway.kill({ database: false });
      running = false;
      await Promise.all(writers);
      expect(acknowledged).to.be.greaterThan(before);
      await until('that they end', () => !workers.some(isAlive));
      // The ports are free, and so is the directory.
      await start(3);
      await expectAll();
      expect(readdirSync(join(dataDir, 'packs', 'open'))).to.have.length(0);
    });

    it('of a killed gateway are waited for, also one that hangs, before their packs are touched', async () => {
      const [hanging] = workersOf(gateway.pid);
      const server = postmasterPid(dataDir);
      process.kill(hanging!, 'SIGSTOP');
      let next: Promise<TestGateway>;
      try {
        await gateway.kill({ database: false });
        const owner = (): string => readFileSync(join(dataDir, 'owner.json'), 'utf8');
        const before = owner();
        next = start(3);
        await until('that the next one has the directory', () => owner() !== before);
        await sleep(2500);
        expect(isAlive(server ?? 0), 'the old server').to.equal(true);
        expect(isAlive(hanging!)).to.equal(true);
      } finally {
        process.kill(hanging!, 'SIGCONT'); // it finds the channel broken, and ends
      }
      await next;
      expect(isAlive(hanging!)).to.equal(false);
      await expectAll();
    });

    it('let transfers end before they stop, on each of them, however often they are told to', async () => {
      const total = 4 * 2 ** 20;
      const uploads = Array.from({ length: 6 }, (_, n) => {
        const url = new URL(presign('PUT', `${gateway.s3Url}/${gateway.bucket}/slow/${n}`, gateway, new Date()));
        const headers = { 'content-length': total, expect: '100-continue' };
        const upload = request(url, { method: 'PUT', agent: false, headers });
        upload.flushHeaders();
        return upload;
      });
      // Each has begun once its bytes are wanted.
      await Promise.all(uploads.map((upload) => once(upload, 'continue')));
      for (const [n, upload] of uploads.entries()) upload.write(Buffer.alloc(total / 2, n));
      const workers = workersOf(gateway.pid);
      // As Ctrl-C in a terminal does: to all of them.
      for (let n = 0; n < 3; n++) {
        for (const pid of [gateway.pid, ...workers]) process.kill(pid, 'SIGINT');
        await sleep(100);
      }
      expect(gateway.process.exitCode).to.equal(null);
      const answers = uploads.map((upload) => once(upload, 'response'));
      for (const [n, upload] of uploads.entries()) upload.end(Buffer.alloc(total / 2, n));
      for (const answer of answers) {
        const [response] = await answer;
        expect(response.statusCode).to.equal(200);
        response.resume();
      }
      if (gateway.process.exitCode === null) await once(gateway.process, 'exit');
      expect(gateway.process.exitCode).to.equal(0);
      expect(workers.filter(isAlive)).to.deep.equal([]);
      expect(postmasterPid(dataDir)).to.equal(null);
      await start(1);
      const { s3 } = doorsOf(gateway);
      for (const n of uploads.keys()) expect((await s3('GET', `slow/${n}`)).body.equals(Buffer.alloc(total, n))).to.equal(true);
    });
  });

  describe('that cannot start', () => {
    before(() => {
      dataDir = mkdtempSync(join(tmpdir(), 'cloudstore-processes-'));
    });
    after(() => rmSync(dataDir, { recursive: true, force: true }));

    it('say in one line which port is busy, and leave nothing running', async () => {
      const { createServer } = await import('node:net');
      const busy = createServer().listen(0, '127.0.0.1');
      await once(busy, 'listening');
      const { port } = busy.address() as { port: number };
      const env = { ...settings(dataDir, 2), CLOUDSTORE_PORT: String(port) };
      const { code, stderr, stdout } = await cloudstore(['serve'], { env });
      busy.close();
      expect(code).to.equal(1);
      expect(stderr.trim().split('\n'), stderr).to.have.length(1);
      expect(stderr).to.contain(`Port ${port}`).and.contain('CLOUDSTORE_PORT');
      expect(stdout).to.equal('');
      expect(postmasterPid(dataDir)).to.equal(null);
    });

    it('are refused in one line when they are more than 16', async () => {
      const { code, stderr } = await cloudstore(['serve'], { env: settings(dataDir, 17) });
      expect([code, stderr.trim().split('\n')]).to.deep.equal([
        2,
        ['cloudstore: CLOUDSTORE_PROCESSES must be 1 to 16 (it is "17").'],
      ]);
    });
  });
});
