import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { openMetadata } from '#metadata/open';
import { freshDatabase, quiet } from '../../support/database.ts';

describe('a database of a newer version', () => {
  it('is refused in one sentence, and left as it is', async () => {
    const database = await freshDatabase();
    const open = () =>
      openMetadata({ connection: database.connection, clock: { now: () => Date.now() }, random: randomBytes, log: quiet });
    try {
      await (await open()).close();
      await database.sql(`INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('9999-future', 9, now())`);
      const failure = await open().then(
        () => null,
        (error: Error) => error.message,
      );
      expect(failure).to.contain('newer version of CloudStore').and.contain('9999-future');
      expect(await database.sql('SELECT count(*)::int FROM knex_migrations WHERE name = $1', ['9999-future'])).to.deep.equal([
        [1],
      ]);
    } finally {
      await database.drop();
    }
  });

  it('is told from one that another program made its tables in', async () => {
    const database = await freshDatabase();
    try {
      await database.sql('CREATE TABLE knex_migrations (id serial, name text, batch int, migration_time timestamptz)');
      await database.sql(`INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('20200101_users.js', 1, now())`);
      const options = { connection: database.connection, clock: Date, random: randomBytes, log: quiet };
      const failure = await openMetadata(options).then(
        () => null,
        (error: Error) => error.message,
      );
      expect(failure).to.contain('another program').and.contain('20200101_users.js').and.not.contain('newer');
      const tables = await database.sql(`SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'`);
      expect(tables).to.deep.equal([['knex_migrations']]);
    } finally {
      await database.drop();
    }
  });
});
