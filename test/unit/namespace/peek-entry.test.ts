import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Principal, Who } from '#core/principal';
import { gatherFolder } from '../../support/folder-rows.ts';
import { openRooms, type TestRooms } from '../../support/rooms.ts';

/** What a listing that did not change is answered from: of one gateway, without a question to the database, and never of what was before. */
describe('namespace: peekEntry', () => {
  let rooms: TestRooms;
  let ann: Who;
  let bob: Who;
  let bobs: Principal;
  let home: Bucket;
  before(async () => {
    rooms = await openRooms();
    const owner = await rooms.user('ann', 'member');
    bobs = await rooms.user('bob', 'member');
    [ann, bob] = [rooms.who(owner), rooms.who(bobs)];
    home = await rooms.bucket(owner, 'peeked');
    await rooms.put(ann, home, 'photos/a.txt', 'one');
  });
  after(() => rooms.close());

  const at = (key: string) => ({ bucket: home.id, key });
  const peek = (who: Who, key: string, below = true) => rooms.namespace.peekEntry(who, at(key), below);
  /** As a listing does: asks for what is not in memory. A signal that just comes in may make it forget that once more. */
  const look = async (who: Who, key: string): Promise<string> => {
    for (let tries = 1; ; tries++) {
      const { etag } = await rooms.namespace.entry(who, at(key));
      await rooms.namespace.locks(who, home.id, [key], true);
      if (peek(who, key) !== null || tries === 10) return etag;
    }
  };

  it('knows nothing that was not asked for, and then all of it', async () => {
    expect(peek(ann, 'photos')).to.equal(null);
    const etag = await look(ann, 'photos');
    expect(peek(ann, 'photos')).to.deep.include({ locks: [] });
    expect(peek(ann, 'photos')?.entry).to.include({ kind: 'directory', etag });
    expect(peek(ann, 'photos/')?.entry).to.include({ etag });
    expect(peek(ann, 'nothing')).to.equal(null);
  });

  const changes: [string, () => Promise<unknown>][] = [
    ['a new file', () => rooms.put(ann, home, 'photos/b.txt', 'two')],
    ['one far below', () => rooms.put(ann, home, 'photos/x/y/z.txt', 'three')],
    ['one overwritten', () => rooms.put(ann, home, 'photos/a.txt', 'other')],
    ['one removed', () => rooms.namespace.remove(ann, at('photos/b.txt'), {})],
    ['a property', () => rooms.namespace.annotate(ann, at('photos/a.txt'), { properties: { 'urn:x p': 'v' } })],
    ['a property of its own', () => rooms.namespace.annotate(ann, at('photos/'), { properties: { 'urn:x p': 'v' } })],
    ['a folder moved in it', () => rooms.namespace.move(ann, at('photos/x/'), at('photos/w/'), { overwrite: false })],
    ['a folder removed', () => rooms.namespace.remove(ann, at('photos/w/'), { tree: true })],
  ];
  for (const [what, change] of changes)
    it(`never tells of what was before ${what}`, async () => {
      const before = await look(ann, 'photos');
      expect(peek(ann, 'photos')?.entry.etag).to.equal(before);
      await change();
      expect(peek(ann, 'photos')?.entry.etag ?? 'unknown').not.to.equal(before);
      const after = await look(ann, 'photos');
      expect(after).not.to.equal(before);
      expect(peek(ann, 'photos')?.entry.etag).to.equal(after);
    });

  it('tells locks on it and below, and none that are gone', async () => {
    await look(ann, 'photos');
    const wanted = { exclusive: true, infinite: false, ownerXml: null, timeoutMs: 60_000 };
    const lock = await rooms.namespace.lock(ann, { at: at('photos/a.txt'), ...wanted });
    expect(peek(ann, 'photos')?.locks ?? [lock]).to.have.length(1);
    await look(ann, 'photos');
    expect(peek(ann, 'photos')?.locks).to.have.length(1);
    expect(peek(ann, 'photos', false)?.locks).to.deep.equal([]);
    await rooms.namespace.unlock(ann, at('photos/a.txt'), lock.token);
    expect(peek(ann, 'photos')?.locks ?? []).to.deep.equal([]);
  });

  it('is for who may read and list, as long as that is so', async () => {
    const subject = { kind: 'user', id: bobs.id } as const;
    const { authority } = rooms.metadata;
    await look(ann, 'photos');
    expect(peek(bob, 'photos')).to.equal(null);
    await authority.setGrant({ subject, bucket: home.id, prefix: 'photos/', role: 'viewer' });
    await look(bob, 'photos/');
    expect(peek(bob, 'photos/')).not.to.equal(null);
    expect(peek(bob, ''), 'above').to.equal(null);
    await rooms.put(ann, home, 'photos/told.txt', '0');
    const { folder } = await gatherFolder((begin) =>
      rooms.namespace.listFolder(ann, at('photos/'), { after: '', limit: 10 }, begin),
    );
    const { etag } = folder!;
    for (const text of ['1', '2']) await rooms.put(ann, home, 'photos/told.txt', text);
    const changes = (who: Who) => rooms.namespace.peekChanges(who, at('photos/'), etag);
    await look(bob, 'photos/');
    expect(changes(ann)).to.be.an('array');
    expect(changes(bob)).to.deep.equal(changes(ann));
    await authority.removeGrant({ subject, bucket: home.id, prefix: 'photos/' });
    expect(peek(bob, 'photos/'), 'when the answer has left').to.equal(null);
    expect(changes(bob), 'what changed either').to.equal(null);
  });
});
