import type { AuthorityStore } from '#contracts/authority-store';
import type { AclIntent } from '#contracts/metadata-store';
import type { Signals } from '#contracts/signals';
import type { Address, BucketId } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { Grant, GrantRole, Subject } from '#core/grant';
import type { VersionId } from '#core/object';
import type { Database } from './database.ts';

export interface AuthorityStoreOptions {
  database: Database;
  signals: Signals;
  commit(intent: AclIntent): Promise<unknown>;
}

/** principal, group, bucket, prefix, role */
type GrantRow = [number | null, number | null, number, string, GrantRole];

const COLUMNS = 'g.principal, g.group_id, g.bucket_id, g.prefix, g.role';
/** One statement, so that revision, documents and grants are of one moment. */
const LOAD = {
  name: 'authority-load',
  text: `SELECT b.authority, b.config,
                (SELECT json_agg(json_build_array(${COLUMNS}) ORDER BY g.prefix) FROM grants g WHERE g.bucket_id = b.id)
           FROM buckets b WHERE b.id = $1`,
};
const TO = {
  name: 'grants-to',
  text: `SELECT ${COLUMNS} FROM grants g
          WHERE (g.principal = $1 OR g.group_id = $2) ORDER BY g.bucket_id, g.prefix`,
};
const SET = {
  name: 'grant-set',
  text: `INSERT INTO grants (principal, group_id, bucket_id, prefix, role) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT grants_once DO UPDATE SET role = excluded.role`,
};
const REMOVE = {
  name: 'grant-remove',
  text: `DELETE FROM grants WHERE principal IS NOT DISTINCT FROM $1 AND group_id IS NOT DISTINCT FROM $2
            AND bucket_id = $3 AND prefix = $4`,
};
const OBJECT = `SELECT encode(v.id, 'hex'), v.tags, a.acl, v.delete_marker FROM slots s JOIN versions v ON %s LEFT JOIN object_acls a ON a.version_id = v.id
          WHERE s.bucket_id = $1 AND s.key = $2`;
const CURRENT = { name: 'object-authority', text: `${OBJECT.replace('%s', 'v.id = s.version_id')} AND s.live` };
const BY_ID = {
  name: 'object-authority-version',
  text: `${OBJECT.replace('%s', 'v.slot_id = s.id')} AND v.id = decode($3, 'hex') AND v.visibility <> 'hidden'`,
};
const BY_NULL = { name: 'object-authority-null', text: `${OBJECT.replace('%s', 'v.slot_id = s.id')} AND v.visibility = 'null'` };
const SET_ACL = {
  name: 'object-acl-set',
  text: `INSERT INTO object_acls (version_id, acl) VALUES (decode($1, 'hex'), $2::jsonb)
         ON CONFLICT (version_id) DO UPDATE SET acl = excluded.acl`,
};

/** What is granted, and objects' lists. The contract is AuthorityStore. */
export function createAuthorityStore({ database, signals, commit }: AuthorityStoreOptions): AuthorityStore {
  /** Whoever follows events as that user must ask again, so it is told like a change of the user; the bucket first. */
  async function changed(bucket: BucketId, { kind, id }: Subject): Promise<void> {
    await signals.publish('buckets', String(bucket));
    if (kind === 'user') await signals.publish('principals', String(id));
  }

  async function object(at: Address, version?: VersionId | 'null') {
    const named = version === undefined ? CURRENT : version === 'null' ? BY_NULL : BY_ID;
    const values = named === BY_ID ? [at.bucket, at.key, version] : [at.bucket, at.key];
    const rows = await database.read<[string, string | null, string | null, boolean]>(named, values);
    if (!rows[0]) return null;
    const [versionId, tags, acl, deleteMarker] = rows[0];
    return { versionId, deleteMarker, tags: tags === null ? {} : (JSON.parse(tags) as Record<string, string>), acl };
  }

  return {
    object,
    async load(bucket) {
      const rows = await database.read<[number, string, string | null]>(LOAD, [bucket]);
      if (!rows[0]) return null;
      const [revision, config, grants] = rows[0];
      return {
        revision,
        config: JSON.parse(config) as Record<string, unknown>,
        grants: grants === null ? [] : (JSON.parse(grants) as GrantRow[]).map(grantOf),
      };
    },
    async grantsTo(subject) {
      return (await database.read<GrantRow>(TO, columnsOf(subject))).map(grantOf);
    },
    async setGrant({ subject, bucket, prefix, role }) {
      try {
        await database.execute(SET, [...columnsOf(subject), bucket, prefix, role]);
      } catch (error) {
        throw explained(error);
      }
      await changed(bucket, subject);
    },
    async removeGrant({ subject, bucket, prefix }) {
      const removed = await database.execute(REMOVE, [...columnsOf(subject), bucket, prefix]);
      if (removed > 0) await changed(bucket, subject);
      return removed > 0;
    },
    setNewObjectAcl: async (version, acl) => void (await database.execute(SET_ACL, [version, acl])),
    async setObjectAcl(who, at, version, acl) {
      await commit({ kind: 'acl', who, ...at, acl, ...(version === undefined ? {} : { version }) });
    },
  };
}

function columnsOf({ kind, id }: Subject): [number | null, number | null] {
  return [kind === 'user' ? id : null, kind === 'group' ? id : null];
}

function grantOf([principal, group, bucket, prefix, role]: GrantRow): Grant {
  const subject: Subject = principal !== null ? { kind: 'user', id: principal } : { kind: 'group', id: group ?? 0 };
  return { subject, bucket, prefix, role };
}

/** A grant to nobody, or on a bucket that has just gone: the rows that it refers to are missing. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23503') return error;
  const bucket = 'constraint' in error && String(error.constraint).includes('bucket');
  return bucket
    ? new CloudStoreError('bucket_not_found', 'No such bucket.', { cause: error })
    : new CloudStoreError('principal_not_found', 'There is nobody of this name.', { cause: error });
}
