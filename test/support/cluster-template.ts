import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '#contracts/observability';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { openMetadata } from '#metadata/open';
import { runProcess } from './process.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet };

const made: { directory: Promise<string> | null } = { directory: null };

/**
 * Puts a new database with the newest schema and no rows into a data directory that has none: a copy of one that is made once a test process, because
 * making it costs more than half of what a gateway's first start does. That first start itself is what test/e2e/start.test.ts and others look at.
 */
export async function placeCluster(dataDirectory: string): Promise<void> {
  made.directory ??= makeTemplate();
  // By cp, which keeps the owner: the server of a gateway of root runs as another user.
  const { code, stderr } = await runProcess('cp', ['-a', join(await made.directory, 'postgres'), dataDirectory]);
  if (code !== 0) throw new Error(`A database could not be copied: ${stderr}`);
}

async function makeTemplate(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cloudstore-template-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const server = await startEmbeddedPostgres({ dataDirectory: directory, clock: Date, random: randomBytes, log: quiet });
  try {
    const { connection } = server;
    await (await openMetadata({ connection, clock: Date, random: randomBytes, log: quiet, soleOwner: true })).close();
  } finally {
    await server.stop();
  }
  return directory;
}
