import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openDump } from '#metadata/dump/read';
import { restoreDump } from '#metadata/dump/restore';
import { freshDatabase, quiet } from '../support/database.ts';
import { pieces } from '../support/dump-chain.ts';
import { ROOT } from '../support/process.ts';

/** A base and what changed, as version 1 wrote them, with the schema of then. */
describe('dumps of version 1', function () {
  this.timeout(120_000);

  it('are restored, and brought to the schema of now', async () => {
    const masterKey = Buffer.alloc(32, 7);
    const chain = ['0.dump', '1.dump'].map((name) => {
      const bytes = readFileSync(join(ROOT, 'test/golden/dump/v1', name));
      return () => openDump(pieces(bytes), masterKey);
    });
    const target = await freshDatabase();
    try {
      const { rows } = await restoreDump({ connection: target.connection, chain, clock: Date, log: quiet });
      expect(rows).to.include({ principals: 2, buckets: 1, slots: 4, versions: 6 });
      const live = await target.sql('SELECT key, etag FROM slots WHERE live ORDER BY key');
      expect(live.map(([key]) => key)).to.deep.equal(['a', 'a/b', 'ü/\n']);
      expect(live[0]?.[1]).to.equal('f'.repeat(32));
      const folders = `SELECT path, bytes = (SELECT sum(size) FROM slots s WHERE s.live AND starts_with(s.key, d.path)) FROM directories d ORDER BY path`;
      expect(await target.sql(folders), 'folders know what is below').to.deep.equal([
        ['', true],
        ['a/', true],
        ['ü/', true],
      ]);
      expect(await target.sql('SELECT name FROM principals ORDER BY name')).to.deep.equal([['ann'], ['bob']]);
    } finally {
      await target.drop();
    }
  });
});
