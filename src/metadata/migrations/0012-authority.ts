import type { Knex } from 'knex';

/**
 * What a decision rests on. `buckets.authority` moves with every change of what is granted in a bucket, of its policy, lists and owner, so that
 * a gateway knows from the bucket's row, which it has anyway, whether what it has compiled is still so. Triggers move it: no statement can forget it.
 * A grant is to a user, a group or a link.
 */
const UP = `
ALTER TABLE buckets ADD COLUMN authority bigint NOT NULL DEFAULT 0;
CREATE FUNCTION cs_bucket_authority() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.owner <> OLD.owner
     OR (NEW.config -> 'policy') IS DISTINCT FROM (OLD.config -> 'policy')
     OR (NEW.config -> 'acl') IS DISTINCT FROM (OLD.config -> 'acl')
     OR (NEW.config -> 'publicAccessBlock') IS DISTINCT FROM (OLD.config -> 'publicAccessBlock')
     OR (NEW.config -> 'ownershipControls') IS DISTINCT FROM (OLD.config -> 'ownershipControls') THEN
    NEW.authority := OLD.authority + 1;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bucket_authority BEFORE UPDATE ON buckets FOR EACH ROW EXECUTE FUNCTION cs_bucket_authority();

ALTER TABLE grants DROP CONSTRAINT grants_pkey;
ALTER TABLE grants ALTER COLUMN principal DROP NOT NULL, ADD COLUMN group_id int, ADD COLUMN link_id int, ADD COLUMN role text;
UPDATE grants SET role = CASE access WHEN 'read' THEN 'viewer' ELSE 'editor' END;
ALTER TABLE grants DROP COLUMN access, ALTER COLUMN role SET NOT NULL,
  ADD CHECK (num_nonnulls(principal, group_id, link_id) = 1),
  ADD CHECK (role IN ('viewer', 'commenter', 'uploader', 'editor', 'manager', 'owner')),
  ADD CHECK (prefix = '' OR prefix LIKE '%/'),
  ADD CONSTRAINT grants_once UNIQUE NULLS NOT DISTINCT (bucket_id, prefix, principal, group_id, link_id);
DROP INDEX grants_bucket;
CREATE INDEX grants_principal ON grants (principal) WHERE principal IS NOT NULL;
CREATE INDEX grants_group ON grants (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX grants_link ON grants (link_id) WHERE link_id IS NOT NULL;
UPDATE buckets SET authority = 1 WHERE id IN (SELECT bucket_id FROM grants);

CREATE FUNCTION cs_grants_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE buckets SET authority = authority + 1 WHERE id IN (SELECT bucket_id FROM affected);
  RETURN NULL;
END $$;
CREATE TRIGGER grants_insert AFTER INSERT ON grants REFERENCING NEW TABLE AS affected FOR EACH STATEMENT EXECUTE FUNCTION cs_grants_changed();
CREATE TRIGGER grants_update AFTER UPDATE ON grants REFERENCING NEW TABLE AS affected FOR EACH STATEMENT EXECUTE FUNCTION cs_grants_changed();
CREATE TRIGGER grants_delete AFTER DELETE ON grants REFERENCING OLD TABLE AS affected FOR EACH STATEMENT EXECUTE FUNCTION cs_grants_changed();

-- Lists of objects that are not private. A version's id never comes back, so a row whose version is gone means nothing; expiry sweeps them.
CREATE TABLE object_acls (version_id bytea PRIMARY KEY, acl jsonb NOT NULL);
CREATE TABLE changed_object_acls (version_id bytea NOT NULL);
CREATE FUNCTION cs_changed_object_acls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO changed_object_acls SELECT version_id FROM affected;
  RETURN NULL;
END $$;
CREATE TRIGGER changed_insert AFTER INSERT ON object_acls REFERENCING NEW TABLE AS affected FOR EACH STATEMENT EXECUTE FUNCTION cs_changed_object_acls();
CREATE TRIGGER changed_update AFTER UPDATE ON object_acls REFERENCING NEW TABLE AS affected FOR EACH STATEMENT EXECUTE FUNCTION cs_changed_object_acls();
CREATE TRIGGER changed_delete AFTER DELETE ON object_acls REFERENCING OLD TABLE AS affected FOR EACH STATEMENT EXECUTE FUNCTION cs_changed_object_acls();
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(UP);
}

export async function down(): Promise<void> {
  throw new Error('Roles, groups and lists have no place in the schema before: restore a backup instead.');
}
