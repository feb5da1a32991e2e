import type { Knex } from 'knex';

/**
 * Dead properties belong to the file, and so lie in its slot; when a version stops being current it takes a copy of them along, and brings it back when it is
 * restored. A folder's go with its marker, which is a file's version like any. Rows without properties, which are nearly all, pay one comparison for this.
 */
const PROPERTIES = `
ALTER TABLE versions ADD COLUMN properties jsonb;

CREATE FUNCTION cs_keep_properties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE versions SET properties = OLD.properties WHERE id = OLD.version_id AND properties IS DISTINCT FROM OLD.properties;
  RETURN NULL;
END $$;
CREATE TRIGGER slots_keep_properties AFTER UPDATE ON slots FOR EACH ROW
  WHEN (OLD.properties IS NOT NULL AND OLD.version_id IS DISTINCT FROM NEW.version_id) EXECUTE FUNCTION cs_keep_properties();

CREATE FUNCTION cs_keep_folder_properties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE versions SET properties = OLD.properties WHERE id = (
    SELECT v.id FROM slots s JOIN versions v ON v.slot_id = s.id
     WHERE s.bucket_id = OLD.bucket_id AND s.key = OLD.path AND NOT v.delete_marker ORDER BY v.seq DESC, v.id DESC LIMIT 1);
  RETURN NULL;
END $$;
CREATE TRIGGER directories_keep_properties AFTER DELETE ON directories FOR EACH ROW
  WHEN (OLD.properties IS NOT NULL) EXECUTE FUNCTION cs_keep_folder_properties();
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(PROPERTIES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER directories_keep_properties ON directories;
    DROP FUNCTION cs_keep_folder_properties;
    DROP TRIGGER slots_keep_properties ON slots;
    DROP FUNCTION cs_keep_properties;
    ALTER TABLE versions DROP COLUMN properties`);
}
