import type pg from 'pg';

/** What `fill` writes: every key is `d…/` and `f000.bin` to `f999.bin`, joined by a slash or not. */
export const KEYS_PER_PREFIX = 1000;

/** The name of a prefix, of as many digits as the last one has; a million keys have `d000` to `d999`. */
export function prefixOf(index: number, prefixes: number): string {
  return `d${String(index).padStart(digitsOf(prefixes), '0')}`;
}

function digitsOf(prefixes: number): number {
  return String(prefixes - 1).length;
}

/**
 * So many thousand objects set by set, as if each had been put by a current SDK: a slot, its null version, the directories above it,
 * the bucket's head and its owner's usage. Their contents are named by no chunk: nothing here may be read, only listed.
 */
export async function fill(client: pg.Client, bucket: number, separator: '/' | '-', prefixes: number): Promise<void> {
  const count = prefixes * KEYS_PER_PREFIX;
  const digits = digitsOf(prefixes);
  // Ids come in blocks of the sequence's increment, of which its value is the last.
  const first = (
    await client.query<{ first: string }>(`SELECT setval('object_ids', last_value + 4096 * (1 + ${2 * count} / 4096)) -
    4096 * (1 + ${2 * count} / 4096) + 1 AS first FROM object_ids`)
  ).rows[0]?.first;
  const attributes = `jsonb_build_object('contentType', 'application/octet-stream', 'checksum', jsonb_build_object('algorithm', 'crc64nvme',
    'type', 'FULL_OBJECT', 'value', encode(substr(decode(md5('crc' || n), 'hex'), 1, 8), 'base64')))`;
  await client.query('BEGIN');
  await client.query(`
    INSERT INTO slots (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms,
                       created_ms, attributes)
    SELECT ${first} + n, ${bucket}, 'd' || lpad((n / ${KEYS_PER_PREFIX})::text, ${digits}, '0') || '${separator}f' ||
           lpad((n % ${KEYS_PER_PREFIX})::text, 3, '0') || '.bin', true, uuid_send(uuidv7()), 'null', false, ${first} + ${count} + n,
           1000 + n, md5(n::text), at, at, at, ${attributes}
      FROM (SELECT n, 1767225600000 + n * 37 AS at FROM generate_series(0::bigint, ${count - 1}) AS n)`);
  await client.query(`
    INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes)
    SELECT version_id, id, row_number() OVER (ORDER BY id), node_id, visibility, false, size, etag, modified_ms, mtime_ms, created_ms,
           attributes FROM slots WHERE bucket_id = ${bucket}`);
  if (separator === '/') {
    await client.query(`
      INSERT INTO directories (bucket_id, path, explicit, revision, modified_ms, created_ms)
      SELECT ${bucket}, 'd' || lpad(n::text, ${digits}, '0') || '/', false, ${KEYS_PER_PREFIX}, 1767225600000, 1767225600000
        FROM generate_series(0, ${prefixes - 1}) AS n`);
  }
  await client.query(`
    UPDATE bucket_heads h SET revision = revision + 1, seq = seq + ${count}, floor_seq = seq + ${count}, objects = s.objects, bytes = s.bytes
      FROM (SELECT count(*) AS objects, sum(size) AS bytes FROM slots WHERE bucket_id = ${bucket}) s WHERE h.bucket_id = ${bucket}`);
  await client.query(`
    INSERT INTO usage AS u (principal, bytes)
    SELECT b.owner, h.bytes FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id WHERE b.id = ${bucket}
    ON CONFLICT (principal) DO UPDATE SET bytes = u.bytes + excluded.bytes`);
  await client.query('COMMIT');
  for (const table of ['slots', 'versions', 'directories']) await client.query(`VACUUM ANALYZE ${table}`);
}
