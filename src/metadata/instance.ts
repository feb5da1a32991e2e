import type { InstanceStore } from '#contracts/instance-store';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Database } from './database.ts';

export interface InstanceOptions {
  database: Database;
  clock: Clock;
  /** Set by `register`: the commits of this process carry it. */
  registration: { gateway: number | null };
  /** Running uploads of this process, by the time they began, ms. */
  leases: ReadonlySet<{ began: number }>;
}

const SETTING = { name: 'setting', text: 'SELECT value FROM settings WHERE name = $1' };
const INSERT = { name: 'setting-insert', text: 'INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING' };
const PUT = {
  name: 'setting-put',
  text: 'INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
};
const REGISTER = {
  name: 'gateway-register',
  text: 'INSERT INTO gateways (host, pid, version, started_ms, seen_ms) VALUES ($1, $2, $3, $4, $4) RETURNING id',
};
const HEARTBEAT = {
  name: 'gateway-heartbeat',
  text: 'UPDATE gateways SET seen_ms = $2, oldest_lease_ms = $3 WHERE id = $1 AND NOT fenced',
};
const UNREGISTER = { name: 'gateway-unregister', text: 'DELETE FROM gateways WHERE id = $1' };

/** Settings of the whole installation, and which gateways there are. */
export function createInstanceStore({ database, clock, registration, leases }: InstanceOptions): InstanceStore {
  async function setting<T>(name: string): Promise<T | null> {
    const rows = await database.read<[string]>(SETTING, [name]);
    return rows[0] ? JSON.parse(rows[0][0]) : null;
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
      const rows = await database.query<[number]>(REGISTER, [host, pid, version, clock.now()]);
      registration.gateway = rows[0]![0];
      return rows[0]![0];
    },
    async heartbeat(gateway, oldestLeaseMs) {
      const began = [...leases].map((lease) => lease.began);
      if (oldestLeaseMs !== null) began.push(oldestLeaseMs);
      const oldest = began.length === 0 ? null : Math.min(...began);
      const alive = await database.execute(HEARTBEAT, [gateway, clock.now(), oldest]);
      if (alive === 0) throw new CloudStoreError('conflict', 'This gateway was fenced: it was silent for too long.');
    },
    async unregister(gateway) {
      await database.execute(UNREGISTER, [gateway]);
      if (registration.gateway === gateway) registration.gateway = null;
    },
  };
}
