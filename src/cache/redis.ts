import { Cluster, Redis } from 'ioredis';
import type { Cache } from '#contracts/cache';
import type { Logger } from '#contracts/observability';
import type { Clock } from '#core/clock';
import { createMemoryCache } from './memory.ts';

export interface RedisCacheOptions {
  /** `redis://` or `rediss://`; several with commas are nodes of one Cluster. */
  url: string;
  clock: Clock;
  log: Logger;
  /** How long an answer is waited for. Default 50, the contract's promise to callers. */
  answerMsMax?: number;
}

const ANSWER_MS_MAX = 50;
/** After a failure Redis is left alone this long, so that a hung one costs 50 ms now and then and not at every call. */
const PAUSE_MS = 500;
/** After it refused a change it is asked for none this long: near its limit it takes one and refuses the next. */
const REFUSED_MS = 30_000;
const RECONNECT_MS_MAX = 2_000;
const PREFIX = 'cloudstore:';
const REFUSED = Symbol('refused');

/** One step, so that a counter without an end cannot be left behind. */
const INCREMENT = `local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return n`;

/**
 * Redis, or its Cluster, with memory behind it: while it is away values and counts are this process's own. Nothing here throws, and
 * nothing waits for a connection; it comes back by itself. One that is full, or takes no changes, is read only where this process has nothing newer.
 */
export function createRedisCache({ url, clock, log, answerMsMax = ANSWER_MS_MAX }: RedisCacheOptions): Cache {
  const memory = createMemoryCache({ clock });
  const redis = connect(url, answerMsMax);
  let away = false;
  let pausedAt = Number.NEGATIVE_INFINITY;
  let refusing = false;
  let refusedAt = Number.NEGATIVE_INFINITY;

  redis.on('error', (error: Error) => failed(error));
  redis.on('ready', () => {
    pausedAt = Number.NEGATIVE_INFINITY;
    if (away) log.info({}, 'Redis answers again.');
    away = false;
  });

  function failed(error: unknown): void {
    pausedAt = clock.now();
    if (away) return;
    away = true;
    log.warn({ error: String(error) }, 'Redis does not answer; this process goes on with its own memory.');
  }

  async function attempt<T>(command: () => Promise<T>, otherwise: () => Promise<T>): Promise<T> {
    if (redis.status !== 'ready' || Math.abs(clock.now() - pausedAt) < PAUSE_MS) return otherwise();
    try {
      const result = await within(command(), answerMsMax);
      if (away) {
        away = false;
        log.info({}, 'Redis answers again.');
      }
      return result;
    } catch (error) {
      failed(error);
      return otherwise();
    }
  }

  /** As `attempt`, of what Redis may refuse while it answers everything else. */
  async function change<T>(command: () => Promise<T>, otherwise: () => Promise<T>): Promise<T> {
    if (refusing && Math.abs(clock.now() - refusedAt) < REFUSED_MS) return otherwise();
    const result = await attempt<T | typeof REFUSED>(async () => {
      try {
        const done = await command();
        if (refusing) log.info({}, 'Redis takes changes again.');
        refusing = false;
        return done;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        if (!refusing) log.warn({ error: String(error) }, 'Redis takes no changes; this process keeps them in its own memory.');
        refusing = true;
        refusedAt = clock.now();
        return REFUSED;
      }
    }, otherwise);
    return result === REFUSED ? otherwise() : result;
  }

  async function forget(key: string): Promise<void> {
    await attempt(
      async () => void (await redis.del(PREFIX + key)),
      async () => undefined,
    );
  }

  return {
    async get(key) {
      const newer = refusing ? await memory.get(key) : null;
      return (
        newer ??
        attempt(
          () => redis.getBuffer(PREFIX + key),
          () => memory.get(key),
        )
      );
    },
    set: (key, value, ttlMs) =>
      change(
        async () => void (await redis.set(PREFIX + key, Buffer.from(value), 'PX', Math.max(1, Math.round(ttlMs)))),
        async () => {
          await memory.set(key, value, ttlMs);
          if (refusing) await forget(key); // what it has there is older
        },
      ),
    async remove(key) {
      await memory.remove(key);
      await forget(key);
    },
    increment: (key, windowMs) =>
      change(
        async () => Number(await redis.eval(INCREMENT, 1, PREFIX + key, String(Math.max(1, Math.round(windowMs))))),
        () => memory.increment(key, windowMs),
      ),
    async close() {
      redis.disconnect();
      await memory.close();
    },
  };
}

/** It is full, a copy of another, cannot save, or does not let this user. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /^(OOM|READONLY|MISCONF|NOREPLICAS|NOPERM) /.test(error.message);
}

function connect(text: string, answerMsMax: number): Redis | Cluster {
  const urls = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const retryStrategy = (times: number): number => Math.min(RECONNECT_MS_MAX, times * 100);
  const options = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    commandTimeout: answerMsMax,
    retryStrategy,
    // After a failover the one that has become a copy is still connected; by its name the new one is found.
    reconnectOnError: ({ message }: Error) => message.startsWith('READONLY '),
  };
  const [first = ''] = urls;
  if (urls.length <= 1) return new Redis(first, options);
  const { username, password, protocol } = new URL(first);
  const { retryStrategy: _, enableOfflineQueue, ...node } = options;
  return new Cluster(urls, {
    enableOfflineQueue,
    clusterRetryStrategy: retryStrategy,
    redisOptions: {
      ...node,
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
    },
  });
}

/** A Cluster may try several nodes, each with a time of its own: the caller waits no longer for that. */
function within<T>(command: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer in time')), ms);
    command.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
