import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '#contracts/observability';
import { openDatabase } from '#metadata/database';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { openMetadata } from '#metadata/open';

/**
 * What it takes to count what buckets hold after deduplication, and what keeping that count at every commit would: `node test/bench/usage.ts [versions]`.
 * Prints milliseconds for a million versions of a piece each in two buckets that share half of them, as a ratio to reading those versions once, and the
 * cost of a row for each piece beside the insertion of its version.
 */
const versions = Number(process.argv[2] ?? 1_000_000);
const log: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log };
const dataDirectory = mkdtempSync(join(tmpdir(), 'cloudstore-usage-'));
const clock = { now: () => Date.now() };
const server = await startEmbeddedPostgres({ dataDirectory, clock, random: randomBytes, log });
const metadata = await openMetadata({ connection: server.connection, clock, random: randomBytes, log, soleOwner: true });
const database = openDatabase({ connection: server.connection, poolSize: 1, log });
const domain = await metadata.keys.insert(randomBytes(8));
const { id } = await metadata.principals.create({ name: 'bench', role: 'member', passwordHash: null, domain });
const [one, two] = [
  await metadata.buckets.create({ name: 'one', owner: id, domain }),
  await metadata.buckets.create({ name: 'two', owner: id, domain }),
];
const sql = (text: string): Promise<number> => database.execute({ name: `bench-${randomBytes(4).toString('hex')}`, text });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

// Rows as commits leave them, by statements: what is measured is the counting.
const half = Math.ceil(versions / 2);
const piece = `sha256(('piece ' || n % ${Math.ceil(half * 1.5)})::bytea)`;
await sql(`SET session_replication_role = replica`);
await sql(`INSERT INTO chunks (domain, id, pack, pack_offset, length, size, store)
           SELECT ${domain}, sha256(('piece ' || n)::bytea), '\\x00'::bytea, 0, 30000, 60000, 0 FROM generate_series(0, ${Math.ceil(half * 1.5) - 1}) AS n`);
const head = `'\\x0102'::bytea || decode(lpad(to_hex(${domain}), 8, '0'), 'hex') || '\\x0000000000000000'::bytea`;
await sql(`INSERT INTO slots (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms, created_ms, attributes)
           SELECT 1000000 + n, CASE WHEN n < ${half} THEN ${one.id} ELSE ${two.id} END, 'd/' || n, true, uuid_send(gen_random_uuid()), 'hidden', false, n, 60000, 'e', 0, 0, 0, '{}'
             FROM generate_series(0, ${versions - 1}) AS n`);
const insertVersions = `INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes, content)
           SELECT version_id, id, 1, node_id, 'hidden', false, 60000, 'e', 0, 0, 0, '{}', ${head} || ${piece.replace('n %', '(id - 1000000) %')}
             FROM slots WHERE id >= 1000000`;
const inserted = await timed(() => sql(insertVersions));
await sql(`SET session_replication_role = DEFAULT`);
await sql('ANALYZE');
const measured = await timed(() => metadata.usage.measure(domain));
const bare = await timed(() =>
  sql(
    `SELECT count(*), sum(length(v.content)) FROM slots s JOIN versions v ON v.slot_id = s.id WHERE s.bucket_id IN (${one.id}, ${two.id})`,
  ),
);
await sql(
  'CREATE TABLE kept (bucket int NOT NULL, id bytea NOT NULL, refs int NOT NULL, PRIMARY KEY (bucket, id)) WITH (fillfactor = 50)',
);
const kept = await timed(() =>
  sql(`INSERT INTO kept AS t SELECT s.bucket_id, substring(v.content FROM 15 FOR 32), 1 FROM slots s JOIN versions v ON v.slot_id = s.id
       ON CONFLICT (bucket, id) DO UPDATE SET refs = t.refs + 1`),
);
const [found] = await metadata.usage.buckets(id);
process.stdout.write(
  `${versions} versions: measured in ${measured.toFixed(0)} ms, ${(measured / bare).toFixed(1)} times reading them (${bare.toFixed(0)} ms); ` +
    `a row kept for each piece costs ${(kept / inserted).toFixed(2)} times the insertion of its version\n${JSON.stringify(found?.physical)}\n`,
);
await database.close();
await metadata.close();
await server.stop();
rmSync(dataDirectory, { recursive: true, force: true });
