/**
 * How each table goes into a dump. `whole`: small, all of it in every dump. `changes`: all of it in a base, then the rows whose keys the
 * triggers wrote down (migration 0006). `journal`: by its number.
 *
 * A test fails when a migration adds a table that stands in neither list. Columns need no list: a dump carries all that a table has.
 */
export const DUMPED: Readonly<Record<string, DumpedTable>> = {
  settings: { how: 'whole' },
  domains: { how: 'whole' },
  principals: { how: 'whole' },
  usage: { how: 'whole' },
  access_keys: { how: 'whole' },
  second_factors: { how: 'whole' },
  recovery_codes: { how: 'whole' },
  passkeys: { how: 'whole' },
  groups: { how: 'whole' },
  group_members: { how: 'whole' },
  buckets: { how: 'whole' },
  bucket_names: { how: 'whole' },
  bucket_heads: { how: 'whole' },
  grants: { how: 'whole' },
  links: { how: 'whole' },
  link_rooms: { how: 'whole' },
  known_places: { how: 'whole' },
  audit_head: { how: 'whole' },
  packs: { how: 'whole' },
  space: { how: 'whole' },
  stores: { how: 'whole' },
  directories: { how: 'changes', key: ['id'] },
  slots: { how: 'changes', key: ['id'] },
  versions: { how: 'changes', key: ['id'] },
  object_acls: { how: 'changes', key: ['version_id'] },
  leaves: { how: 'changes', key: ['domain', 'id'] },
  chunks: { how: 'changes', key: ['domain', 'id'] },
  uploads: { how: 'changes', key: ['id'] },
  parts: { how: 'changes', key: ['upload_id', 'number'] },
  audit: { how: 'changes', key: ['id'] },
  slot_names: { how: 'changes', key: ['slot_id', 'until_ms'] },
  journal: { how: 'journal' },
};

/** What a dump leaves out, and why nothing is lost by it. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  gateways: 'who runs is known by who runs',
  sessions: 'a session that was ended since must not come back to life; users log in once more',
  claims: 'they last minutes, and one that was spent since must not open anything again',
  resumables: 'how far a stream had come; who sent it begins anew, and what is left of the old one expires',
  idempotency: 'answers that are given again for a day; the requests are long over',
  thumbnails: 'they are made again when somebody looks',
  names_pending: 'restore writes down every name anew',
  name_words: 'made of the names that are restored',
  challenges: 'a log-in that was under way begins anew',
  alerts: 'what was to be told was told, and what is still so is found again',
  runs: 'what was read and copied of one installation says nothing about another',
  locks: 'they last minutes, and their holders ask again',
  jobs: 'where a job was says nothing about another database; each begins anew',
  history_tasks: 'what was being restored or purged was asked of another database',
  bucket_space: 'a measurement, which is made again',
  damage: 'what is in quarantine is told by its own rows, and the next scrub says the rest again',
  pack_checks: 'when the packs of one disk were read says nothing about those of another',
  dump_heads: 'belongs to the chain of dumps of one database',
  knex_migrations: 'the head of the dump names the migrations',
  knex_migrations_lock: 'belongs to the migration tool',
};

/** The keys of changed rows belong to the chain of dumps of one database. */
export const CHANGED_PREFIX = 'changed_';

export type DumpedTable = { how: 'whole' } | { how: 'changes'; key: readonly string[] } | { how: 'journal' };

/** Of the settings, what is true of one database only. */
export const TIP_SETTING = 'snapshot-tip';

/** Sequences that are no column's own. */
export const SEQUENCES: readonly string[] = ['object_ids', 'collection_turns'];

/** How far back a base carries the journal: nothing reads it after a restore, whose cursors are new, but people may. */
export const JOURNAL_MS = 30 * 24 * 3600 * 1000;

/** Types whose binary form is the same in every Postgres from 15 on; a dump of another type is refused. */
export const COLUMN_TYPES = ['bigint', 'integer', 'smallint', 'text', 'bytea', 'boolean', 'jsonb', 'uuid'] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];
