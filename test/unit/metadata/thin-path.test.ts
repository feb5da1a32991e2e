import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { openMetadata } from '#metadata/open';
import { freshDatabase, quiet } from '../../support/database.ts';

describe('metadata, the thin path', () => {
  it('puts, reads, lists, removes and journals', async function () {
    this.timeout(60000);
    const db = await freshDatabase();
    const clock = { now: () => Date.now() };
    const m = await openMetadata({ connection: db.connection, clock, random: randomBytes, log: quiet });
    const domain = await m.keys.insert(Buffer.from('x'));
    const p = await m.principals.create({ name: 'a', role: 'admin', passwordHash: null, domain });
    const b = await m.buckets.create({ name: 'home-1', owner: p.id, domain, alias: 'home' });
    const who = { principal: p, protocol: 's3' as const, requestId: 'r' };
    const put = (key: string) =>
      m.store.commit({
        kind: 'put',
        who,
        bucket: b.id,
        key,
        versionId: randomBytes(16).toString('hex'),
        content: { kind: 'inline', domain, size: 3, sealed: Buffer.from('abc') },
        etag: 'e',
        attributes: {},
        contentHash: null,
        chunks: [],
        leaves: [],
      });
    expect((await put('a/b')).created).to.equal(true);
    expect(await m.store.current({ bucket: b.id, key: 'a/b' })).to.include({ key: 'a/b', size: 3, etag: 'e' });
    await Promise.all(['a/c', 'a/c', 'd', 'e/f/'].map(put));
    const page = await m.store.list({ bucket: b.id, prefix: '', delimiter: '/', after: '', limit: 10, directories: true });
    expect(page.entries.map((entry) => (entry.kind === 'object' ? entry.info.key : entry.prefix))).to.deep.equal([
      'a/',
      'd',
      'e/',
    ]);
    const removed = await m.store.commit({
      kind: 'remove',
      who,
      bucket: b.id,
      key: 'a/b',
      versionId: randomBytes(16).toString('hex'),
    });
    expect(removed).to.deep.equal({ existed: true, deleteMarker: false, versionId: null });
    const events = await m.journal.since(b.id, { epoch: 1, seq: 0 }, 100);
    expect(events.map((event) => event.cursor.seq)).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect(await m.buckets.usage(b.id)).to.deep.equal({ objects: 3, bytes: 9 });
    await m.close();
    await db.drop();
  });
});
