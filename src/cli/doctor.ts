import { access, constants, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '#blob/disk-error';
import type { Finding } from '#contracts/examiner';
import type { Config } from '../config/load.ts';
import { lockDataDirectory, readOwner } from '../data-directory.ts';
import { clusterFiles, databaseServer, masterKey, type OpenSession } from './doctor-database.ts';
import { examinePacks } from './doctor-packs.ts';
import { snapshots } from './doctor-snapshots.ts';
import { directoryState } from './doctor-storage.ts';
import { gib } from './output.ts';

const FREE_BYTES_WARN = 2 * 2 ** 30;
const FREE_BYTES_FAIL = 256 * 2 ** 20;
/** With less, no database starts, and trying fills what is left. */
const FREE_BYTES_FULL = 32 * 2 ** 20;
const FULL = 'disk full';

/**
 * Looks at everything that the gateway needs and says what is amiss, in the order in which it would stumble. A stopped
 * gateway's database is started for the look, which also tells whether it starts.
 * @param open how a session comes about; a gateway that looks at itself has one
 */
export async function examine(config: Config, open?: OpenSession): Promise<Finding[]> {
  const directory = config.values['data-dir'];
  const external = config.values['database-url'] !== null;
  const findings = [runtime()];
  const there = await stat(directory).catch(() => null);
  if (there === null) {
    findings.push({
      name: 'data directory',
      status: 'warn',
      detail: `${directory} does not exist`,
      advice: 'The first start (cloudstore serve) makes it.',
    });
    return findings;
  }
  findings.push(await dataDirectory(directory, there.mode), await freeSpace(directory), ...(await directoryState(config)));
  // Whoever looks further takes the lock and starts the database, and here that would do harm.
  if (findings.some(({ name, status }) => status === 'fail' && name !== 'disk')) return findings;
  findings.push(await gateway(directory, config));
  if (!external) findings.push(await clusterFiles(directory));
  findings.push(
    ...(await databaseServer(config)),
    ...(await masterKey(config, open)),
    ...(await examinePacks(config, Date)),
    await snapshots(directory),
    await firstRun(directory),
  );
  return findings;
}

function runtime(): Finding {
  const detail = `Node ${process.versions.node} on ${process.platform}-${process.arch}`;
  if (Number.parseInt(process.versions.node, 10) >= 24) return { name: 'runtime', status: 'ok', detail };
  return {
    name: 'runtime',
    status: 'fail',
    detail,
    advice: 'CloudStore needs Node 24 or newer; start it with npm start or the cloudstore command, which bring their own.',
  };
}

async function dataDirectory(directory: string, mode: number): Promise<Finding> {
  const name = 'data directory';
  try {
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (codeOf(error) === 'EROFS')
      return {
        name,
        status: 'fail',
        detail: `${directory} lies on a file system that is read-only`,
        advice: 'Mount it for writing; the system mounts a disk that fails so: see its log, and smartctl.',
      };
    return {
      name,
      status: 'fail',
      detail: `${directory} is not writable for this user`,
      advice: 'Run as the user who owns it, or give it to this one with chown -R.',
    };
  }
  if ((mode & 0o022) !== 0) {
    return { name, status: 'warn', detail: `${directory} is writable for other users`, advice: `chmod 700 ${directory}` };
  }
  return { name, status: 'ok', detail: directory };
}

async function freeSpace(directory: string): Promise<Finding> {
  const { bavail, bsize, blocks } = await statfs(directory);
  const free = bavail * bsize;
  const detail = `${gib(free)} of ${gib(blocks * bsize)} free`;
  if (free < FREE_BYTES_FULL)
    return {
      name: FULL,
      status: 'fail',
      detail: `${detail}; nothing was started for a look`,
      advice:
        'Free some space on it, or move the data directory to a larger disk; then start CloudStore, which collects what nobody needs.',
    };
  if (free >= FREE_BYTES_WARN) return { name: 'disk', status: 'ok', detail };
  return {
    name: 'disk',
    status: free < FREE_BYTES_FAIL ? 'fail' : 'warn',
    detail,
    advice: 'Free some space: writes are refused when the disk is full.',
  };
}

async function gateway(directory: string, config: Config): Promise<Finding> {
  const name = 'gateway';
  const lock = await lockDataDirectory(directory, { kind: 'command', pid: process.pid });
  if (lock !== null) {
    await lock.release();
    return {
      name,
      status: 'ok',
      detail: `not running; it would listen on ports ${config.values['s3-port']} and ${config.values.port} of ${config.values.host}`,
    };
  }
  const owner = await readOwner(directory);
  if (owner === null) return { name, status: 'ok', detail: 'another process' };
  const what = owner.kind === 'gateway' ? `running as process ${owner.pid}` : `a command runs as process ${owner.pid}`;
  return { name, status: 'ok', detail: [what, ...Object.values(owner.urls ?? {})].join(', ') };
}

async function firstRun(directory: string): Promise<Finding> {
  const path = join(directory, 'first-run.json');
  const file = await stat(path).catch(() => null);
  if (file === null) return { name: 'first-run secrets', status: 'ok', detail: 'not on disk' };
  if ((file.mode & 0o077) !== 0)
    return {
      name: 'first-run secrets',
      status: 'warn',
      detail: 'other users may read first-run.json',
      advice: `chmod 600 ${path}`,
    };
  return { name: 'first-run secrets', status: 'ok', detail: `in ${path}; you can remove it once you have noted them` };
}
