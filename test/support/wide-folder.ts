import { join } from 'node:path';
import pg from 'pg';

/**
 * So many files in one folder, set by set, as if each had been put: a slot, its null version, the folder, the bucket's head and its owner's usage. Their contents are
 * named by no chunk: nothing here may be read, only listed. Names are `00000.txt` and so on.
 */
export async function fillFolder(dataDir: string, bucket: string, folder: string, count: number): Promise<void> {
  const client = new pg.Client({
    host: join(dataDir, 'postgres-socket'),
    port: 5432,
    user: 'cloudstore',
    database: 'cloudstore',
  });
  await client.connect();
  try {
    const found = await client.query<{ id: number }>('SELECT bucket_id AS id FROM bucket_names WHERE name = $1 LIMIT 1', [
      bucket,
    ]);
    const id = Number(found.rows[0]?.id);
    // Ids come in blocks of the sequence's increment, of which its value is the last.
    const blocks = `4096 * (1 + ${2 * count} / 4096)`;
    const { rows } = await client.query<{ first: string }>(
      `SELECT setval('object_ids', last_value + ${blocks}) - ${blocks} + 1 AS first FROM object_ids`,
    );
    const first = rows[0]?.first;
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO slots (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms, created_ms, attributes)
       SELECT ${first} + n, ${id}, $1 || lpad(n::text, 5, '0') || '.txt', true, uuid_send(uuidv7()), 'null', false, ${first} + ${count} + n,
              n, md5(n::text), at, at, at, '{"contentType": "text/plain"}'
         FROM (SELECT n, 1767225600000 + n * 37 AS at FROM generate_series(0::bigint, ${count - 1}) AS n)`,
      [folder],
    );
    await client.query(
      `INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes)
       SELECT version_id, id, h.seq + row_number() OVER (ORDER BY id), node_id, visibility, false, size, etag, modified_ms, mtime_ms, created_ms, attributes
         FROM slots s JOIN bucket_heads h USING (bucket_id) WHERE s.id >= ${first} AND s.id < ${first}::bigint + ${count}`,
    );
    await client.query(
      `INSERT INTO directories (bucket_id, path, explicit, revision, modified_ms, created_ms) VALUES (${id}, $1, true, ${count}, 1767225600000, 1767225600000)
       ON CONFLICT DO NOTHING`,
      [folder],
    );
    await client.query(
      `UPDATE bucket_heads SET revision = revision + 1, seq = seq + ${count}, objects = objects + ${count},
              bytes = bytes + (SELECT sum(n) FROM generate_series(0::bigint, ${count - 1}) AS n) WHERE bucket_id = ${id}`,
    );
    await client.query('COMMIT');
    for (const table of ['slots', 'versions', 'directories']) await client.query(`ANALYZE ${table}`);
  } finally {
    await client.end();
  }
}
