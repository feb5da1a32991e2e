import type { ChunkRecord, LeafRecord } from '#contracts/content';
import type { NewPart, Resumable, ResumableKind, ResumableStore } from '#contracts/resumable-store';
import type { UploadStore } from '#contracts/upload-store';
import type { Clock, Random } from '#core/clock';
import { encodeContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { recordsOf } from './chunk-index.ts';
import type { Database, Session } from './database.ts';
import type { Registration } from './instance.ts';
import { mintVersionId } from './version-id.ts';

type Row = [
  id: string,
  bucket: number,
  key: string,
  principal: number,
  kind: ResumableKind,
  length: number | null,
  received: number,
  conditions: string | null,
  metadata: string,
  concat: string | null,
  touched: number,
  attributes: string,
  mtime: number | null,
  created: number,
  completedVersion: string | null,
];

const COMPLETED_FOUND_MS = 24 * 3600 * 1000;
const COLUMNS = `encode(r.id, 'hex'), r.bucket_id, r.key, r.principal, r.kind, r.length, r.received, r.conditions, r.metadata, r.concat, r.touched_ms,
  u.attributes, u.mtime_ms, u.created_ms, encode(u.completed_version, 'hex')`;
const FROM = 'FROM resumables r JOIN uploads u ON u.id = r.id';

const CREATE_UPLOAD = {
  name: 'resumable-create-upload',
  text: `INSERT INTO uploads (id, bucket_id, key, principal, attributes, mtime_ms, created_ms)
         SELECT decode($1, 'hex'), b.id, $3, $4, $5, $6, $7 FROM buckets b WHERE b.id = $2 AND b.removed_ms IS NULL FOR SHARE`,
};
const CREATE = {
  name: 'resumable-create',
  text: `INSERT INTO resumables (id, bucket_id, key, principal, kind, length, conditions, metadata, concat, touched_ms)
         VALUES (decode($1, 'hex'), $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
};
const FIND = {
  name: 'resumable-find',
  text: `SELECT ${COLUMNS} ${FROM} WHERE r.id = decode($1, 'hex') AND (u.completed_ms IS NULL OR u.completed_ms > $2)`,
};
const LIST = {
  name: 'resumable-list',
  text: `SELECT ${COLUMNS} ${FROM} WHERE r.principal = $1 AND r.kind = 'whole' AND u.completed_version IS NULL
           AND ($2::text IS NULL OR r.id < decode($2, 'hex')) ORDER BY r.id DESC LIMIT $3`,
};
const ALIVE = { name: 'resumable-alive', text: 'SELECT cs_alive($1)' };
/** Holds the upload's row, so that its end either sees the part or refuses it. */
const HOLD = {
  name: 'resumable-hold',
  text: `SELECT 1 FROM uploads WHERE id = decode($1, 'hex') AND completed_version IS NULL FOR SHARE`,
};
const ADVANCE = {
  name: 'resumable-advance',
  text: `UPDATE resumables SET received = received + $3, touched_ms = $4
          WHERE id = decode($1, 'hex') AND received = $2 AND (length IS NULL OR received + $3 <= length) RETURNING received`,
};
const STATE = { name: 'resumable-state', text: `SELECT received, length FROM resumables WHERE id = decode($1, 'hex')` };
const RECORD = { name: 'resumable-chunks', text: 'SELECT cs_apply_extra(0, $1)' };
const ADD_PART = {
  name: 'resumable-part',
  text: `INSERT INTO parts (upload_id, number, size, etag, content, digests, modified_ms)
         SELECT decode($1, 'hex'), coalesce((SELECT max(number) FROM parts WHERE upload_id = decode($1, 'hex')), 0) + 1, $2, '', $3, '{}', $4
         RETURNING number`,
};
const LOCK = { name: 'resumable-lock', text: `SELECT 1 FROM resumables WHERE id = decode($1, 'hex') FOR UPDATE` };
const TAKE_PARTS = {
  name: 'resumable-take-parts',
  text: `DELETE FROM parts WHERE upload_id = decode($1, 'hex') AND number = ANY((SELECT $2::int[])::int[]) RETURNING number`,
};
const FOLDED_PART = {
  name: 'resumable-folded',
  text: `INSERT INTO parts (upload_id, number, size, etag, content, digests, modified_ms) VALUES (decode($1, 'hex'), $2, $3, '', $4, '{}', $5)`,
};
const SET_LENGTH = {
  name: 'resumable-length',
  text: `UPDATE resumables SET length = $2 WHERE id = decode($1, 'hex') AND received <= $2 AND (length IS NULL OR length = $2)`,
};
const REDIRECT_UPLOAD = {
  name: 'resumable-redirect-upload',
  text: `UPDATE uploads SET key = $2 WHERE id = decode($1, 'hex') AND completed_version IS NULL`,
};
const REDIRECT = {
  name: 'resumable-redirect',
  text: `UPDATE resumables SET key = $2, conditions = $3 WHERE id = decode($1, 'hex')`,
};
const DESCRIBE = {
  name: 'resumable-describe',
  text: `UPDATE uploads u SET attributes = $2 FROM resumables r WHERE u.id = decode($1, 'hex') AND r.id = u.id AND u.completed_version IS NULL`,
};
/** The room that it took of a link (`upload.link`) goes back with it, whoever removes it; that of a file is the file's. */
const REMOVE = {
  name: 'resumable-remove',
  text: `WITH gone AS (DELETE FROM uploads u USING resumables r WHERE u.id = decode($1, 'hex') AND r.id = u.id
                      RETURNING u.completed_version, u.attributes::json->'extra'->>'upload.link' AS taken),
         room AS (UPDATE links l SET bytes = greatest(0, l.bytes - split_part(taken, ' ', 2)::bigint), files = greatest(0, l.files - 1)
                    FROM gone WHERE completed_version IS NULL AND l.id = split_part(taken, ' ', 1)::int)
         SELECT 1 FROM gone`,
};

export interface ResumableStoreDeps {
  database: Database;
  clock: Clock;
  random: Random;
  registration: Registration;
  uploads: Pick<UploadStore, 'parts'>;
}

/** The contract is ResumableStore. */
export function createResumableStore({ database, clock, random, registration, uploads }: ResumableStoreDeps): ResumableStore {
  async function record(session: Session, part: NewPart, chunks: ChunkRecord[], leaves: LeafRecord[]): Promise<void> {
    if (chunks.length + leaves.length === 0) return;
    await session.query(RECORD, [JSON.stringify(recordsOf(part.content.domain, chunks, leaves))]);
  }

  return {
    async create(upload) {
      const { bucket, key, principal, kind, length, conditions, metadata, concat, attributes, mtime } = upload;
      const now = clock.now();
      const id = mintVersionId(clock, random);
      await database.transaction(async (session) => {
        const made = await session.execute(CREATE_UPLOAD, [
          id,
          bucket,
          key,
          principal,
          JSON.stringify(attributes),
          mtime ?? null,
          now,
        ]);
        if (made === 0) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
        await session.execute(CREATE, [
          id,
          bucket,
          key,
          principal,
          kind,
          length,
          JSON.stringify(conditions),
          metadata,
          concat,
          now,
        ]);
      });
      return { ...upload, id, received: 0, created: now, touched: now, completedVersion: null };
    },
    async find(id) {
      if (!isId(id)) return null;
      const rows = await database.read<Row>(FIND, [id, clock.now() - COMPLETED_FOUND_MS]);
      return rows[0] ? resumableOf(rows[0]) : null;
    },
    async list(principal, before, limit) {
      const rows = await database.read<Row>(LIST, [principal, before !== null && isId(before) ? before : null, limit]);
      return rows.map(resumableOf);
    },
    append(id, offset, part, chunks, leaves) {
      return database.transaction(async (session) => {
        await session.query(ALIVE, [registration.gateway]);
        if ((await session.query(HOLD, [id])).length === 0) throw await gone(session, id);
        const [advanced] = await session.query<[number]>(ADVANCE, [id, offset, part.size, clock.now()]);
        if (advanced === undefined) throw await refusal(session, id, offset);
        await record(session, part, chunks, leaves);
        const values = [id, part.size, encodeContentRef(part.content), part.modified];
        const [added] = await session.query<[number]>(ADD_PART, values);
        return { received: advanced[0], parts: added?.[0] ?? 0 };
      });
    },
    async parts(id) {
      const all = [];
      for (;;) {
        const page = await uploads.parts(id, all.at(-1)?.number ?? 0, PARTS_PAGE);
        all.push(...page);
        if (page.length < PARTS_PAGE) return all;
      }
    },
    async fold(id, numbers, part, chunks, leaves) {
      await database.transaction(async (session) => {
        await session.query(ALIVE, [registration.gateway]);
        if ((await session.query(HOLD, [id])).length === 0) return;
        await session.query(LOCK, [id]);
        await record(session, part, chunks, leaves);
        const taken = await session.query(TAKE_PARTS, [id, numbers]);
        // Somebody else has folded them: what was taken here comes back with the transaction.
        if (taken.length !== numbers.length) throw new CloudStoreError('conflict', 'The parts were folded by another gateway.');
        await session.execute(FOLDED_PART, [id, numbers[0], part.size, encodeContentRef(part.content), part.modified]);
      });
    },
    async setLength(id, length) {
      if (!isId(id)) throw missing();
      if ((await database.execute(SET_LENGTH, [id, length])) > 0) return;
      const [state] = await database.read<[number, number | null]>(STATE, [id]);
      if (state === undefined) throw missing();
      throw new CloudStoreError('conflict', 'The upload has another length already.', { details: { received: state[0] } });
    },
    async redirect(id, key, conditions) {
      if (!isId(id)) throw missing();
      await database.transaction(async (session) => {
        if ((await session.execute(REDIRECT_UPLOAD, [id, key])) === 0) throw missing();
        await session.execute(REDIRECT, [id, key, JSON.stringify(conditions)]);
      });
    },
    async describe(id, attributes) {
      if (!isId(id) || (await database.execute(DESCRIBE, [id, JSON.stringify(attributes)])) === 0) throw missing();
    },
    async remove(id) {
      if (!isId(id) || (await database.execute(REMOVE, [id])) === 0) throw missing();
    },
  };
}

const PARTS_PAGE = 1000;

/** Ended by somebody else meanwhile, or removed. */
async function gone(session: Session, id: string): Promise<CloudStoreError> {
  const [state] = await session.query<[number, number | null]>(STATE, [id]);
  if (state === undefined) return missing();
  return new CloudStoreError('conflict', 'The upload has ended.', { details: { received: state[0] } });
}

async function refusal(session: Session, id: string, offset: number): Promise<CloudStoreError> {
  const [state] = await session.query<[number, number | null]>(STATE, [id]);
  if (state === undefined) return missing();
  const [received] = state;
  return received === offset
    ? new CloudStoreError('too_large', 'The upload has more bytes than its length.', { details: { received } })
    : new CloudStoreError('conflict', 'The upload has come to another offset.', { details: { received } });
}

function resumableOf(row: Row): Resumable {
  const [id, bucket, key, principal, kind, length, received, conditions, metadata, concat, touched, attributes, mtime] = row;
  const [created, completedVersion] = [row[13], row[14]];
  return {
    id,
    bucket,
    key,
    principal,
    kind,
    length,
    received,
    conditions: conditions === null ? {} : JSON.parse(conditions),
    metadata,
    concat,
    touched,
    attributes: JSON.parse(attributes),
    ...(mtime === null ? {} : { mtime }),
    created,
    completedVersion,
  };
}

function isId(id: string): boolean {
  return /^[0-9a-f]{32}$/.test(id);
}

function missing(): CloudStoreError {
  return new CloudStoreError('upload_not_found', 'There is no such upload.');
}
