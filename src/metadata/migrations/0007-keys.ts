import type { Knex } from 'knex';

/**
 * Nothing that was sealed under another master key than the one of now gets into the database: a gateway that has not heard of a new
 * key would else store what nobody can open later. A sealed value says under which (byte 0: 2, then 8 bytes of the key's check); the row of the
 * check is held until the transaction ends, so that a change of the key either sees the value or refuses it.
 */
const SEALED = `
CREATE FUNCTION cs_assert_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sealed bytea;
  current text;
BEGIN
  sealed := CASE TG_TABLE_NAME WHEN 'domains' THEN (to_jsonb(NEW)->>'wrapped')::bytea ELSE (to_jsonb(NEW)->>'sealed_secret')::bytea END;
  SELECT value #>> '{}' INTO current FROM settings WHERE name = 'master-key-check' FOR SHARE;
  IF current IS NOT NULL AND length(sealed) > 9 AND get_byte(sealed, 0) = 2
     AND encode(substring(sealed FROM 2 FOR 8), 'hex') <> left(current, 16) THEN
    RAISE EXCEPTION 'sealed under another master key' USING ERRCODE = 'CS003';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER domains_sealed BEFORE INSERT OR UPDATE OF wrapped ON domains FOR EACH ROW EXECUTE FUNCTION cs_assert_sealed();
CREATE TRIGGER access_keys_sealed BEFORE INSERT OR UPDATE OF sealed_secret ON access_keys FOR EACH ROW EXECUTE FUNCTION cs_assert_sealed();
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(SEALED);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    'DROP TRIGGER domains_sealed ON domains; DROP TRIGGER access_keys_sealed ON access_keys; DROP FUNCTION cs_assert_sealed()',
  );
}
