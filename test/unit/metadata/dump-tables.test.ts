import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { CHANGED_PREFIX, COLUMN_TYPES, DUMPED, LEFT_OUT } from '#metadata/dump/tables';
import { openMetadata } from '#metadata/open';
import { freshDatabase, quiet, type TestDatabase } from '../../support/database.ts';

describe('every table of the schema', () => {
  let database: TestDatabase;
  before(async () => {
    database = await freshDatabase();
    const metadata = await openMetadata({ connection: database.connection, clock: Date, random: randomBytes, log: quiet });
    await metadata.close();
  });
  after(() => database.drop());

  const texts = async (sql: string): Promise<string[]> => (await database.sql(sql)).map(([text]) => String(text));
  const tables = () => texts(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`);

  it('is dumped, or left out for a reason (src/metadata/dump/tables.ts)', async () => {
    const found = (await tables()).filter((name) => !name.startsWith(CHANGED_PREFIX));
    expect(found.sort()).to.deep.equal([...Object.keys(DUMPED), ...Object.keys(LEFT_OUT)].sort());
  });

  it('has columns of types whose binary form every Postgres knows', async () => {
    const types = await texts(
      `SELECT DISTINCT format_type(a.atttypid, NULL) FROM pg_attribute a WHERE attnum > 0 AND NOT attisdropped
          AND attrelid = ANY(ARRAY[${Object.keys(DUMPED).map((name) => `'${name}'`)}]::regclass[])`,
    );
    expect(COLUMN_TYPES).to.include.members(types);
  });

  it('that is dumped by its changes has a trigger for each way in which a row changes, and its primary key written down', async () => {
    for (const [name, table] of Object.entries(DUMPED)) {
      if (table.how !== 'changes') continue;
      const triggers = await texts(
        `SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = '${name}'::regclass ORDER BY 1`,
      );
      expect(triggers, name).to.include.members(['changed_delete', 'changed_insert', 'changed_update']);
      const key = await texts(
        `SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
          WHERE i.indisprimary AND i.indrelid = '${name}'::regclass ORDER BY array_position(i.indkey::int2[], a.attnum)`,
      );
      expect([...table.key], name).to.deep.equal(key);
      const written = await texts(
        `SELECT attname FROM pg_attribute WHERE attnum > 0 AND attrelid = '${CHANGED_PREFIX}${name}'::regclass ORDER BY attnum`,
      );
      expect(written, name).to.deep.equal(key);
    }
  });
});
