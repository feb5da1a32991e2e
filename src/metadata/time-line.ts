import type { Mark, TimeLine } from '#contracts/time-line';
import type { Clock } from '#core/clock';
import type { Database } from './database.ts';
import { beginNewTime } from './new-time.ts';

const MARKS = { name: 'time-marks', text: 'SELECT bucket_id, epoch, seq FROM bucket_heads ORDER BY bucket_id' };
/** Whatever changes a bucket takes its head first, so nothing is committed between the look and the new time. */
const LOCK = { name: 'time-lock', text: 'SELECT bucket_id FROM bucket_heads ORDER BY bucket_id FOR UPDATE' };
/** A bucket that is not there was deleted, or made in the time that is gone: then its id was never given out here. */
const BEHIND = {
  name: 'time-behind',
  text: `SELECT EXISTS (SELECT 1 FROM unnest((SELECT $1::int[]), (SELECT $2::int[]), (SELECT $3::bigint[])) AS m(bucket, epoch, seq)
           LEFT JOIN bucket_heads h ON h.bucket_id = m.bucket
          WHERE (h.epoch, h.seq) < (m.epoch, m.seq) OR (h.bucket_id IS NULL AND m.bucket > (
            SELECT coalesce(last_value, 0) FROM pg_sequences
             WHERE format('%I.%I', schemaname, sequencename)::regclass = pg_get_serial_sequence('buckets', 'id')::regclass)))`,
};
const SEQUENCES = {
  name: 'time-sequences',
  text: `SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL`,
};

/** The contract is TimeLine. */
export function createTimeLine({ database, clock }: { database: Database; clock: Clock }): TimeLine {
  return {
    async marks() {
      const rows = await database.read<[number, number, number]>(MARKS);
      return rows.map(([bucket, epoch, seq]) => ({ bucket, epoch, seq }));
    },
    async beginAnewIfBehind(marks) {
      const values = columnsOf(marks);
      if ((await database.read<[boolean]>(BEHIND, values))[0]![0] === false) return false;
      return database.transaction(async (session) => {
        await session.query(LOCK);
        const [row] = await session.query<[boolean]>(BEHIND, values);
        if (row![0] === false) return false;
        const sequences = Object.fromEntries(await session.query<[string, number]>(SEQUENCES));
        const run = (text: string, given?: unknown[]) => session.execute({ name: nameOf(text), text }, given);
        await beginNewTime(run, sequences, clock.now());
        // One that was ended in the time that is gone must not come back to life.
        for (const table of ['sessions', 'locks', 'challenges']) await run(`DELETE FROM ${table}`);
        return true;
      });
    },
  };
}

function columnsOf(marks: readonly Mark[]): unknown[] {
  return [marks.map(({ bucket }) => bucket), marks.map(({ epoch }) => epoch), marks.map(({ seq }) => seq)];
}

/** Statements are prepared by their names; these run once in the life of a database. */
function nameOf(text: string): string {
  return `new-time-${text.split(' ', 3).join('-').toLowerCase()}`;
}
