import cluster, { type Worker } from 'node:cluster';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { answerCacheCall, type CacheCall } from '#cache/remote';
import type { Cache } from '#contracts/cache';
import type { Logger } from '#contracts/observability';
import type { Clock } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { lastingSnapshot, type MetricsSnapshot, type ProcessMetrics, renderSnapshots } from '#observability/metrics';
import type { Config } from './config/load.ts';
import { closeUnconfirmed } from './handed-over.ts';
import { createPeer, fromWire, type Peer, type WireError } from './peer.ts';
import type { Board } from './process-role.ts';
import type { Others } from './shared-packs.ts';

export interface WorkersOptions {
  config: Config;
  version: string;
  processes: number;
  /** Whose counters the workers share, unless they have a Redis. */
  cache: Cache;
  metrics: ProcessMetrics;
  clock: Clock;
  log: Logger;
  /** A worker that had registered under this number is dead. Resolves when what it had sent to the database has ended, too. */
  gone(gateway: number): Promise<void>;
  board: Board | null;
}

/** The processes that serve, as the first one sees them; wired like the listeners of a single process. */
export interface Workers extends Others {
  /** Resolves when all of them accept. @throws what kept the first of them from starting, with none left running */
  listen(): Promise<Addresses>;
  /** Lets each drain, and resolves when all have ended. Calling it again gives the same promise. */
  drain(ms: number): Promise<void>;
  /** They are at work, as far as the machine's load tells. */
  busy(): boolean;
}

export interface Addresses {
  s3: AddressInfo;
  web: AddressInfo;
}

/** What a worker is told when it asks how to begin. */
export interface WorkerOrders {
  config: Config;
  version: string;
  number: number;
  processes: number;
  /** Its memory lies behind the descriptor where `joinBoard` looks for it. */
  board: boolean;
}

interface Running {
  worker: Worker;
  peer: Peer;
  /** Its registration in the database; null before it has one. */
  gateway: number | null;
  ready: boolean;
  /** What it had counted when it was last asked. */
  counted: MetricsSnapshot;
  /** Settles with how it ended. */
  ended: Promise<string>;
}

const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5_000;
/** One that served so long has not ended for what ended its predecessor. */
const STABLE_MS = 60_000;
/** After a drain: sealing packs, closing the database. */
const CLOSE_MS_MAX = 10_000;
const SNAPSHOT_MS_MAX = 1_000;
/** For what takes a disk access or two. */
const ANSWER_MS_MAX = 10_000;
const PORT_ATTEMPTS = 5;

/**
 * Starts the workers and starts one again when it ends unasked. They share the two ports: this process accepts and hands each connection to a
 * worker that is free (docs/adr/0015); what it does besides must never keep it busy for long.
 */
