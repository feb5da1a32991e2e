import { join } from 'node:path';
import pg from 'pg';
import type { TestGateway } from '../support/gateway.ts';

/** The gateway's own database. */
export async function connect(gateway: TestGateway): Promise<pg.Client> {
  const client = new pg.Client({ host: join(gateway.dataDir, 'postgres-socket'), user: 'cloudstore', database: 'cloudstore' });
  client.on('error', () => undefined); // the gateway may end first
  await client.connect();
  return client;
}

/**
 * A folder `name/` of `count` small files `file-0.txt` and on, as rows: what 100,000 requests would take minutes for. Every file is a copy of one that is put by the door, in bytes and
 * attributes; accounts and indexes are kept as by a commit.
 */
export async function fillFolder(client: pg.Client, gateway: TestGateway, name: string, count: number): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
  const template = `${name}.template.txt`;
  const put = await fetch(`${gateway.webdavUrl}${gateway.bucket}/${template}`, {
    method: 'PUT',
    headers: { authorization },
    body: 'x'.repeat(16),
  });
  if (!put.ok) throw new Error(`PUT of the template: ${put.status}`);
  const { rows } = await client.query<{ id: number; owner: number; slot: string }>(
    'SELECT b.id, b.owner, s.id AS slot FROM buckets b JOIN slots s ON s.bucket_id = b.id WHERE b.name = $1 AND s.key = $2',
    [gateway.bucket, template],
  );
  const { id: bucket, owner, slot } = rows[0]!;
  await client.query('BEGIN');
  const block = 4096 * (1 + Math.ceil((2 * count) / 4096));
  const taken = await client.query<{ last: string }>(`SELECT setval('object_ids', last_value + $1) AS last FROM object_ids`, [
    block,
  ]);
  const first = Number(taken.rows[0]!.last) - block + 1;
  await client.query(
    `INSERT INTO slots (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms, created_ms, attributes)
     SELECT ${first} + n, ${bucket}, $1 || '/file-' || n || '.txt', true, uuid_send(uuidv7()), s.visibility, false, ${first} + ${count} + n, s.size, md5(n::text),
            s.modified_ms, s.mtime_ms, s.created_ms, s.attributes FROM generate_series(0, $2::int - 1) AS n, slots s WHERE s.id = $3`,
    [name, count, slot],
  );
  await client.query(
    `INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes, content)
     SELECT s.version_id, s.id, v.seq, s.node_id, s.visibility, false, s.size, s.etag, s.modified_ms, s.mtime_ms, s.created_ms, s.attributes, v.content
       FROM slots s, versions v WHERE v.slot_id = $1 AND s.bucket_id = ${bucket} AND s.id >= ${first} AND s.id < ${first + count}`,
    [slot],
  );
  await client.query(
    `INSERT INTO directories (bucket_id, path, explicit, revision, modified_ms, created_ms, bytes) VALUES ($1, $2, false, 1, 1767225600000, 1767225600000, $3)`,
    [bucket, `${name}/`, 16 * count],
  );
  await client.query(`UPDATE directories SET bytes = bytes + $2 WHERE bucket_id = $1 AND path = ''`, [bucket, 16 * count]);
  await client.query('UPDATE bucket_heads SET objects = objects + $2, bytes = bytes + 16 * $2 WHERE bucket_id = $1', [
    bucket,
    count,
  ]);
  await client.query('UPDATE usage SET objects = objects + $2, bytes = bytes + 16 * $2 WHERE principal = $1', [owner, count]);
  await client.query('COMMIT');
  await client.query('ANALYZE slots, versions, directories');
}
