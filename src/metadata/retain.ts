import type { RetainStep } from '#contracts/expiry-store';
import type { Database } from './database.ts';

/** version, slot, bucket, size */
export type Doomed = [version: string, slot: number, bucket: number, size: number];

const PAGE = 500;
/** Names looked at in one step of a rule by count. */
const NAMES = 5_000;
const DAY_MS = 24 * 3600 * 1000;

const FREE = `v.visibility = 'hidden' AND NOT v.legal_hold AND coalesce(v.retain_until_ms, 0) < cs_now_ms()`;
/** A bucket's own rule may be longer than the shortest of all: what it keeps is passed over. $2 and $3: behind which version of which time. */
const DAYS = {
  name: 'retain-days',
  text: `WITH old AS MATERIALIZED (
      SELECT v.id, v.slot_id, v.size, v.superseded_ms FROM versions v
       WHERE ${FREE} AND v.superseded_ms < cs_now_ms() - $4::bigint AND (v.superseded_ms, v.id) > ($2::bigint, decode($3, 'hex'))
       ORDER BY v.superseded_ms, v.id LIMIT $5)
    SELECT encode(o.id, 'hex'), o.slot_id, s.bucket_id, o.size, o.superseded_ms,
           coalesce(CASE WHEN b.config->'retention' ? 'days' THEN o.superseded_ms < cs_now_ms() - (b.config->'retention'->>'days')::bigint * ${DAY_MS}
                         ELSE o.superseded_ms < cs_now_ms() - $1::bigint END, false)
      FROM old o JOIN slots s ON s.id = o.slot_id JOIN buckets b ON b.id = s.bucket_id ORDER BY o.superseded_ms, o.id`,
};
const SHORTEST = {
  name: 'retain-shortest',
  text: `SELECT least($1::bigint, min((config->'retention'->>'days')::bigint * ${DAY_MS})) FROM buckets WHERE config ? 'retention'`,
};
const NEXT_BUCKET = {
  name: 'retain-next-bucket',
  text: `SELECT id, (config->'retention'->>$1)::bigint FROM buckets WHERE id >= $2 AND jsonb_typeof(config->'retention'->$1) = 'number' ORDER BY id LIMIT 1`,
};
const VERSIONS = {
  name: 'retain-versions',
  text: `SELECT encode(o.id, 'hex'), p.id, $1::int, o.size
           FROM (SELECT s.id FROM slots s WHERE s.bucket_id = $1 AND s.key > $2 AND ($3::text IS NULL OR s.key <= $3)) p
          CROSS JOIN LATERAL (
            SELECT v.id, v.size FROM (SELECT * FROM versions w WHERE w.slot_id = p.id AND w.visibility = 'hidden' ORDER BY w.seq DESC, w.id DESC OFFSET $4) v WHERE ${FREE}) o`,
};
const BOUND = {
  name: 'retain-bound',
  text: 'SELECT key FROM slots WHERE bucket_id = $1 AND key > $2 ORDER BY key OFFSET $3 LIMIT 1',
};
/** What is kept in all, as long as the bucket's account says that there may be too much. */
const SURPLUS = {
  name: 'retain-surplus',
  text: `SELECT coalesce(sum(v.size), 0)::bigint - $2::bigint FROM bucket_heads h JOIN slots s ON s.bucket_id = h.bucket_id JOIN versions v ON v.slot_id = s.id
          WHERE h.bucket_id = $1 AND h.history_bytes > $2 AND v.visibility = 'hidden'`,
};
const OLDEST = {
  name: 'retain-oldest',
  text: `SELECT encode(v.id, 'hex'), s.id, s.bucket_id, v.size FROM slots s JOIN versions v ON v.slot_id = s.id WHERE s.bucket_id = $1 AND ${FREE}
          ORDER BY v.superseded_ms, v.id LIMIT $2`,
};

/** What the next step of retention lets go, and where it goes on. */
export async function nextDoomed(
  database: Database,
  days: number,
  from: RetainStep | null,
): Promise<{ doomed: Doomed[]; next: RetainStep | null }> {
  const step = from ?? { rule: 'days', bucket: 0, after: `0 ${'0'.repeat(32)}` };
  if (step.rule === 'days') return byDays(database, days, step);
  const rows = await database.read<[number, number]>(NEXT_BUCKET, [step.rule, step.bucket]);
  const [found] = rows;
  if (found === undefined) {
    return { doomed: [], next: step.rule === 'versions' ? { rule: 'bytes', bucket: 0, after: '' } : null };
  }
  const [bucket, most] = found;
  const at = bucket === step.bucket ? step : { ...step, bucket, after: '' };
  return step.rule === 'versions' ? byVersions(database, most, at) : byBytes(database, most, at);
}

async function byDays(database: Database, days: number, step: RetainStep): Promise<{ doomed: Doomed[]; next: RetainStep }> {
  const [time = '0', id = ''] = step.after.split(' ');
  const usual = days * DAY_MS;
  const [shortest] = await database.read<[number | null]>(SHORTEST, [usual]);
  const values = [usual, Number(time), id, shortest?.[0] ?? usual, PAGE];
  const rows = await database.read<[...Doomed, number, boolean]>(DAYS, values);
  const doomed = rows.filter((row) => row[5]).map((row): Doomed => [row[0], row[1], row[2], row[3]]);
  const last = rows.at(-1);
  if (last === undefined || rows.length < PAGE) return { doomed, next: { rule: 'versions', bucket: 0, after: '' } };
  return { doomed, next: { ...step, after: `${last[4]} ${last[0]}` } };
}

async function byVersions(database: Database, most: number, step: RetainStep): Promise<{ doomed: Doomed[]; next: RetainStep }> {
  const { bucket, after } = step;
  const [bound] = await database.read<[string]>(BOUND, [bucket, after, NAMES - 1]);
  const doomed = await database.read<Doomed>(VERSIONS, [bucket, after, bound?.[0] ?? null, Math.max(0, most)]);
  const next = bound === undefined ? { ...step, bucket: bucket + 1, after: '' } : { ...step, after: bound[0] };
  return { doomed, next };
}

async function byBytes(database: Database, most: number, step: RetainStep): Promise<{ doomed: Doomed[]; next: RetainStep }> {
  const { bucket } = step;
  const through = { ...step, bucket: bucket + 1, after: '' };
  const [row] = await database.read<[number]>(SURPLUS, [bucket, Math.max(0, most)]);
  let surplus = row?.[0] ?? 0;
  if (surplus <= 0) return { doomed: [], next: through };
  const rows = await database.read<Doomed>(OLDEST, [bucket, PAGE]);
  const doomed = rows.filter(([, , , size]) => {
    const goes = surplus > 0;
    surplus -= size;
    return goes;
  });
  // What is left over may be held: then nothing more can go.
  return { doomed, next: surplus > 0 && rows.length === PAGE ? step : through };
}
