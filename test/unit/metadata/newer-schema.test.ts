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
});
