import type { Run, RunKind, RunStore } from '#contracts/runs';
import type { Database } from './database.ts';

const KEPT = 100;
const ADD = {
  name: 'run-add',
  text: 'INSERT INTO runs (kind, started_ms, ended_ms, outcome, message, report) VALUES ($1, $2, $3, $4, $5, $6)',
};
const FORGET = {
  name: 'run-forget',
  text: `DELETE FROM runs WHERE kind = $1 AND id <= (SELECT r.id FROM runs r WHERE r.kind = $1 ORDER BY r.id DESC OFFSET ${KEPT} LIMIT 1)`,
};
const LIST = {
  name: 'run-list',
  text: `SELECT id, kind, started_ms, ended_ms, outcome, message, report FROM runs WHERE kind = $1 ORDER BY id DESC LIMIT $2`,
};

/** Runs as rows. */
export function createRunStore(database: Database): RunStore {
  return {
    async add({ kind, startedMs, endedMs, outcome, message, report }) {
      await database.execute(ADD, [kind, startedMs, endedMs, outcome, message, JSON.stringify(report)]);
      await database.execute(FORGET, [kind]);
    },
    async list(kind, limit) {
      const rows = await database.read<[number, RunKind, number, number, Run['outcome'], string | null, string]>(LIST, [
        kind,
        limit,
      ]);
      return rows.map(([id, of, startedMs, endedMs, outcome, message, report]) => ({
        id,
        kind: of,
        startedMs,
        endedMs,
        outcome,
        message,
        report: JSON.parse(report),
      }));
    },
  };
}
