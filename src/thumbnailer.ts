import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Logger } from '#contracts/observability';
import type { ThumbnailMaker } from '#contracts/thumbnails';
import { CloudStoreError } from '#core/errors';
import type { ThumbnailJob, ThumbnailResult } from './thumbnail-child.ts';

export interface ThumbnailerOptions {
  log: Logger;
  /** Defaults are for people; tests shorten them. */
  jobMs?: number;
  idleMs?: number;
  waitingMax?: number;
  /** What the child runs. */
  program?: URL;
}

interface Waiting {
  image: Buffer;
  size: number;
  resolve(thumbnail: Buffer | null): void;
  reject(error: unknown): void;
}

const JOB_MS = 15_000;
const START_MS = 15_000;
const IDLE_MS = 60_000;
/** More than a screen shows; beyond it a client asks again. */
const WAITING_MAX = 200;
const PROGRAM = new URL('./thumbnail-child.ts', import.meta.url);

/**
 * The contract is ThumbnailMaker: one child that takes one picture at a time, begun with the first and ended when nobody asks any more. One that takes too long, or
 * dies over a picture, is killed, and the picture counts as none.
 */
export function createThumbnailer(options: ThumbnailerOptions): ThumbnailMaker {
  const { log, jobMs = JOB_MS, idleMs = IDLE_MS, waitingMax = WAITING_MAX, program = PROGRAM } = options;
  const waiting: Waiting[] = [];
  let child: Promise<ChildProcess> | null = null;
  let running: ChildProcess | null = null;
  let busy = false;
  let closed = false;
  let idle: NodeJS.Timeout | undefined;
  let lastId = 0;

  function start(): Promise<ChildProcess> {
    const made = fork(program, [], {
      serialization: 'advanced',
      // Settings and secrets of the gateway are none of its.
      env: {},
      execArgv: [
        '--disable-warning=ExperimentalWarning',
        '--permission',
        '--allow-addons',
        '--allow-fs-read=*',
        '--max-old-space-size=128',
      ],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    running = made;
    made.on('error', (err) => log.warn({ err }, 'the process that makes thumbnails failed'));
    made.once('exit', () => {
      if (running === made) leave();
    });
    return ready(made);
  }

  /** The next picture gets another child: this one ends, and what comes of it concerns nobody any more. */
  function leave(signal?: 'SIGTERM' | 'SIGKILL'): void {
    if (signal !== undefined) running?.kill(signal);
    running = null;
    child = null;
  }

  async function work(): Promise<void> {
    if (busy) return;
    busy = true;
    clearTimeout(idle);
    try {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await carryOut(job);
    } finally {
      busy = false;
      idle = setTimeout(() => leave('SIGTERM'), idleMs);
      idle.unref();
    }
  }

  async function carryOut(job: Waiting): Promise<void> {
    let made: ChildProcess;
    try {
      child ??= start();
      made = await child;
    } catch (cause) {
      leave('SIGKILL');
      job.reject(new CloudStoreError('not_implemented', 'Thumbnails cannot be made on this machine.', { cause }));
      return;
    }
    try {
      job.resolve(await ask(made, { id: ++lastId, image: job.image, size: job.size }, jobMs));
    } catch (err) {
      leave('SIGKILL');
      if (closed) job.reject(new CloudStoreError('aborted', 'The gateway ends.'));
      else {
        log.info({ err, bytes: job.image.length }, 'a picture could not be made small in time');
        job.resolve(null);
      }
    }
  }

  return {
    make(image, size) {
      if (closed) return Promise.reject(new CloudStoreError('aborted', 'The gateway ends.'));
      if (waiting.length >= waitingMax) {
        return Promise.reject(new CloudStoreError('unavailable', 'Many thumbnails are being made; ask again.'));
      }
      return new Promise((resolve, reject) => {
        waiting.push({ image, size, resolve, reject });
        void work();
      });
    },
    async close() {
      closed = true;
      clearTimeout(idle);
      for (const { reject } of waiting.splice(0)) reject(new CloudStoreError('aborted', 'The gateway ends.'));
      const last = running;
      if (last === null || last.exitCode !== null || last.signalCode !== null) return;
      const gone = once(last, 'exit');
      last.kill('SIGKILL');
      await gone;
    },
  };
}

/** Resolves with the child once it has loaded its library. */
function ready(child: ChildProcess): Promise<ChildProcess> {
  return answerOf(child, 0, START_MS).then(() => child);
}

async function ask(child: ChildProcess, job: ThumbnailJob, ms: number): Promise<Buffer | null> {
  const answer = answerOf(child, job.id, ms);
  child.send(job);
  const { thumbnail } = await answer;
  return thumbnail === null ? null : Buffer.from(thumbnail.buffer, thumbnail.byteOffset, thumbnail.byteLength);
}

function answerOf(child: ChildProcess, id: number, ms: number): Promise<ThumbnailResult> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onEnd);
      child.off('error', onEnd);
    };
    const onMessage = (message: unknown): void => {
      const result = message as ThumbnailResult; // of a file of ours
      if (result.id !== id) return;
      settle();
      resolve(result);
    };
    const onEnd = (why: unknown): void => {
      settle();
      reject(why instanceof Error ? why : new Error(`the process ended (${String(why)})`));
    };
    const timer = setTimeout(() => onEnd(new Error('it takes too long')), ms);
    child.on('message', onMessage);
    child.once('exit', onEnd);
    child.once('error', onEnd);
  });
}
