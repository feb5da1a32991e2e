import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, type StatsFs } from 'node:fs';
import { copyFile, open, readdir, readFile, rename, rm, stat, statfs, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#contracts/observability';
import type { Clock } from '#core/clock';
import type { Binaries } from './binaries.ts';
import { explainFailure, isPassing, isPermanent, unsaid } from './failure.ts';
import { endWithUs } from './mourner.ts';
import { startProgram } from './program.ts';
import type { ServerUser } from './server-user.ts';
import { serverSettings } from './settings.ts';
import { stopServer, stopSurvivor } from './survivor.ts';

/** Where one server has its things. */
export interface ServerPlace {
  cluster: string;
  socketDirectory: string;
  logFile: string;
}

export interface ServerOptions {
  place: ServerPlace;
  binaries: Binaries;
  user: ServerUser;
  clock: Clock;
  log: Logger;
  /** Also when this process is killed. */
  endsWithUs: boolean;
}

const RETRY_PASSING_MS = 60_000;
const RETRY_OTHER_COUNT = 3;
const BACKOFF_MS_MAX = 5_000;
const STABLE_MS = 60_000;
const LOG_BYTES_MAX = 8 * 2 ** 20;
const LOG_LOOK_MS = 60_000;

/**
 * Runs the server until `stop`: starts it, waits until it accepts, and starts it again, with growing pauses, when it ends
 * unasked. Crash recovery takes as long as it takes.
 * @throws unavailable, insufficient_storage when the first start fails
 */
export async function runServer(options: ServerOptions): Promise<{ stop(): Promise<void> }> {
  const { clock, log, place } = options;
  await boundLog(place.logFile);
  let child = await startUntilReady(options);
  let stopping = false;
  let restarting: Promise<void> | null = null;

  const watch = (server: ChildProcess, since: number, failures: number): void => {
    server.once('exit', (code, signal) => {
      if (stopping) return;
      log.error({ code, signal }, 'the database server ended unexpectedly; starting it again');
      restarting = restart(clock.now() - since > STABLE_MS ? 0 : failures);
    });
    // A server that ended before we looked has no further event.
    if (server.exitCode !== null || server.signalCode !== null) server.emit('exit', server.exitCode, server.signalCode);
  };
  const restart = async (failures: number): Promise<void> => {
    for (let attempt = failures; !stopping; attempt++) {
      await sleep(Math.min(BACKOFF_MS_MAX, attempt === 0 ? 0 : 100 * 2 ** Math.min(attempt, 6)));
      if (stopping) return;
      try {
        child = await startUntilReady(options);
        log.info({}, 'the database server is back');
        watch(child, clock.now(), attempt + 1);
        return;
      } catch (error) {
        log.error({ err: error }, 'the database server does not start; trying again');
      }
    }
  };
  watch(child, clock.now(), 0);

  const rotation = setInterval(
    () => void boundLog(place.logFile).catch((err: unknown) => log.warn({ err }, 'postgres.log cannot be rotated')),
    LOG_LOOK_MS,
  );
  rotation.unref();
  return {
    async stop() {
      stopping = true;
      clearInterval(rotation);
      await restarting;
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const ended = once(child, 'exit');
      await stopServer(child.pid);
      await ended;
    },
  };
}

/**
 * After a kill -9 the remains of the old server hold its shared memory for a moment, so a start that fails for that is
 * repeated; what will not pass is told at once.
 */
async function startUntilReady(options: ServerOptions): Promise<ChildProcess> {
  const begun = options.clock.now();
  for (let attempt = 1; ; attempt++) {
    await stopSurvivor(options.place.cluster, options.log);
    const started = await startOnce(options);
    if (started.child !== null) return started.child;
    const { output } = started;
    const again = isPassing(output)
      ? options.clock.now() - begun < RETRY_PASSING_MS
      : attempt < RETRY_OTHER_COUNT && !isPermanent(output);
    if (!again) throw explainFailure('does not start', output);
    await sleep(50 * Math.min(attempt, 10));
  }
}

async function startOnce(options: ServerOptions): Promise<{ child: ChildProcess } | { child: null; output: string }> {
  const { place, binaries, user } = options;
  // Sockets and their lock files of a server that is gone; a reused pid in one would stop the new server.
  for (const name of await readdir(place.socketDirectory)) await rm(join(place.socketDirectory, name), { force: true });
  const logFrom = (await stat(place.logFile).catch(() => null))?.size ?? 0;
  const output = openSync(place.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    const { blocks, bsize } = await statfs(place.cluster);
    const settings = Object.entries(serverSettings(blocks * bsize)).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    child = startProgram(binaries.postgres, (at) => ['-D', at(0), '-k', at(1), ...settings], {
      binaries,
      user,
      directories: [place.cluster, place.socketDirectory],
      output,
      detached: true,
    });
  } finally {
    closeSync(output);
  }
  if (options.endsWithUs && child.pid !== undefined) child.once('exit', endWithUs(child.pid, place.cluster));
  const failed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', () => resolve(''));
  });
  let failure: string | null = null;
  void failed.then((words) => (failure = words));
  while (failure === null) {
    if (await isReady(place.cluster, child.pid)) return { child };
    await sleep(10);
  }
  return { child: null, output: failure || (await readFrom(place.logFile, logFrom)) || unsaid(await disksOf(place)) };
}

function disksOf({ cluster, logFile }: ServerPlace): Promise<StatsFs[]> {
  return Promise.all([statfs(cluster), statfs(dirname(logFile))]);
}

/** The server writes its state into line 8 of `postmaster.pid` (miscadmin.h, LOCK_FILE_LINE_PM_STATUS). */
async function isReady(cluster: string, pid: number | undefined): Promise<boolean> {
  const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

/** Keeps the server's log bounded: what is over goes to `.1`, in place, because the running server holds the file open for appending. */
async function boundLog(path: string): Promise<void> {
  const size = (await stat(path).catch(() => null))?.size ?? 0;
  if (size <= LOG_BYTES_MAX) return;
  await copyFile(path, `${path}.new`);
  await rename(`${path}.new`, `${path}.1`);
  await truncate(path, 0);
}

async function readFrom(path: string, position: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, position);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
