import type { HistoryTask, HistoryTasks, OpenTask } from '#contracts/history-tasks';
import type { Clock } from '#core/clock';
import type { Database } from '../database.ts';

type Row = [
  id: number,
  bucket: number,
  kind: HistoryTask['kind'],
  state: HistoryTask['state'],
  counts: string,
  message: string | null,
  created: number,
  ended: number | null,
];

const COLUMNS = 't.id, t.bucket_id, t.kind, t.state, t.counts, t.message, t.created_ms, t.ended_ms';
const ADD = {
  name: 'task-add',
  text: `INSERT INTO history_tasks AS t (bucket_id, kind, intent, created_ms) VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
};
const NEXT = {
  name: 'task-next',
  text: `SELECT ${COLUMNS}, t.intent, coalesce(t.position, '') FROM history_tasks t WHERE t.state IN ('waiting', 'running') ORDER BY t.id LIMIT 1`,
};
const SAVE = {
  name: 'task-save',
  text: `UPDATE history_tasks SET state = $2, position = $3, counts = $4, message = $5, ended_ms = CASE WHEN $2 = 'running' THEN NULL ELSE $6::bigint END
          WHERE id = $1 AND state IN ('waiting', 'running')`,
};
const LIST = {
  name: 'task-list',
  text: `SELECT ${COLUMNS} FROM history_tasks t WHERE $1::int IS NULL OR t.bucket_id = $1 ORDER BY t.id DESC LIMIT $2`,
};
const CANCEL = {
  name: 'task-cancel',
  text: `UPDATE history_tasks SET state = 'cancelled', ended_ms = $3 WHERE bucket_id = $1 AND id = $2 AND state IN ('waiting', 'running')`,
};
const FORGET = { name: 'task-forget', text: 'DELETE FROM history_tasks WHERE ended_ms < $1' };
/** What has ended is shown for so long. */
const KEPT_MS = 30 * 24 * 3600 * 1000;

/** The contract is HistoryTasks. */
export function createHistoryTasks({ database, clock }: { database: Database; clock: Clock }): HistoryTasks {
  return {
    async add(bucket, { kind, intent }) {
      await database.execute(FORGET, [clock.now() - KEPT_MS]);
      const rows = await database.query<Row>(ADD, [bucket, kind, JSON.stringify(intent), clock.now()]);
      return taskOf(rows[0]!);
    },
    async next() {
      const [row] = await database.query<[...Row, string, string]>(NEXT);
      if (row === undefined) return null;
      const task = taskOf(row.slice(0, 8) as Row);
      const work = { kind: task.kind, intent: JSON.parse(row[8]) } as OpenTask['work']; // as `add` wrote it
      return { ...task, work, after: row[9] };
    },
    async save(
      id,
      { state, after, counts, message = null }: { state: string; after: string; counts: object; message?: string | null },
    ) {
      return (await database.execute(SAVE, [id, state, after, JSON.stringify(counts), message, clock.now()])) > 0;
    },
    list: async (bucket, limit) => (await database.read<Row>(LIST, [bucket, limit])).map(taskOf),
    cancel: async (bucket, id) => (await database.execute(CANCEL, [bucket, id, clock.now()])) > 0,
  };
}

function taskOf([id, bucket, kind, state, counts, message, created, ended]: Row): HistoryTask {
  return { id, bucket, kind, state, counts: JSON.parse(counts), message, created, ended };
}
