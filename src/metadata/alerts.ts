import type { Alert, AlertKind, AlertStore } from '#contracts/alerts';
import type { Clock } from '#core/clock';
import type { Database } from './database.ts';

type Row = [number, AlertKind, string, string, number, number | null, string];

const COLUMNS = 'a.id, a.kind, a.subject, a.text, a.raised_ms, a.cleared_ms, a.told';
const RAISE = {
  name: 'alert-raise',
  text: `INSERT INTO alerts (kind, subject, text, raised_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, subject) WHERE cleared_ms IS NULL DO UPDATE SET text = excluded.text RETURNING raised_ms = $4`,
};
const HAPPENED = {
  name: 'alert-happened',
  text: 'INSERT INTO alerts (kind, subject, text, raised_ms, cleared_ms) VALUES ($1, $2, $3, $4, $4)',
};
const CLEAR = {
  name: 'alert-clear',
  text: 'UPDATE alerts SET cleared_ms = $3 WHERE kind = $1 AND subject = $2 AND cleared_ms IS NULL',
};
const OPEN = { name: 'alert-open', text: 'SELECT subject FROM alerts WHERE kind = $1 AND cleared_ms IS NULL ORDER BY id' };
const UNTOLD = {
  name: 'alert-untold',
  text: `SELECT ${COLUMNS} FROM alerts a WHERE a.raised_ms >= $2 AND NOT a.told ? $1 ORDER BY a.id LIMIT 100`,
};
const TELL = { name: 'alert-tell', text: 'UPDATE alerts SET told = told || to_jsonb($2::text) WHERE id = $1' };
const LIST = { name: 'alert-list', text: `SELECT ${COLUMNS} FROM alerts a ORDER BY a.id DESC LIMIT $1` };
const PLACE = {
  name: 'alert-place',
  text: `WITH before AS (SELECT count(*) AS n FROM known_places WHERE principal = $1),
              seen AS (INSERT INTO known_places AS k (principal, network, first_ms, last_ms) VALUES ($1, $2, $3, $3)
                       ON CONFLICT (principal, network) DO UPDATE SET last_ms = excluded.last_ms RETURNING k.first_ms = $3 AND xmax = 0 AS fresh)
         SELECT seen.fresh AND before.n > 0 FROM seen, before`,
};

/** Alerts as rows. */
export function createAlertStore({ database, clock }: { database: Database; clock: Clock }): AlertStore {
  return {
    async raise({ kind, subject, text, over = false }) {
      if (over) return (await database.execute(HAPPENED, [kind, subject, text, clock.now()])) === 1;
      const [row] = await database.query<[boolean]>(RAISE, [kind, subject, text, clock.now()]);
      return row?.[0] === true;
    },
    async clear(kind, subject) {
      await database.execute(CLEAR, [kind, subject, clock.now()]);
    },
    open: async (kind) => (await database.read<[string]>(OPEN, [kind])).map(([subject]) => subject),
    untold: async (channel, sinceMs) => (await database.read<Row>(UNTOLD, [channel, sinceMs])).map(alertOf),
    async tell(id, channel) {
      await database.execute(TELL, [id, channel]);
    },
    list: async (limit) => (await database.read<Row>(LIST, [limit])).map(alertOf),
    async newPlace(principal, network) {
      const [row] = await database.query<[boolean]>(PLACE, [principal, network, clock.now()]);
      return row?.[0] === true;
    },
  };
}

function alertOf([id, kind, subject, text, raised, cleared, told]: Row): Alert {
  return { id, kind, subject, text, raised, cleared, told: JSON.parse(told) };
}
