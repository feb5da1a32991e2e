import { expect } from 'chai';
import type { Keyring } from '#contracts/keyring';
import { createBucketCache } from '#namespace/bucket-cache';
import { openRooms, type TestRooms } from '../../support/rooms.ts';

describe('a bucket that is read anew', () => {
  let rooms: TestRooms;
  beforeEach(async () => {
    rooms = await openRooms();
  });
  afterEach(() => rooms.close());

  it('is what others have made of it, under its name and its id, and other buckets stay in memory', async () => {
    const { buckets, signals } = rooms.metadata;
    const ada = await rooms.user('ada', 'member');
    const keyring = { load: async (id: number) => ({ id }) } as Partial<Keyring> as Keyring;
    const cache = createBucketCache({ buckets, signals, keyring, clock: { now: () => 0 } });
    const { id } = await rooms.bucket(ada, 'photos');
    await rooms.bucket(ada, 'films');
    await cache.get(id);
    for (const name of ['photos', 'films']) await cache.resolve(ada.id, name);
    await rooms.sql(`UPDATE buckets SET versioning = 'enabled' WHERE name IN ('photos', 'films')`);
    await cache.readAnew(ada.id, 'photos');
    expect(cache.peekName(ada.id, 'photos')).to.include({ versioning: 'enabled' });
    expect(await cache.get(id)).to.include({ versioning: 'enabled' });
    expect(cache.peekName(ada.id, 'films')).to.include({ versioning: 'off' });
    await cache.readAnew(null, 'nothing');
  });
});
