import type { InstanceStore } from '#contracts/instance-store';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Database } from './database.ts';

/** What this process is to the others. */
export interface Registration {
  /** Set by `register`: the commits of this process carry it. */
  gateway: number | null;
  /** The turn of collection that this process has heard of; what it begins from here on is of it. */
  turn: number;
  /** Running uploads, by the turn in which they began. */
  leases: Set<{ turn: number }>;
  /** What has to be learned before a turn counts as heard of. */
  heard: (() => Promise<void>) | null;
}

export interface InstanceOptions {
  database: Database;
  clock: Clock;
  registration: Registration;
}

const SETTING = { name: 'setting', text: 'SELECT value FROM settings WHERE name = $1' };
const INSERT = { name: 'setting-insert', text: 'INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING' };
const PUT = {
  name: 'setting-put',
  text: 'INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
};
const REGISTER = {
  name: 'gateway-register',
  text: `INSERT INTO gateways (host, pid, version, started_ms, seen_ms, known_turn) VALUES ($1, $2, $3, $4, cs_now_ms(), CASE WHEN $5 THEN 0 ELSE cs_turn() END)
         RETURNING id, known_turn`,
};
const HEARTBEAT = {
  name: 'gateway-heartbeat',
  text: `UPDATE gateways SET seen_ms = cs_now_ms(), known_turn = $2, oldest_lease_turn = $3 WHERE id = $1 AND NOT fenced RETURNING cs_turn()`,
};
const SILENT = {
  name: 'gateway-silent',
  text: 'SELECT id FROM gateways WHERE version = $1 AND seen_ms <= cs_now_ms() - $2::bigint ORDER BY id',
};
const UNREGISTER = { name: 'gateway-unregister', text: 'DELETE FROM gateways WHERE id = $1' };

/** Settings of the whole installation, and which gateways there are. */
export function createInstanceStore({ database, clock, registration }: InstanceOptions): InstanceStore {
  async function setting<T>(name: string): Promise<T | null> {
    const rows = await database.read<[string]>(SETTING, [name]);
    return rows[0] ? JSON.parse(rows[0][0]) : null;
  }
  async function heartbeat(gateway: number): Promise<void> {
    const { turn, leases } = registration;
    const oldest = leases.size === 0 ? null : Math.min(...[...leases].map((lease) => lease.turn));
    // What begins while this is under way is of `turn` or later, as it says.
    const rows = await database.query<[number]>(HEARTBEAT, [gateway, turn, oldest]);
    if (rows[0] === undefined) throw new CloudStoreError('conflict', 'This gateway was fenced: it was silent for too long.');
    if (rows[0][0] === turn) return;
    // Before we say that we have heard of it: what begins from here on knows what was there when the turn began.
    await registration.heard?.();
    registration.turn = rows[0][0];
    await heartbeat(gateway); // somebody waits to hear that we have heard
  }
  return {
    setting,
    async settingOrInsert<T>(name: string, value: T) {
      await database.execute(INSERT, [name, JSON.stringify(value)]);
      return (await setting<T>(name)) ?? value;
    },
    async putSetting(name, value) {
      await database.execute(PUT, [name, JSON.stringify(value)]);
    },
    async register({ host, pid, version }) {
      // One that has to learn something first has heard of no turn yet.
      const learns = registration.heard !== null;
      const rows = await database.query<[number, number]>(REGISTER, [host, pid, version, clock.now(), learns]);
      const [gateway, turn] = rows[0]!;
      registration.gateway = gateway;
      registration.turn = turn;
      if (learns) await heartbeat(gateway);
      return gateway;
    },
    heartbeat,
    onTurn(learn) {
      registration.heard = learn;
    },
    silent: async (version, silentMs) => (await database.read<[number]>(SILENT, [version, silentMs])).map(([id]) => id),
    async unregister(gateway) {
      await database.execute(UNREGISTER, [gateway]);
      if (registration.gateway === gateway) registration.gateway = null;
    },
  };
}
