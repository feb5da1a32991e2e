import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { createRedisCache } from '#cache/redis';
import type { Logger } from '#contracts/observability';
import { describeCache } from '../../conformance/cache.ts';
import { quiet } from '../../support/database.ts';
import { requireProgram } from '../../support/programs.ts';
import { startRedis } from '../../support/redis.ts';

let setBackMs = 0;
const clock = { now: () => Date.now() - setBackMs };

describe('redis cache', () => {
  requireProgram('redis-server');
  let server: ChildProcess | null = null;
  let port: number | undefined;
  const connect = (more: { answerMsMax?: number; log?: Logger } = {}) =>
    createRedisCache({ url: `redis://127.0.0.1:${port}`, clock, log: quiet, ...more });

  async function start(): Promise<void> {
    ({ port, process: server } = await startRedis(tmpdir(), port));
  }
  async function stop(): Promise<void> {
    if (server === null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    server = null;
  }
  async function connected(cache: ReturnType<typeof connect>, other: ReturnType<typeof connect>): Promise<void> {
    for (let i = 0; i < 200; i++) {
      const key = `connected ${i}`;
      await cache.set(key, Buffer.from('x'), 1000);
      if ((await other.get(key)) !== null) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('Redis was not reached');
  }

  before(start);
  after(stop);

  describeCache('redis', async () => {
    // What Redis answers, however soon the machine lets it.
    const [cache, other] = [connect({ answerMsMax: 10_000 }), connect()];
    await connected(cache, other);
    await other.close();
    return cache;
  });

  it('never throws and never waits while Redis is away, and comes back by itself', async function () {
    this.timeout(15_000);
    const [cache, other] = [connect(), connect()];
    await connected(cache, other);
    await stop();
    await cache.set('k', Buffer.from('v'), 10_000); // it may be the first to see that the connection is gone
    // Whoever waits for a socket or a timer lets this come before.
    let waited = false;
    const next = setImmediate(() => (waited = true));
    for (let i = 1; i <= 20; i++) {
      await cache.set('k', Buffer.from('v'), 10_000);
      expect(String(await cache.get('k'))).to.equal('v');
      expect(await cache.increment('n', 10_000)).to.equal(i);
    }
    await cache.remove('k');
    expect(await cache.get('k')).to.equal(null);
    expect(waited).to.equal(false);
    clearImmediate(next);
    await start();
    await connected(cache, other);
    await Promise.all([cache.close(), other.close()]);
  });

  it('comes back to one that hung, though the clock was set back meanwhile', async function () {
    this.timeout(15_000);
    const [cache, other] = [connect(), connect()];
    await connected(cache, other);
    server!.kill('SIGSTOP');
    await cache.remove('nothing');
    server!.kill('SIGCONT');
    setBackMs = 3_600_000;
    let seen: Buffer | null = null;
    for (let i = 0; i < 100 && seen === null; i++) {
      await cache.set('set back', Buffer.from('x'), 10_000);
      seen = await other.get('set back');
      await sleep(20);
    }
    setBackMs = 0;
    expect(String(seen)).to.equal('x');
    await Promise.all([cache.close(), other.close()]);
  });

  it('keeps what a full Redis refuses in its own memory, says so once, and tries again later', async function () {
    this.timeout(30_000);
    const said: string[] = [];
    const heard = {
      ...quiet,
      warn: (_: object, text: string) => said.push(text),
      info: (_: object, text: string) => said.push(text),
    };
    const [cache, other] = [connect({ log: heard, answerMsMax: 10_000 }), connect({ answerMsMax: 10_000 })];
    const admin = new Redis(port!);
    await connected(cache, other);
    await cache.set('older', Buffer.from('1'), 60_000);
    await cache.set('kept', Buffer.from('1'), 60_000);
    said.length = 0;
    await admin.config('SET', 'maxmemory', '1');
    try {
      for (let n = 1; n <= 3; n++) {
        await cache.set('older', Buffer.from('2'), 60_000);
        expect(await cache.increment('full', 60_000)).to.equal(n);
        // Nothing is asked of it for half a second after it failed to answer; that it refused is no such failure.
        expect(String(await cache.get('kept'))).to.equal('1');
        expect(String(await cache.get('older'))).to.equal('2');
        await sleep(600);
      }
      expect(said).to.deep.equal(['Redis takes no changes; this process keeps them in its own memory.']);
      expect(await other.get('older')).to.equal(null);
      await admin.config('SET', 'maxmemory', '0');
      setBackMs = -60_000;
      await cache.set('older', Buffer.from('3'), 60_000);
      expect(String(await other.get('older'))).to.equal('3');
      expect(said.slice(1)).to.deep.equal(['Redis takes changes again.']);
    } finally {
      setBackMs = 0;
      await admin.config('SET', 'maxmemory', '0');
      admin.disconnect();
      await Promise.all([cache.close(), other.close()]);
    }
  });

  it('gives up on a Redis that hangs', async () => {
    const hanging = createServer((socket) => socket.on('error', () => undefined));
    hanging.listen(0, '127.0.0.1');
    await once(hanging, 'listening');
    const address = hanging.address();
    const url = `redis://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const cache = createRedisCache({ url, clock, log: quiet });
    for (let i = 0; i < 5; i++)
      expect(await Promise.race([cache.get('x'), sleep(5_000, 'it waits', { ref: false })])).to.equal(null);
    await cache.close();
    hanging.close();
  });
});
