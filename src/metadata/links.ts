import type { LinkRecord, LinkStore } from '#contracts/link-store';
import type { Signals } from '#contracts/signals';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { LinkMode } from '#core/link';
import type { Database, Statement } from './database.ts';
import type { Registration } from './instance.ts';
import { endOf } from './rows.ts';

export interface LinkStoreOptions {
  database: Database;
  clock: Clock;
  signals: Signals;
  /** Whose room it is while bytes are on their way. */
  registration: Pick<Registration, 'gateway'>;
}

type Row = [
  id: number,
  maker: number,
  bucket: number,
  key: string,
  mode: LinkMode,
  label: string | null,
  passwordHash: string | null,
  expires: number | null,
  downloadsMax: number | null,
  downloads: number,
  bytesMax: number | null,
  bytes: number,
  filesMax: number | null,
  files: number,
  disabled: boolean,
  created: number,
  used: number | null,
  sealedToken: Buffer,
  tokenHash: Buffer,
  networks: string | null,
];

const COLUMNS = `l.id, l.maker, l.bucket_id, l.key, l.mode, l.label, l.password_hash, l.expires_ms, l.downloads_max, l.downloads, l.bytes_max, l.bytes,
  l.files_max, l.files, l.disabled, l.created_ms, l.used_ms, l.sealed_token, l.token_hash, l.networks`;
const CREATE = {
  name: 'link-create',
  text: `INSERT INTO links AS l (token_hash, sealed_token, maker, bucket_id, key, mode, label, password_hash, expires_ms, downloads_max, bytes_max,
           files_max, disabled, networks, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING ${COLUMNS}`,
};
const BY_ID = { name: 'link-by-id', text: `SELECT ${COLUMNS} FROM links l WHERE l.id = $1` };
const BY_TOKEN = { name: 'link-by-token', text: `SELECT ${COLUMNS} FROM links l WHERE l.token_hash = $1` };
const LIST = {
  name: 'link-list',
  text: `SELECT ${COLUMNS} FROM links l WHERE ($1::int IS NULL OR l.maker = $1) AND ($2::int IS NULL OR l.bucket_id = $2)
           AND ($3::text IS NULL OR l.key >= $3) AND ($4::text IS NULL OR l.key < $4)
           AND EXISTS (SELECT 1 FROM buckets b WHERE b.id = l.bucket_id AND b.removed_ms IS NULL) ORDER BY l.id`,
};
const REMOVE = { name: 'link-remove', text: 'DELETE FROM links WHERE id = $1' };
/** Each decides by the row that it locks. */
const COUNT_DOWNLOAD = {
  name: 'link-count-download',
  text: 'UPDATE links SET downloads = downloads + 1, used_ms = $2 WHERE id = $1 AND (downloads_max IS NULL OR downloads < downloads_max)',
};
const TAKE_ROOM = {
  name: 'link-take-room',
  text: `WITH taken AS (UPDATE links SET bytes = bytes + $2, files = files + $3, used_ms = $4 WHERE id = $1
           AND (bytes_max IS NULL OR bytes + $2 <= bytes_max) AND (files_max IS NULL OR files + $3 <= files_max) RETURNING id)
         INSERT INTO link_rooms AS r (link_id, gateway, bytes, files) SELECT id, $5, $2, $3 FROM taken
         ON CONFLICT (link_id, gateway) DO UPDATE SET bytes = r.bytes + excluded.bytes, files = r.files + excluded.files`,
};
const KEEP_ROOM = {
  name: 'link-keep-room',
  text: 'UPDATE link_rooms SET bytes = greatest(0, bytes - $2), files = greatest(0, files - $3) WHERE link_id = $1 AND gateway = $4',
};
/** The link's row first, as where it is taken. */
const GIVE_BACK = {
  name: 'link-give-back',
  text: `WITH given AS (UPDATE links SET bytes = greatest(0, bytes - $2), files = greatest(0, files - $3) WHERE id = $1 RETURNING id)
         UPDATE link_rooms r SET bytes = greatest(0, r.bytes - $2), files = greatest(0, r.files - $3) FROM given WHERE r.link_id = given.id AND r.gateway = $4`,
};

/** What of a link can be changed, and the column that has it. */
const CHANGEABLE = {
  mode: 'mode',
  label: 'label',
  expires: 'expires_ms',
  downloadsMax: 'downloads_max',
  bytesMax: 'bytes_max',
  filesMax: 'files_max',
  disabled: 'disabled',
  networks: 'networks',
  passwordHash: 'password_hash',
} as const;

