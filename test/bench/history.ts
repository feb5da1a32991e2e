import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PutIntent } from '#contracts/metadata-store';
import type { Logger } from '#contracts/observability';
import { openDatabase } from '#metadata/database';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { openMetadata } from '#metadata/open';

/**
 * Restoring and purging a folder in one transaction, against the bare statements that change as many rows: `node test/bench/history.ts [entries]`.
 * Prints milliseconds and their ratio; the target is 3.
 */
const entries = Number(process.argv[2] ?? 100_000);
const log: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log };
const dataDirectory = mkdtempSync(join(tmpdir(), 'cloudstore-history-'));
const clock = { now: () => Date.now() };
const server = await startEmbeddedPostgres({ dataDirectory, clock, random: randomBytes, log });
const metadata = await openMetadata({ connection: server.connection, clock, random: randomBytes, log, soleOwner: true });
const database = openDatabase({ connection: server.connection, poolSize: 1, log });
const domain = await metadata.keys.insert(randomBytes(8));
const { id, role } = await metadata.principals.create({ name: 'bench', role: 'member', passwordHash: null, domain });
const home = await metadata.buckets.create({ name: 'bench', owner: id, domain });
const who = { principal: { id, name: 'bench', role }, protocol: 'rest' as const, requestId: 'bench' };
const { history, store } = metadata;
const sql = (text: string): Promise<number> => database.execute({ name: `bench-${randomBytes(4).toString('hex')}`, text });
const put = (key: string): PutIntent => ({
  kind: 'put',
  who,
  bucket: home.id,
  key,
  versionId: randomBytes(16).toString('hex'),
  content: { kind: 'inline', domain, size: 3, sealed: Buffer.from('sealed') },
  etag: randomBytes(16).toString('hex'),
  attributes: {},
  contentHash: null,
  chunks: [],
  leaves: [],
});
const window = { after: '', names: entries + 1 };

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

for (let at = 0; at < entries; at += 500) {
  const keys = Array.from({ length: Math.min(500, entries - at) }, (_, n) => `d/${(at + n) % 100}/${at + n}`);
  await Promise.all(keys.map((key) => store.commit(put(key))));
}
const intent = { who, bucket: home.id };
await store.removeTree({ ...intent, key: 'd/' });
await sql('ANALYZE');
const what = { kind: 'deleted' as const, key: 'd/' };
const restored = await timed(() => history.restore({ ...intent, what, conflict: 'fail' }, window));
await store.removeTree({ ...intent, key: 'd/' });
const purged = await timed(() => history.purge({ bucket: home.id, what }, window));

// The same rows by statements that decide nothing: a version inserted and its slot changed; then versions and slots deleted.
for (let at = 0; at < entries; at += 500) {
  const keys = Array.from({ length: Math.min(500, entries - at) }, (_, n) => `e/${(at + n) % 100}/${at + n}`);
  await Promise.all(keys.map((key) => store.commit(put(key))));
}
const slots = `(SELECT id FROM slots WHERE bucket_id = ${home.id} AND key >= 'e/' AND key < 'e0')`;
const bareRestore = await timed(async () => {
  await sql(
    `INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes, content)
     SELECT uuid_send(gen_random_uuid()), slot_id, seq + 1, node_id, 'hidden', false, size, etag, modified_ms, mtime_ms, created_ms, attributes, content
       FROM versions WHERE slot_id IN ${slots}`,
  );
  await sql(`UPDATE slots SET modified_ms = modified_ms + 1, live = true WHERE id IN ${slots}`);
});
const barePurge = await timed(async () => {
  await sql(`DELETE FROM versions WHERE slot_id IN ${slots}`);
  await sql(`DELETE FROM slots WHERE bucket_id = ${home.id} AND key >= 'e/' AND key < 'e0'`);
});
const row = (name: string, ours: number, bare: number): string =>
  `${name} of ${entries}: ${ours.toFixed(0)} ms, bare ${bare.toFixed(0)} ms, ratio ${(ours / bare).toFixed(2)}\n`;
process.stdout.write(row('restore', restored, bareRestore) + row('purge', purged, barePurge));
await database.close();
await metadata.close();
await server.stop();
rmSync(dataDirectory, { recursive: true, force: true });
