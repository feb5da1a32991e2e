import { expect } from 'chai';
import pg from 'pg';
import type { SieveQuery } from '#contracts/sieve';
import { clientConfig } from '#metadata/database';
import { type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import type { Home } from '../../support/metadata-walk.ts';

describe('metadata: looking through all of a bucket', () => {
  let rig: MetadataRig;
  let home: Home;
  before(async () => {
    rig = await openMetadataRig('one gateway');
    home = await rig.bucket();
    for (const key of ['a/one.txt', 'a/two.txt', 'a.txt/', 'b/c/d/three.txt', 'txt', 'a/Four.TXT', 'a//five.txt'])
      await rig.store.commit(putIntent(home, key, { size: key.length }));
  });
  after(() => rig.close());

  const find = (query: Partial<SieveQuery>, signal = new AbortController().signal) => {
    const all = { bucket: home.id, prefix: '', deep: true, where: { all: [] }, order: [], limit: 100 };
    return rig.gateways[0]!.sieve.find({ ...all, ...query }, signal);
  };
  const keys = async (query: Partial<SieveQuery>) => (await find(query)).map(({ key }) => key);

  it('goes by the last name, files and folders in one order, as many as are wanted', async () => {
    const where = { like: 'name', pattern: '%.txt' } as const;
    const all = ['a.txt/', 'a//five.txt', 'a/Four.TXT', 'a/one.txt', 'a/two.txt', 'b/c/d/three.txt'];
    expect(await keys({ where })).to.deep.equal(all);
    expect(await keys({ where, limit: 2 })).to.deep.equal(all.slice(0, 2));
    expect(await keys({ where, deep: false, prefix: 'a/' })).to.deep.equal(['a/Four.TXT', 'a/one.txt', 'a/two.txt']);
    const order = [{ by: 'name', descending: true }] as const;
    expect(await keys({ where, order, limit: 3 })).to.deep.equal(['a/two.txt', 'b/c/d/three.txt', 'a/one.txt']);
    const folders = { all: [{ kind: 'directory' }, { like: 'name', pattern: '%' }] } as const;
    expect(await keys({ where: folders })).to.deep.equal(['a.txt/', 'a/', 'b/', 'b/c/', 'b/c/d/']);
    expect((await find({ where: folders, limit: 1 }))[0]).to.deep.equal(
      await rig.store.directory({ bucket: home.id, key: 'a.txt/' }),
    );
  });

  it('ends in the database too when whoever asked has gone', async () => {
    const holder = new pg.Client(clientConfig(rig.database.connection));
    await holder.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE slots IN ACCESS EXCLUSIVE MODE');
      const gone = new AbortController();
      const looking = find({}, gone.signal).catch((error: unknown) => error);
      const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      const many = async () => (await rig.database.sql(waiting))[0]?.[0];
      while ((await many()) !== 1) await new Promise(setImmediate);
      gone.abort();
      expect(await looking).to.be.instanceOf(Error);
      while ((await many()) !== 0) await new Promise(setImmediate);
    } finally {
      await holder.query('ROLLBACK');
      await holder.end();
    }
    expect(await keys({ limit: 1 })).to.have.length(1);
  });
});
