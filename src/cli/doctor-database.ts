import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '#contracts/examiner';
import { CloudStoreError } from '#core/errors';
import { openSocketConnection } from '#metadata/embedded-postgres';
import { POSTGRES_MAJOR } from '#metadata/embedded-postgres/binaries';
import { clusterVersion } from '#metadata/embedded-postgres/cluster';
import { type DatabaseFacts, inspectDatabase } from '#metadata/embedded-postgres/inspect';
import type { Config } from '../config/load.ts';
import { lockDataDirectory } from '../data-directory.ts';
import { masterKeyFile } from '../key-files.ts';
import { storageState } from './doctor-storage.ts';
import { describeFailure, gib } from './output.ts';
import type { Session } from './session.ts';

/** The embedded cluster, by its files alone. */
export async function clusterFiles(directory: string): Promise<Finding> {
  const name = 'database files';
  try {
    const version = await clusterVersion(join(directory, 'postgres'));
    if (version === null)
      return { name, status: 'warn', detail: 'none yet', advice: 'The first start (cloudstore serve) makes them.' };
    if (version === String(POSTGRES_MAJOR)) return { name, status: 'ok', detail: `Postgres ${version}` };
    return {
      name,
      status: 'fail',
      detail: `made by Postgres ${version}, this CloudStore brings ${POSTGRES_MAJOR}`,
      advice:
        'Take a last snapshot with the CloudStore version that made it (cloudstore snapshot), then cloudstore rebuild-index with this one.',
    };
  } catch (error) {
    return { name, status: 'fail', detail: describeFailure(error).text };
  }
}

/** Whether the database answers, and whether it is one that we can use. */
export async function databaseServer(config: Config): Promise<Finding[]> {
  const name = 'database';
  const url = config.values['database-url'];
  try {
    if (url !== null) return judge(await inspectDatabase({ url }), true);
    const directory = config.values['data-dir'];
    if ((await clusterVersion(join(directory, 'postgres')).catch(() => null)) === null) return [];
    return judge(await inspectEmbedded(directory), false);
  } catch (error) {
    const detail =
      error instanceof CloudStoreError ? error.message : `does not answer: ${error instanceof Error ? error.message : error}`;
    const advice =
      url === null
        ? 'See postgres.log in the data directory.'
        : 'Check CLOUDSTORE_DATABASE_URL, and that the server runs and lets this machine in.';
    return [{ name, status: 'fail', detail, advice }];
  }
}

/** Whether the key is there, private, and the one that the stored data was written with. */
export async function masterKey(config: Config, open: OpenSession = openOwn): Promise<Finding[]> {
  const name = 'master key';
  const directory = config.values['data-dir'];
  const path = masterKeyFile(directory);
  const file = await stat(path).catch(() => null);
  const fromFile = config.values['master-key'] === null && config.values['master-passphrase'] === null;
  if (fromFile && file === null) {
    const used = (await readdir(directory)).includes('postgres');
    return [
      {
        name,
        status: used ? 'fail' : 'warn',
        detail: `${path} does not exist`,
        advice: used ? 'Put it back from your backup: without it the stored data cannot be read.' : 'The first start makes it.',
      },
    ];
  }
  const findings: Finding[] = [];
  if (fromFile && file !== null && (file.mode & 0o077) !== 0) {
    findings.push({ name, status: 'warn', detail: 'other users may read it', advice: `chmod 600 ${path}` });
  }
  try {
    const session = await open(config);
    try {
      if (findings.length === 0)
        findings.push({ name, status: 'ok', detail: 'fits the stored data; keep a copy of it apart from this machine' });
      findings.push(...(await storageState(config, session, Date)));
    } finally {
      await session.close();
    }
  } catch (error) {
    const advice = 'The sentence says what to do; cloudstore doctor looks again.';
    findings.push({ name, status: 'fail', detail: describeFailure(error).text.split('\n')[0] ?? '', advice });
  }
  return findings;
}

export type OpenSession = (config: Config) => Promise<Session>;

async function openOwn(config: Config): Promise<Session> {
  const [{ openSession }, { createLogger }] = await Promise.all([import('./session.ts'), import('#observability/logger')]);
  return openSession({ config, clock: Date, random: randomBytes, log: createLogger({ level: 'error' }) });
}

async function inspectEmbedded(directory: string): Promise<DatabaseFacts> {
  const lock = await lockDataDirectory(directory, { kind: 'command', pid: process.pid });
  if (lock === null) {
    const socket = openSocketConnection(directory);
    try {
      return await inspectDatabase(socket.connection);
    } finally {
      socket.close();
    }
  }
  try {
    const [{ startEmbeddedPostgres }, { createLogger }] = await Promise.all([
      import('#metadata/embedded-postgres'),
      import('#observability/logger'),
    ]);
    const server = await startEmbeddedPostgres({
      dataDirectory: directory,
      clock: Date,
      random: randomBytes,
      log: createLogger({ level: 'error' }),
    });
    try {
      return await inspectDatabase(server.connection);
    } finally {
      await server.stop();
    }
  } finally {
    await lock.release();
  }
}

function judge(facts: DatabaseFacts, external: boolean): Finding[] {
  const findings: Finding[] = [
    {
      name: 'database',
      status: 'ok',
      detail: `${external ? 'external ' : ''}Postgres ${facts.version}, ${gib(facts.sizeBytes)}, ${facts.sessions} sessions`,
    },
  ];
  if (facts.major < 15)
    findings.push({
      name: 'database version',
      status: 'fail',
      detail: `Postgres ${facts.major} is too old`,
      advice: 'Use Postgres 15 or newer.',
    });
  if (facts.encoding !== 'UTF8')
    findings.push({
      name: 'database encoding',
      status: 'fail',
      detail: `${facts.encoding} cannot hold every name`,
      advice: "Make the database anew with ENCODING 'UTF8'.",
    });
  if (facts.ctype === 'C' || facts.ctype === 'POSIX') {
    findings.push({
      name: 'database ctype',
      status: 'warn',
      detail: `with ctype ${facts.ctype}, search by name knows ASCII letters only`,
      advice: "Make the database anew with LC_CTYPE 'C.UTF-8', TEMPLATE template0.",
    });
  }
  return findings;
}