/** Share links as rows. */
export function createLinkStore({ database, clock, signals, registration }: LinkStoreOptions): LinkStore {
  async function one(statement: Statement, value: unknown): Promise<LinkRecord | null> {
    const [row] = await database.read<Row>(statement, [value]);
    return row === undefined ? null : recordOf(row);
  }
  const changed = (id: number): Promise<void> => signals.publish('links', String(id));
  return {
    async create({
      maker,
      at,
      tokenHash,
      sealedToken,
      passwordHash,
      mode,
      label,
      expires,
      downloadsMax,
      bytesMax,
      filesMax,
      disabled,
      networks,
    }) {
      const terms = [mode, label, passwordHash, expires, downloadsMax, bytesMax, filesMax, disabled, json(networks)];
      const [row] = await database.query<Row>(CREATE, [tokenHash, sealedToken, maker, at.bucket, at.key, ...terms, clock.now()]);
      return recordOf(row!);
    },
    find: (id) => one(BY_ID, id),
    findByToken: (tokenHash) => one(BY_TOKEN, tokenHash),
    async list({ maker = null, bucket = null, prefix = '' }) {
      // Of a folder, itself and what is below; of a file, just it.
      const end = prefix === '' ? null : prefix.endsWith('/') ? endOf(prefix) : `${prefix}\u0001`;
      const rows = await database.read<Row>(LIST, [maker, bucket, prefix === '' ? null : prefix, end]);
      return rows.map(recordOf);
    },
    async update(id, patch) {
      const all = Object.keys(CHANGEABLE) as (keyof typeof CHANGEABLE)[];
      const names = all.filter((name) => patch[name] !== undefined);
      if (names.length > 0) {
        const statement = {
          // Of a statement's name Postgres keeps 63 bytes, and takes two that begin alike for one: so by their places.
          name: `link-update-${names.map((name) => all.indexOf(name)).join('')}`,
          text: `UPDATE links SET ${names.map((name, index) => `${CHANGEABLE[name]} = $${index + 2}`).join(', ')} WHERE id = $1`,
        };
        const count = await database.execute(statement, [
          id,
          ...names.map((name) => (name === 'networks' ? json(patch.networks ?? null) : patch[name])),
        ]);
        if (count === 0) throw noLink();
        await changed(id);
      }
      const record = await one(BY_ID, id);
      if (record === null) throw noLink();
      return record;
    },
    async remove(id) {
      if ((await database.execute(REMOVE, [id])) === 0) throw noLink();
      await changed(id);
    },
    countDownload: async (id) => (await database.execute(COUNT_DOWNLOAD, [id, clock.now()])) === 1,
    takeRoom: async (id, bytes, files) =>
      (await database.execute(TAKE_ROOM, [id, bytes, files, clock.now(), registration.gateway ?? 0])) === 1,
    async keepRoom(id, bytes, files) {
      await database.execute(KEEP_ROOM, [id, bytes, files, registration.gateway ?? 0]);
    },
    async giveBack(id, bytes, files) {
      await database.execute(GIVE_BACK, [id, bytes, files, registration.gateway ?? 0]);
    },
  };
}

function recordOf(row: Row): LinkRecord {
  const [id, maker, bucket, key, mode, label, passwordHash, expires, downloadsMax, downloads, bytesMax, bytes] = row;
  const [filesMax, files, disabled, created, lastUsed, sealedToken, tokenHash, networks] = row.slice(12) as [
    number | null,
    number,
    boolean,
    number,
    number | null,
    Buffer,
    Buffer,
    string | null,
  ];
  return {
    id,
    maker,
    at: { bucket, key },
    mode,
    label,
    expires,
    downloadsMax,
    bytesMax,
    filesMax,
    disabled,
    networks: networks === null ? null : JSON.parse(networks),
    protected: passwordHash !== null,
    downloads,
    bytes,
    files,
    created,
    lastUsed,
    passwordHash,
    sealedToken,
    tokenHash,
  };
}

function json(networks: readonly string[] | null): string | null {
  return networks === null ? null : JSON.stringify(networks);
}

function noLink(): CloudStoreError {
  return new CloudStoreError('not_found', 'No such link.');
}
