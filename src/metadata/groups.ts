import type { GroupRecord, GroupStore } from '#contracts/group-store';
import type { Signals } from '#contracts/signals';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';
import { type Database, type Session, sqlState } from './database.ts';

type Row = [number, string, number, string[]];

const COLUMNS = `g.id, g.name, g.created_ms, ARRAY(
  SELECT p.name FROM group_members m JOIN principals p ON p.id = m.principal WHERE m.group_id = g.id ORDER BY p.name)`;
const CREATE = {
  name: 'group-create',
  text: 'INSERT INTO groups (name, created_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id',
};
const BY_NAME = { name: 'group-by-name', text: `SELECT ${COLUMNS} FROM groups g WHERE g.name = $1` };
const BY_ID = { name: 'group-by-id', text: `SELECT ${COLUMNS} FROM groups g WHERE g.id = $1` };
const LIST = { name: 'group-list', text: `SELECT ${COLUMNS} FROM groups g ORDER BY g.name` };
const OF = {
  name: 'groups-of',
  text: `SELECT ${COLUMNS} FROM groups g JOIN group_members mine ON mine.group_id = g.id WHERE mine.principal = $1 ORDER BY g.name`,
};
const RENAME = { name: 'group-rename', text: 'UPDATE groups SET name = $2 WHERE id = $1' };
const HOLD = { name: 'group-hold', text: 'SELECT id FROM groups WHERE id = $1 FOR UPDATE' };
const ADD = {
  name: 'group-add',
  text: 'INSERT INTO group_members (group_id, principal) SELECT $1, x FROM unnest($2::int[]) AS x ON CONFLICT DO NOTHING',
};
const TAKE = { name: 'group-take', text: 'DELETE FROM group_members WHERE group_id = $1 AND principal = ANY($2::int[])' };
const MEMBERS = { name: 'group-members', text: 'SELECT principal FROM group_members WHERE group_id = $1 ORDER BY principal' };
const REMOVE = { name: 'group-remove', text: 'DELETE FROM groups WHERE id = $1' };

/** Groups and their members. */
export function createGroupStore(options: { database: Database; clock: Clock; signals: Signals }): GroupStore {
  const { database, clock, signals } = options;
  async function changed(members: readonly PrincipalId[]): Promise<void> {
    for (const id of members) await signals.publish('principals', String(id));
  }
  async function read(session: Session, id: number): Promise<GroupRecord> {
    const rows = await session.query<Row>(BY_ID, [id]);
    if (!rows[0]) throw noGroup();
    return groupOf(rows[0]);
  }
  return {
    async create(name) {
      const rows = await database.query<[number]>(CREATE, [name, clock.now()]);
      if (!rows[0]) throw taken(name);
      return read(database, rows[0][0]);
    },
    async findByName(name) {
      const rows = await database.read<Row>(BY_NAME, [name]);
      return rows[0] ? groupOf(rows[0]) : null;
    },
    async list() {
      return (await database.read<Row>(LIST)).map(groupOf);
    },
    async groupsOf(principal) {
      return (await database.read<Row>(OF, [principal])).map(groupOf);
    },
    async change(id, { name, add = [], remove = [] }) {
      const group = await database
        .transaction(async (session) => {
          if ((await session.query(HOLD, [id])).length === 0) throw noGroup();
          if (name !== undefined) await session.execute(RENAME, [id, name]);
          await session.execute(TAKE, [id, remove]);
          await session.execute(ADD, [id, add]);
          return read(session, id);
        })
        .catch((error: unknown) => {
          if (name !== undefined && sqlState(error) === '23505') throw taken(name);
          throw sqlState(error) === '23503' ? new CloudStoreError('principal_not_found', 'There is no such user.') : error;
        });
      await changed([...add, ...remove]);
      return group;
    },
    async remove(id) {
      const members = await database.transaction(async (session) => {
        if ((await session.query(HOLD, [id])).length === 0) throw noGroup();
        const rows = await session.query<[number]>(MEMBERS, [id]);
        await session.execute(REMOVE, [id]);
        return rows.map(([member]) => member);
      });
      await changed(members);
    },
  };
}

function groupOf([id, name, created, members]: Row): GroupRecord {
  return { id, name, created, members };
}

function noGroup(): CloudStoreError {
  return new CloudStoreError('principal_not_found', 'There is no such group.');
}

function taken(name: string): CloudStoreError {
  return new CloudStoreError('already_exists', `A group named ${name} exists already.`, { details: { name } });
}
