import type { JobStore } from '#contracts/job-store';
import type { JobStatus } from '#contracts/jobs';
import type { Signals } from '#contracts/signals';
import { CloudStoreError } from '#core/errors';
import type { Database, Statement } from './database.ts';

const ENSURE = {
  name: 'jobs-ensure',
  text: 'INSERT INTO jobs (name, since_ms) SELECT x.name, cs_now_ms() FROM unnest($1::text[]) AS x(name) ON CONFLICT DO NOTHING',
};
const REQUEST = {
  name: 'jobs-request',
  text: `UPDATE jobs SET requested = requested OR holder IS NULL OR lease_until_ms < cs_now_ms(),
                         argument = CASE WHEN holder IS NULL OR lease_until_ms < cs_now_ms() THEN $2::jsonb ELSE argument END,
                         cancelled = cancelled AND holder IS NOT NULL AND lease_until_ms >= cs_now_ms()
          WHERE name = $1`,
};
const REQUEST_ALONE = {
  name: 'jobs-request-alone',
  text: `UPDATE jobs SET requested = true, argument = $2::jsonb, cancelled = false
          WHERE name = $1 AND NOT requested AND (holder IS NULL OR (cancelled AND lease_until_ms < cs_now_ms()))`,
};
const EXISTS = { name: 'jobs-exists', text: 'SELECT 1 FROM jobs WHERE name = $1' };
const CANCEL = {
  name: 'jobs-cancel',
  text: 'UPDATE jobs SET requested = false, cancelled = holder IS NOT NULL WHERE name = $1',
};
const LIST = {
  name: 'jobs-list',
  text: `SELECT name, CASE WHEN holder IS NOT NULL AND lease_until_ms >= cs_now_ms() THEN 'running'
                           WHEN requested OR holder IS NOT NULL THEN 'requested' ELSE 'idle' END,
                progress, started_ms, ended_ms, outcome, message FROM jobs ORDER BY name`,
};
/**
 * What was cancelled and whose holder is silent has ended; nobody else will say so. A lease that ends later than any can that was given since the clock was set back
 * is one from now on: a holder that lives renews it.
 */
const BURY = {
  name: 'jobs-bury',
  text: `WITH early AS (UPDATE jobs SET lease_until_ms = cs_now_ms() + $1 WHERE holder IS NOT NULL AND lease_until_ms > cs_now_ms() + $1)
         UPDATE jobs SET holder = NULL, cancelled = false, since_ms = cs_now_ms(), ended_ms = cs_now_ms(), outcome = 'cancelled', message = NULL
          WHERE holder IS NOT NULL AND cancelled AND lease_until_ms < cs_now_ms()`,
};
/** A run that ended in the future ended before the clock was set back: nobody knows how long ago. */
const TAKE = {
  name: 'jobs-take',
  text: `UPDATE jobs t SET holder = $1, lease_until_ms = cs_now_ms() + $4, requested = false, cancelled = false, progress = NULL,
                         argument = CASE WHEN t.requested OR t.holder IS NOT NULL THEN t.argument END, started_ms = cs_now_ms()
           FROM unnest($2::text[], $3::bigint[]) AS x(name, every_ms)
          WHERE t.name = x.name AND (t.holder IS NULL OR (t.lease_until_ms < cs_now_ms() AND NOT t.cancelled))
            AND (t.requested OR t.holder IS NOT NULL OR t.since_ms + x.every_ms <= cs_now_ms()
                 OR (x.every_ms IS NOT NULL AND t.since_ms > cs_now_ms()))
         RETURNING t.name, t.state, t.argument`,
};
const RENEW = {
  name: 'jobs-renew',
  text: `UPDATE jobs SET lease_until_ms = cs_now_ms() + $3, progress = coalesce($4::jsonb, progress)
          WHERE name = $1 AND holder = $2 RETURNING cancelled`,
};
const SAVE = { name: 'jobs-save', text: 'UPDATE jobs SET state = $3::jsonb WHERE name = $1 AND holder = $2' };
const END = {
  name: 'jobs-end',
  text: `UPDATE jobs SET holder = NULL, cancelled = false, requested = ($3 = 'released'), ended_ms = cs_now_ms(),
                         since_ms = cs_now_ms() - $5::bigint, outcome = CASE WHEN $3 = 'released' THEN outcome ELSE $3 END,
                         message = CASE WHEN $3 = 'released' THEN message ELSE $4 END
          WHERE name = $1 AND holder = $2`,
};

type StatusRow = [
  string,
  JobStatus['state'],
  string | null,
  number | null,
  number | null,
  'done' | 'failed' | 'cancelled' | null,
  string | null,
];

/** The contract is JobStore. */
export function createJobStore({ database, signals }: { database: Database; signals: Signals }): JobStore {
  const json = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value));
  const parse = (text: string | null): unknown => (text === null ? null : JSON.parse(text));

  async function requestAlone(name: string, argument: unknown): Promise<void> {
    if ((await database.execute(REQUEST_ALONE, [name, json(argument)])) > 0) return signals.publish('jobs', name);
    if ((await database.query(EXISTS, [name])).length === 0) throw new CloudStoreError('not_found', `There is no job ${name}.`);
    throw new CloudStoreError('conflict', `The job ${name} runs already, or was asked for.`);
  }

  async function tell(statement: Statement, name: string, values: unknown[]): Promise<void> {
    if ((await database.execute(statement, [name, ...values])) === 0)
      throw new CloudStoreError('not_found', `There is no job ${name}.`);
    await signals.publish('jobs', name);
  }

  return {
    async ensure(names) {
      await database.execute(ENSURE, [names]);
    },
    request: (name, argument, alone = false) => (alone ? requestAlone(name, argument) : tell(REQUEST, name, [json(argument)])),
    cancel: (name) => tell(CANCEL, name, []),
    async list() {
      const rows = await database.read<StatusRow>(LIST);
      return rows.map(([name, state, progress, startedMs, endedMs, outcome, message]) => ({
        name,
        state,
        progress: progress === null ? null : JSON.parse(progress),
        startedMs,
        endedMs,
        outcome: outcome === null ? null : { kind: outcome, message },
      }));
    },
    async take(holder, schedules, leaseMs) {
      await database.execute(BURY, [leaseMs]);
      const columns = [schedules.map(({ name }) => name), schedules.map(({ everyMs }) => everyMs)];
      const rows = await database.query<[string, string | null, string | null]>(TAKE, [holder, ...columns, leaseMs]);
      return rows.map(([name, state, argument]) => ({ name, state: parse(state), argument: parse(argument) }));
    },
    async renew(name, holder, leaseMs, progress) {
      const rows = await database.query<[boolean]>(RENEW, [name, holder, leaseMs, json(progress)]);
      if (rows[0] === undefined) throw lost(name);
      if (progress !== null) await signals.publish('progress', name);
      return { cancelled: rows[0][0] };
    },
    async save(name, holder, state) {
      if ((await database.execute(SAVE, [name, holder, json(state)])) === 0) throw lost(name);
    },
    async end(name, holder, { kind, message, earlierMs }) {
      const ended = await database.execute(END, [name, holder, kind, message, Math.round(earlierMs)]);
      if (ended > 0) await signals.publish('jobs', name);
    },
  };
}

function lost(name: string): CloudStoreError {
  return new CloudStoreError('conflict', `Another gateway has taken over the job ${name}.`);
}
