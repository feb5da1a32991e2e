/**
 * What a commit costs, of puts of 1 KiB, sealed in their rows, straight into the metadata store on the embedded database.
 *   node test/bench/commit.ts [put overwrite delete] [--clients=64] [--seconds=6] [--folders=10]
 * `overwrite`: each client has a file of its own; `delete`: of files that were put before. Prints commits a second, and the CPU of one commit in this process and in Postgres: that does not depend on what else the machine does as wall-clock does.
 */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PutIntent } from '#contracts/metadata-store';
import type { Logger } from '#contracts/observability';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { openMetadata } from '#metadata/open';
import { flag } from './common.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet };
const TICKS_PER_SECOND = 100;
const clients = Number(flag('clients') ?? 64);
const seconds = Number(flag('seconds') ?? 6);
const folders = Number(flag('folders') ?? 10);
const dataDirectory = mkdtempSync(join(tmpdir(), 'cloudstore-commit-'));
const clock = { now: () => Date.now() };
const server = await startEmbeddedPostgres({ dataDirectory, clock, random: randomBytes, log: quiet });
try {
  const metadata = await openMetadata({ connection: server.connection, clock, random: randomBytes, log: quiet, soleOwner: true });
  const domain = await metadata.keys.insert(randomBytes(8));
  const { id, role } = await metadata.principals.create({ name: 'bench', role: 'member', passwordHash: null, domain });
  const bucket = await metadata.buckets.create({ name: 'bench', owner: id, domain, versioning: 'off' });
  const who = { principal: { id, name: 'bench', role }, protocol: 's3' as const, requestId: 'bench' };
  const postmaster = Number(readFileSync(join(dataDirectory, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const keyOf = (what: string, n: number): string => `${what}-${n % folders}/object-${n}`;
  async function put(key: string): Promise<unknown> {
    const intent: PutIntent = {
      kind: 'put',
      who,
      bucket: bucket.id,
      key,
      versionId: randomBytes(16).toString('hex'),
      content: { kind: 'inline', domain, size: 1024, sealed: randomBytes(1078) },
      etag: randomBytes(16).toString('hex'),
      attributes: { contentType: 'application/octet-stream' },
      contentHash: randomBytes(32),
      chunks: [],
      leaves: [],
    };
    return metadata.store.commit(intent);
  }
  const commits: Record<string, (n: number, client: number) => Promise<unknown>> = {
    put: (n) => put(keyOf('put', n)),
    overwrite: (_, client) => put(keyOf('overwrite', client)),
    delete: (n) =>
      metadata.store.commit({
        kind: 'remove',
        who,
        bucket: bucket.id,
        key: keyOf('delete', n),
        versionId: randomBytes(16).toString('hex'),
      }),
  };
  /** What is done for so long by so many; `count` times at most. */
  async function during(
    ms: number,
    atOnce: number,
    count: number,
    act: (n: number, client: number) => Promise<unknown>,
  ): Promise<number> {
    const until = performance.now() + ms;
    let next = 0;
    const client = async (_: unknown, own: number): Promise<void> => {
      while (next < count && performance.now() < until) await act(next++, own);
    };
    await Promise.all(Array.from({ length: atOnce }, client));
    return next;
  }
  const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  for (const what of wanted.length === 0 ? ['put'] : wanted) {
    const commit = commits[what];
    if (commit === undefined) throw new Error(`There are ${Object.keys(commits).join(', ')}.`);
    const most = what === 'delete' ? await during((2 + seconds) * 1000, 64, Infinity, (n) => put(keyOf('delete', n))) : Infinity;
    const warm = await during(2000, clients, most / 3, commit);
    const before = { own: process.cpuUsage(), postgres: cpuSeconds(postmaster), at: performance.now() };
    const count = await during(seconds * 1000, clients, most - warm, (n, client) => commit(warm + n, client));
    const own = process.cpuUsage(before.own);
    const elapsed = (performance.now() - before.at) / 1000;
    console.log(
      `${what}: ${(count / elapsed).toFixed(0)} commits/s with ${clients} clients; CPU of one: ${((own.user + own.system) / count).toFixed(0)} us here, ` +
        `${(((cpuSeconds(postmaster) - before.postgres) * 1e6) / count).toFixed(0)} us in Postgres`,
    );
  }
  await metadata.close();
} finally {
  await server.stop();
  rmSync(dataDirectory, { recursive: true, force: true });
}

/** User and system time of a process and its children. */
function cpuSeconds(parent: number): number {
  let ticks = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      if (Number(pid) === parent || Number(fields[1]) === parent) ticks += Number(fields[11]) + Number(fields[12]);
    } catch {} // ended meanwhile
  }
  return ticks / TICKS_PER_SECOND;
}
