import type { Part, Upload, UploadStore } from '#contracts/upload-store';
import type { Clock, Random } from '#core/clock';
import { decodeContentRef, encodeContentRef } from '#core/content-ref';
import { DIGEST_NAMES, type Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import { recordsOf } from './chunk-index.ts';
import type { Database } from './database.ts';
import type { Registration } from './instance.ts';
import { mintVersionId } from './version-id.ts';

type Row = [string, number, string, number, string, number | null, string | null, number, string | null, string | null];
type PartRow = [number, number, string, Buffer, string, number, Buffer | null];

const COMPLETED_FOUND_MS = 24 * 3600 * 1000;
const COLUMNS = `encode(u.id, 'hex'), u.bucket_id, u.key, u.principal, u.attributes, u.mtime_ms, u.checksum, u.created_ms,
  encode(u.completed_version, 'hex'), u.lock`;
/** Not one that is sent as a stream (resumables.ts). */
const OWN = '(SELECT true FROM resumables r WHERE r.id = u.id) IS NULL';
const CREATE = {
  name: 'upload-create',
  text: `INSERT INTO uploads (id, bucket_id, key, principal, attributes, mtime_ms, checksum, created_ms, lock)
         SELECT decode($1, 'hex'), b.id, $3, $4, $5, $6, $7, $8, $9 FROM buckets b WHERE b.id = $2 AND b.removed_ms IS NULL FOR SHARE`,
};
const FIND = {
  name: 'upload-find',
  text: `SELECT ${COLUMNS} FROM uploads u WHERE u.id = decode($3, 'hex') AND u.bucket_id = $1 AND u.key = $2
           AND (u.completed_ms IS NULL OR u.completed_ms > $4) AND ${OWN}`,
};
const LIST = {
  name: 'upload-list',
  text: `SELECT ${COLUMNS} FROM uploads u WHERE u.bucket_id = $1 AND u.completed_version IS NULL AND ${OWN} AND starts_with(u.key, $2) AND u.key >= $2
           AND ($3::text IS NULL OR (u.key, u.id) > ($3 COLLATE "C", decode($4, 'hex'))) ORDER BY u.key, u.id LIMIT $5`,
};
/** Holds the upload's row, so that a completion or an abort either sees the part or refuses it. */
const HOLD = {
  name: 'upload-hold',
  text: `SELECT 1 FROM uploads WHERE id = decode($1, 'hex') AND completed_version IS NULL FOR SHARE`,
};
const PUT_PART = {
  name: 'part-put',
  text: `INSERT INTO parts (upload_id, number, size, etag, content, digests, modified_ms, nonce) VALUES (decode($1, 'hex'), $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (upload_id, number) DO UPDATE SET size = excluded.size, etag = excluded.etag, content = excluded.content,
           digests = excluded.digests, modified_ms = excluded.modified_ms, nonce = excluded.nonce`,
};
const RECORD = { name: 'part-chunks', text: 'SELECT cs_apply_extra(0, $1)' };
const ALIVE = { name: 'part-alive', text: 'SELECT cs_alive($1)' };
const PARTS = {
  name: 'parts',
  text: `SELECT number, size, etag, content, digests, modified_ms, nonce FROM parts WHERE upload_id = decode($1, 'hex') AND number > $2
         ORDER BY number LIMIT $3`,
};
const STORED = {
  name: 'parts-stored',
  text: `SELECT coalesce(sum(size), 0)::bigint FROM parts WHERE upload_id = decode($1, 'hex') AND number <> $2`,
};
const ABORT = {
  name: 'upload-abort',
  text: `DELETE FROM uploads WHERE id = decode($3, 'hex') AND bucket_id = $1 AND key = $2 AND completed_version IS NULL`,
};

/** Unfinished uploads and their parts. They are completed by a put that names them (commit). */
export function createUploadStore({
  database,
  clock,
  random,
  registration,
}: {
  database: Database;
  clock: Clock;
  random: Random;
  registration: Registration;
}): UploadStore {
  return {
    async create(upload) {
      const { bucket, key, principal, attributes, mtime, checksum, lock } = upload;
      const created = clock.now();
      const id = mintVersionId(clock, random);
      const values = [id, bucket, key, principal, json(attributes), mtime ?? null, json(checksum), created, json(lock)];
      if ((await database.execute(CREATE, values)) === 0) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
      return { ...upload, id, created, completedVersion: null };
    },
    async find(bucket, key, id) {
      if (!isId(id)) return null;
      const rows = await database.read<Row>(FIND, [bucket, key, id, clock.now() - COMPLETED_FOUND_MS]);
      return rows[0] ? uploadOf(rows[0]) : null;
    },
    async putPart(upload, part, chunks, leaves) {
      if (!isId(upload)) throw missing();
      await database.transaction(async (session) => {
        await session.query(ALIVE, [registration.gateway]);
        if ((await session.query(HOLD, [upload])).length === 0) throw missing();
        if (chunks.length + leaves.length > 0) {
          await session.query(RECORD, [JSON.stringify(recordsOf(part.content.domain, chunks, leaves))]);
        }
        const { number, size, etag, content, digests, modified, nonce } = part;
        await session.execute(PUT_PART, [
          upload,
          number,
          size,
          etag,
          encodeContentRef(content),
          digestsText(digests),
          modified,
          nonce ?? null,
        ]);
      });
      return part;
    },
    async stored(upload, without) {
      const rows = await database.read<[number]>(STORED, [upload, without]);
      return rows[0]![0];
    },
    async parts(upload, after, limit) {
      if (!isId(upload)) return [];
      return (await database.read<PartRow>(PARTS, [upload, after, limit])).map(partOf);
    },
    async list(bucket, prefix, after, limit) {
      const id = after === null ? null : isId(after.id) ? after.id : 'f'.repeat(34);
      return (await database.read<Row>(LIST, [bucket, prefix, after?.key ?? null, id, limit])).map(uploadOf);
    },
    async abort(bucket, key, id) {
      if (!isId(id) || (await database.execute(ABORT, [bucket, key, id])) === 0) throw missing();
    },
  };
}

function uploadOf([id, bucket, key, principal, attributes, mtime, checksum, created, completedVersion, lock]: Row): Upload {
  return {
    id,
    bucket,
    key,
    principal,
    attributes: JSON.parse(attributes),
    ...(mtime === null ? {} : { mtime }),
    ...(checksum === null ? {} : { checksum: JSON.parse(checksum) }),
    ...(lock === null ? {} : { lock: JSON.parse(lock) }),
    created,
    completedVersion,
  };
}

function partOf([number, size, etag, content, digests, modified, nonce]: PartRow): Part {
  const part = { number, size, etag, content: decodeContentRef(content), digests: digestsOf(digests), modified };
  return nonce === null ? part : { ...part, nonce };
}

function digestsText(digests: Digests): string {
  return JSON.stringify(Object.fromEntries(Object.entries(digests).map(([name, value]) => [name, value.toString('base64')])));
}

function digestsOf(text: string): Digests {
  const stored: Record<string, string> = JSON.parse(text);
  const out: Digests = {};
  for (const name of DIGEST_NAMES) {
    const value = stored[name];
    if (value !== undefined) out[name] = Buffer.from(value, 'base64');
  }
  return out;
}

function json(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function isId(id: string): boolean {
  return /^[0-9a-f]{32}$/.test(id);
}

function missing(): CloudStoreError {
  return new CloudStoreError('upload_not_found', 'There is no such upload.');
}
