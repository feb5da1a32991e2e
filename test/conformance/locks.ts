import { expect } from 'chai';
import type { Lock, Locks, NewLock } from '#contracts/locks';
import { isCloudStoreError } from '#core/errors';
import type { TestClock } from '../support/metadata-rig.ts';
import { codeOf } from '../support/rooms.ts';

export interface LocksRig {
  /** After a restart, or another gateway's: they must know the same. */
  locks(): Locks;
  clock: TestClock;
  /** A bucket without any lock. */
  bucket(): Promise<number>;
  principals: readonly [number, number];
  close(): Promise<void>;
}

/** Write locks: RFC 4918 §6 and §7 as the contract has them. */
export function describeLocks(name: string, make: () => Promise<LocksRig>): void {
  describe(`locks: ${name}`, () => {
    let rig: LocksRig;
    let bucket: number;
    let ann: number;
    let bob: number;
    before(async () => {
      rig = await make();
      [ann, bob] = rig.principals;
    });
    after(() => rig.close());
    beforeEach(async () => {
      bucket = await rig.bucket();
    });

    const acquire = (key: string, more: Partial<NewLock> = {}) =>
      rig.locks().acquire({
        at: { bucket, key },
        principal: ann,
        exclusive: true,
        infinite: false,
        ownerXml: null,
        timeoutMs: 60_000,
        ...more,
      });
    const covering = async (keys: string[], below?: boolean) =>
      (await rig.locks().covering(bucket, keys, below)).map(({ at }) => at.key).sort();

    it('gives back the lock with a token of its own, and knows it afterwards', async () => {
      const ownerXml = '<D:href xmlns:D="DAV:">ännchen</D:href>';
      const lock = await acquire('a/b', { infinite: true, ownerXml, timeoutMs: 5000 });
      expect(lock).to.deep.include({ at: { bucket, key: 'a/b' }, principal: ann, exclusive: true, infinite: true, ownerXml });
      expect(lock).to.deep.include({ timeoutMs: 5000, expires: rig.clock.now() + 5000 });
      expect(lock.token).to.match(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(await rig.locks().covering(bucket, ['a/b'])).to.deep.equal([lock]);
      expect((await acquire('x')).token).to.not.equal(lock.token);
    });

    it('takes a folder with or without its slash for the same', async () => {
      expect((await acquire('a/')).at.key).to.equal('a');
      expect(await covering(['a', 'a/'])).to.deep.equal(['a']);
      expect(await codeOf(acquire('a'))).to.equal('locked');
    });

    it('covers its key, and all below when infinite; a name that merely begins alike is another', async () => {
      await acquire('a', { infinite: true });
      await acquire('b/c');
      expect(await covering(['a/x/y'])).to.deep.equal(['a']);
      expect(await covering(['ab', 'a0', 'b', 'b/c/d'])).to.deep.equal([]);
      expect(await covering(['b/c', 'a/x'])).to.deep.equal(['a', 'b/c']);
      expect(await covering(['b'], true)).to.deep.equal(['b/c']);
      expect(await covering([''], true)).to.deep.equal(['a', 'b/c']);
      expect(await covering(['b/c/', 'b/'], true)).to.deep.equal(['b/c']);
    });

    it('refuses what conflicts, and says with which lock', async () => {
      const held = await acquire('a/b/c');
      const refusal = async (work: Promise<Lock>) => {
        const error = await work.catch((thrown: unknown) => thrown);
        return isCloudStoreError(error, 'locked') ? error.details.token : error;
      };
      expect(await refusal(acquire('a/b/c'))).to.equal(held.token);
      expect(await refusal(acquire('a/b/c', { principal: bob }))).to.equal(held.token);
      expect(await refusal(acquire('a/b/c', { exclusive: false }))).to.equal(held.token);
      expect(await refusal(acquire('a', { infinite: true }))).to.equal(held.token);
      expect(await refusal(acquire('', { infinite: true }))).to.equal(held.token);
      await acquire('a');
      await acquire('a/b/c/d', { infinite: true });
      await acquire('a/b/c0', { infinite: true });
      const root = await acquire('', {});
      expect(root.at.key).to.equal('');
    });

    it('below an infinite lock nothing is free', async () => {
      const held = await acquire('a', { infinite: true });
      const error = await acquire('a/b/c', { principal: bob }).catch((thrown: unknown) => thrown);
      expect(isCloudStoreError(error, 'locked') && error.details.token).to.equal(held.token);
    });

    it('shares shared locks, and lets no exclusive one in between', async () => {
      const shared = { exclusive: false, infinite: true };
      const [one, two] = [await acquire('a', shared), await acquire('a', { ...shared, principal: bob })];
      await acquire('a/below', { exclusive: false });
      expect(await codeOf(acquire('a'))).to.equal('locked');
      expect(await codeOf(acquire('a/below'))).to.equal('locked');
      await rig.locks().release(one.at, one.token, ann);
      expect(await codeOf(acquire('a'))).to.equal('locked');
      await rig.locks().release(two.at, two.token, bob);
      await acquire('a');
    });

    it('lets one of many win', async () => {
      const codes = await Promise.all(Array.from({ length: 10 }, (_, n) => codeOf(acquire('raced', { infinite: n % 2 === 0 }))));
      expect(codes.filter((code) => code === 'none').length).to.equal(1);
      expect(codes.filter((code) => code === 'locked').length).to.equal(9);
      const inside = await Promise.all(['t', 't/a', 't', 't/b'].map((key) => codeOf(acquire(key, { infinite: true }))));
      expect(inside.filter((code) => code === 'none').length).to.be.within(1, 2);
      if ((await covering(['t'])).length === 1) expect(await covering(['t'], true)).to.deep.equal(['t']);
    });

    it('ends at its time, by the clock that it was given', async () => {
      const lock = await acquire('a', { timeoutMs: 10_000 });
      rig.clock.advance(9_999);
      expect(await covering(['a'])).to.deep.equal(['a']);
      rig.clock.advance(1);
      expect(await covering(['a'])).to.deep.equal([]);
      expect(await codeOf(rig.locks().refresh(lock.at, lock.token, ann, 1000))).to.equal('lock_not_found');
      expect(await codeOf(rig.locks().release(lock.at, lock.token, ann))).to.equal('lock_not_found');
      await acquire('a', { principal: bob });
    });

    it('is refreshed by its owner, through any key that it covers, from then on', async () => {
      const lock = await acquire('a', { infinite: true, timeoutMs: 10_000 });
      rig.clock.advance(9_000);
      const longer = await rig.locks().refresh({ bucket, key: 'a/b/' }, lock.token, ann, 20_000);
      expect(longer).to.deep.equal({ ...lock, timeoutMs: 20_000, expires: rig.clock.now() + 20_000 });
      rig.clock.advance(19_000);
      expect(await rig.locks().covering(bucket, ['a'])).to.deep.equal([longer]);
      for (const [key, token, who] of [
        ['a', lock.token, bob],
        ['a', 'urn:uuid:00000000-0000-4000-8000-000000000000', ann],
        ['b', lock.token, ann],
      ] as const) {
        expect(await codeOf(rig.locks().refresh({ bucket, key }, token, who, 1000))).to.equal('lock_not_found');
      }
    });

    it('is released by its owner alone, through any key that it covers', async () => {
      const lock = await acquire('a', { infinite: true });
      const release = (key: string, token: string, who: number, of = bucket) =>
        codeOf(rig.locks().release({ bucket: of, key }, token, who));
      expect(await release('a', lock.token, bob)).to.equal('access_denied');
      expect(await release('b', lock.token, ann)).to.equal('lock_not_found');
      expect(await release('a', 'nonsense', ann)).to.equal('lock_not_found');
      expect(await release('a', lock.token, ann, await rig.bucket())).to.equal('lock_not_found');
      expect(await release('a/below', lock.token, ann)).to.equal('none');
      expect(await covering(['a'])).to.deep.equal([]);
      expect(await release('a', lock.token, ann)).to.equal('lock_not_found');
    });

    it('is of its bucket', async () => {
      await acquire('a', { infinite: true });
      const other = await rig.bucket();
      await acquire('a', { at: { bucket: other, key: 'a' } });
      expect(await codeOf(acquire('a', { at: { bucket: 999_999, key: 'a' } }))).to.equal('bucket_not_found');
    });
  });
}