export function createWorkers(options: WorkersOptions): Workers {
  const { processes, board, clock, log, metrics } = options;
  const running = new Map<number, Running>();
  const restarts = new Set<NodeJS.Timeout>();
  let departed: MetricsSnapshot = [];
  let config = options.config;
  let stopping = false;
  let drained: Promise<void> | null = null;

  metrics.gauge(
    'cloudstore_processes_count',
    'Processes that serve.',
    () => [...running.values()].filter((one) => one.ready).length,
  );
  cluster.schedulingPolicy = cluster.SCHED_RR;

  /** Settles when it accepts, or with why it does not. */
  function start(number: number): { ready: Promise<Addresses>; ended: Promise<string> } {
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('./worker.ts', import.meta.url)),
      args: [`${number}`], // for whoever looks at the list of processes
      execArgv: process.execArgv,
      serialization: 'advanced',
      ...(board === null ? {} : { stdio: ['inherit', 'inherit', 'inherit', 'ipc', board.memory.fd] }),
    });
    const worker = cluster.fork();
    closeUnconfirmed(worker.process);
    const ready = Promise.withResolvers<Addresses>();
    ready.promise.catch(() => undefined); // whoever waits hears of it; a restart logs it
    const orders: WorkerOrders = { config, version: options.version, number, processes, board: board !== null };
    const peer = createPeer(worker.process, {
      begin: () => orders,
      registered: (gateway: number) => void (one.gateway = gateway),
      ready(addresses: Addresses) {
        one.ready = true;
        ready.resolve(addresses);
      },
      failed: (why: WireError) => ready.reject(fromWire(why)),
      cache: (call: CacheCall) => answerCacheCall(options.cache, call),
      metrics: () => render(),
    });
    const ended = new Promise<string>((resolve) => {
      worker.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      worker.once('error', (error) => worker.process.pid === undefined && resolve(error.message)); // it could not be started at all
    }).then(async (how) => {
      running.delete(number);
      ready.reject(new CloudStoreError('unavailable', `A process of this gateway ended before it was ready (${how}).`));
      departed = await lastingSnapshot([departed, one.counted]);
      await signOff(one).then(
        () => board?.changes.buried(number),
        (err: unknown) => log.warn({ err }, 'a dead process could not be signed off'),
      );
      return how;
    });
    const one: Running = { worker, peer, gateway: null, ready: false, counted: [], ended };
    running.set(number, one);
    return { ready: ready.promise, ended };
  }

  async function signOff({ gateway }: Running): Promise<void> {
    if (gateway !== null) await options.gone(gateway);
  }

  /** Keeps one number running: whenever its process ends unasked there is a new one, after pauses that grow while none stays. */
  function keep(number: number, ended: Promise<string>, since: number, pauseMs: number): void {
    void ended.then((how) => {
      if (stopping) return;
      const pause = clock.now() - since > STABLE_MS ? RESTART_MS_MIN : pauseMs;
      log.error({ process: number, how, pauseMs: pause }, 'a process of this gateway ended; starting it again');
      const timer = setTimeout(() => {
        restarts.delete(timer);
        const next = start(number);
        next.ready.then(
          () => log.info({ process: number }, 'the process serves again'),
          (err: unknown) => log.error({ err, process: number }, 'a process of this gateway does not start'),
        );
        keep(number, next.ended, clock.now(), Math.min(RESTART_MS_MAX, pause * 2));
      }, pause);
      restarts.add(timer);
    });
  }

  async function startAll(): Promise<Addresses> {
    const numbers = Array.from({ length: processes }, (_, index) => index + 1);
    const started = numbers.map((number) => ({ number, ...start(number) }));
    try {
      const [addresses] = await Promise.all(started.map(({ ready }) => ready));
      for (const { number, ended } of started) keep(number, ended, clock.now(), RESTART_MS_MIN);
      return addresses!;
    } catch (error) {
      for (const { worker } of running.values()) worker.process.kill('SIGKILL');
      await Promise.all(started.map(({ ended }) => ended));
      throw error;
    }
  }

  async function render(): Promise<string> {
    const parts = [...running.values()].map(async (one) => {
      // One that is busy is told for by what it said before: its sums must not sink.
      one.counted = await one.peer.ask<MetricsSnapshot>('metrics', null, SNAPSHOT_MS_MAX).catch(() => one.counted);
      return one.counted;
    });
    return renderSnapshots([await metrics.snapshot(), departed, ...(await Promise.all(parts))]);
  }

  async function drainAll(ms: number): Promise<void> {
    stopping = true;
    for (const timer of restarts) clearTimeout(timer);
    const left = [...running.values()];
    for (const { peer } of left) peer.ask('drain').catch(() => undefined); // it has ended by itself
    const late = setTimeout(() => {
      log.error({ processes: [...running.keys()] }, 'processes do not end; they are killed');
      for (const { worker } of running.values()) worker.process.kill('SIGKILL');
    }, ms + CLOSE_MS_MAX);
    await Promise.all(left.map(({ ended }) => ended));
    clearTimeout(late);
  }

  return {
    async all<T>(what: string, value?: unknown) {
      const ready = [...running.values()].filter((one) => one.ready);
      const answers = await Promise.allSettled(ready.map(({ peer }) => peer.ask<T>(what, value, ANSWER_MS_MAX)));
      return answers.filter((answer) => answer.status === 'fulfilled').map((answer) => answer.value);
    },
    busy: () => loadavg()[0]! > availableParallelism() / 2,
    async listen() {
      for (let attempt = 1; ; attempt++) {
        config = await withPorts(options.config);
        try {
          return await startAll();
        } catch (error) {
          // A port that was free a moment ago was taken meanwhile.
          const busy = isCloudStoreError(error) ? error.details.port : undefined;
          const { 's3-port': s3, port: web } = options.config.values;
          const chosen = [s3 === 0 && config.values['s3-port'], web === 0 && config.values.port].includes(busy as number);
          if (!chosen || attempt === PORT_ATTEMPTS) throw error;
        }
      }
    },
    drain(ms) {
      drained ??= drainAll(ms);
      return drained;
    },
  };
}

/** With free ports in place of 0: workers that start again later must find the same ones, also when all of them had ended. */
async function withPorts(config: Config): Promise<Config> {
  const { host, 's3-port': s3, port: web } = config.values;
  if (s3 !== 0 && web !== 0) return config;
  const probes = await Promise.all([probe(host), probe(host)]);
  const [s3Free, webFree] = probes.map(({ port }) => port);
  await Promise.all(probes.map(({ close }) => close()));
  return { ...config, values: { ...config.values, 's3-port': s3 || (s3Free ?? 0), port: web || (webFree ?? 0) } };
}

/** A free port, or 0 where a worker will say what is wrong with the host. */
function probe(host: string): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve({ port: 0, close: async () => undefined }));
    server.listen({ port: 0, host }, () => {
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      resolve({ port, close: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
