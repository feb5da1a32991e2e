import { expect } from 'chai';
import { codeOf, openRooms, type TestRooms } from '../support/rooms.ts';

describe('rows of resumable uploads', () => {
  let rooms: TestRooms;
  before(async () => {
    rooms = await openRooms();
  });
  after(() => rooms.close());

  it('let one of several append at an offset, whichever gateways they are on', async () => {
    const owner = await rooms.user('ann', 'member');
    const { id: bucket, domain } = await rooms.bucket(owner, 'home');
    const store = rooms.metadata.resumables;
    const { id } = await store.create({
      bucket,
      key: 'a',
      principal: owner.id,
      attributes: {},
      kind: 'whole',
      length: 30,
      conditions: {},
      metadata: '',
      concat: null,
    });
    const part = {
      size: 10,
      content: { kind: 'inline', domain, size: 10, sealed: Buffer.alloc(10) } as const,
      digests: {},
      modified: 0,
    };
    const append = (offset: number) => codeOf(store.append(id, offset, part, [], []));
    const codes = await Promise.all([append(0), append(0), append(0), append(0)]);
    expect(codes.sort()).to.deep.equal(['conflict', 'conflict', 'conflict', 'none']);
    expect((await store.find(id))?.received).to.equal(10);
    expect(await store.parts(id)).to.have.length(1);
    expect([await append(10), await append(20), await append(30)]).to.deep.equal(['none', 'none', 'too_large']);
  });
});
