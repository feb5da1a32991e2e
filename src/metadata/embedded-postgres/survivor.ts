import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Logger } from '#contracts/observability';
import { CloudStoreError } from '#core/errors';

const run = promisify(execFile);
const FAST_SHUTDOWN_MS = 20_000;
const IMMEDIATE_SHUTDOWN_MS = 5_000;

/**
 * The server has a session of its own, so it can outlive a killed gateway. Whoever holds the data directory's lock finds it
 * by `postmaster.pid`, verifies that the process works in this very cluster, and stops it: its last sessions belong to a
 * gateway that is gone. A pid file whose process is gone or somebody else's is left to the server, which also looks at the
 * shared memory; only a reused pid of our own user, which would make the server refuse for ever, is cleared, and
 * only when no process works in the cluster.
 */
export async function stopSurvivor(cluster: string, log: Logger): Promise<void> {
  const pid = await recordedPid(cluster);
  if (pid === null || !exists(pid)) return;
  if (isAlive(pid) && (await worksIn(pid, cluster))) {
    log.warn({ pid }, 'a database server outlived its gateway; stopping it');
    await stopServer(pid);
    return;
  }
  if (process.platform === 'linux' && !(await anyWorksIn(cluster))) await rm(join(cluster, 'postmaster.pid'), { force: true });
}

/**
 * Ends sessions, writes a checkpoint and exits (SIGINT: fast shutdown); if that takes too long, exits without the checkpoint
 * (SIGQUIT), which the next start makes good from the log.
 */
export async function stopServer(pid: number): Promise<void> {
  signal(pid, 'SIGINT');
  if (await gone(pid, FAST_SHUTDOWN_MS)) return;
  signal(pid, 'SIGQUIT');
  if (await gone(pid, IMMEDIATE_SHUTDOWN_MS)) return;
  throw new CloudStoreError('unavailable', `The database server (process ${pid}) does not stop; end it and start again.`);
}

/** Line 1 of `postmaster.pid`; null when there is none. */
export async function recordedPid(cluster: string): Promise<number | null> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return pid > 1 ? pid : null;
}

/** A zombie is gone: where nobody reaps (a container's first process), it would seem to live for ever. */
export function isAlive(pid: number): boolean {
  if (!exists(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(status.slice(status.lastIndexOf(')') + 2)); // the name before it may hold anything
  } catch {
    return false; // it went between the two looks
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** A postmaster and its children have the cluster as their working directory. */
async function worksIn(pid: number, cluster: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const [theirs, ours] = await Promise.all([stat(`/proc/${pid}/cwd`).catch(() => null), stat(cluster)]);
    return theirs !== null && theirs.dev === ours.dev && theirs.ino === ours.ino;
  }
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.includes('postgres') && stdout.includes(cluster);
}

async function anyWorksIn(cluster: string): Promise<boolean> {
  for (const name of await readdir('/proc')) {
    if (/^\d+$/.test(name) && (await worksIn(Number(name), cluster))) return true;
  }
  return false;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function gone(pid: number, withinMs: number): Promise<boolean> {
  for (let waited = 0; waited < withinMs; waited += 10) {
    if (!isAlive(pid)) return true;
    await sleep(10);
  }
  return !isAlive(pid);
}
