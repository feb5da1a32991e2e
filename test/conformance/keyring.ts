import { expect } from 'chai';
import type { Keyring } from '#contracts/keyring';
import { isCloudStoreError } from '#core/errors';
import { codeOf } from '../support/rooms.ts';

export interface KeyringRig {
  /** A process that begins, with this installation's master key or another. */
  start(masterKey?: Buffer, findKey?: () => Promise<Buffer | null>): Keyring;
  /** Flips a bit of what is stored for a domain. */
  damage(domain: number): Promise<void>;
  close(): Promise<void>;
}

/** Keys of domains, and what is sealed under the master key. */
export function describeKeyring(name: string, make: () => Promise<KeyringRig>): void {
  describe(`keyring: ${name}`, () => {
    let rig: KeyringRig;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());
    const thrown = (work: () => unknown): string => {
      try {
        work();
        return 'none';
      } catch (error) {
        return isCloudStoreError(error) ? error.code : String(error);
      }
    };

    it('gives the same keys to every process, and other ones to every domain', async () => {
      const [one, two] = [rig.start(), rig.start()];
      const [a, b] = [await one.create(), await one.create()];
      const [here, there, other] = [await one.load(a), await two.load(a), await one.load(b)];
      expect(here).to.include({ id: a, currentEpoch: 1 });
      expect([here.chunkIdKey.length, here.gearTable.length, here.encryptionKey(1).length]).to.deep.equal([32, 256, 32]);
      expect([there.chunkIdKey, there.gearTable, there.encryptionKey(1)]).to.deep.equal([
        here.chunkIdKey,
        here.gearTable,
        here.encryptionKey(1),
      ]);
      const keys = [here.chunkIdKey, here.encryptionKey(1), other.chunkIdKey, other.encryptionKey(1)];
      expect(new Set(keys.map((key) => key.toString('hex'))).size).to.equal(4);
      expect(other.gearTable).to.not.deep.equal(here.gearTable);
      expect(thrown(() => here.encryptionKey(2))).to.equal('corrupt');
    });

    it('is synchronous once loaded, and loads once for all who wait', async () => {
      const keyring = rig.start();
      const id = await keyring.create();
      expect(thrown(() => keyring.domain(id))).to.equal('internal');
      const loaded = await Promise.all([keyring.load(id), keyring.load(id)]);
      expect(loaded[0]).to.equal(loaded[1]);
      expect(keyring.domain(id)).to.equal(loaded[0]);
    });

    it('says corrupt of keys that are missing, damaged, or another master key’s', async () => {
      const keyring = rig.start();
      const id = await keyring.create();
      expect(await codeOf(keyring.load(999_999))).to.equal('corrupt');
      expect(await codeOf(rig.start(Buffer.alloc(32, 9)).load(id))).to.equal('corrupt');
      await rig.damage(id);
      expect(await codeOf(rig.start().load(id))).to.equal('corrupt');
      expect(thrown(() => rig.start(Buffer.alloc(31)))).to.equal('invalid_argument');
    });

    it('begins epochs, of which others learn when they look, and forgets them only before the one that is named', async () => {
      const [one, two] = [rig.start(), rig.start()];
      const id = await one.create();
      const [here, there] = [await one.load(id), await two.load(id)];
      const first = here.encryptionKey(1);
      expect(await one.renew(id)).to.equal(2);
      expect([here.currentEpoch, [...here.epochs], there.currentEpoch]).to.deep.equal([2, [1, 2], 1]);
      expect([here.encryptionKey(2).length, here.encryptionKey(2).equals(first)]).to.deep.equal([32, false]);
      expect(there.knows(2)).to.equal(false);
      await two.refresh(id);
      expect([there.currentEpoch, there.encryptionKey(2)]).to.deep.equal([2, here.encryptionKey(2)]);
      // What was derived from a key may be remembered by the key itself.
      expect(here.encryptionKey(1)).to.equal(first);
      expect((await Promise.all([one.renew(id), two.renew(id)])).sort()).to.deep.equal([3, 4]);
      expect(await one.retire(id, 3)).to.equal(2);
      expect(await one.retire(id, 3)).to.equal(0);
      const fresh = await rig.start().load(id);
      expect([[...fresh.epochs], fresh.knows(2)]).to.deep.equal([[3, 4], false]);
      // A process that knew them still reads what is named in its memory.
      expect([[...here.epochs], here.knows(1)]).to.deep.equal([[3, 4], true]);
      expect(await two.retire(id, 1000)).to.equal(1);
      expect([...(await rig.start().load(id)).epochs]).to.deep.equal([4]);
      expect(fresh.chunkIdKey).to.deep.equal(here.chunkIdKey);
      expect(fresh.gearTable).to.deep.equal(here.gearTable);
    });

    it('goes on with another master key, and opens what was sealed under those before', async () => {
      const keyring = rig.start();
      const [before, check] = [keyring.seal(Buffer.from('before'), 'c'), keyring.check];
      const next = Buffer.alloc(32, 7);
      keyring.adopt(next);
      const after = keyring.seal(Buffer.from('after'), 'c');
      expect(keyring.check).to.match(/^[0-9a-f]{32}$/);
      expect(keyring.check).to.not.equal(check);
      expect(rig.start(next).check).to.equal(keyring.check);
      expect([before, after].map((sealed) => keyring.open(sealed, 'c').toString())).to.deep.equal(['before', 'after']);
      expect(rig.start(next).open(after, 'c').toString()).to.equal('after');
      expect(thrown(() => rig.start(next).open(before, 'c'))).to.equal('corrupt');
      expect(thrown(() => rig.start().open(after, 'c'))).to.equal('corrupt');
      expect(thrown(() => keyring.adopt(Buffer.alloc(5)))).to.equal('invalid_argument');
    });

    it('looks for the key that something was sealed under, when it has not got it', async () => {
      const next = Buffer.alloc(32, 7);
      const other = rig.start(next);
      const sealed = other.seal(Buffer.from('a secret'), 'c');
      let looked = 0;
      let found: Buffer | null = null;
      const keyring = rig.start(undefined, async () => {
        looked++;
        return found;
      });
      await keyring.unseal(keyring.seal(Buffer.from('own'), 'c'), 'c');
      expect(looked).to.equal(0);
      expect(await codeOf(keyring.unseal(sealed, 'c'))).to.equal('unavailable');
      expect(await codeOf(rig.start().unseal(sealed, 'c'))).to.equal('corrupt');
      found = next;
      expect((await keyring.unseal(sealed, 'c')).toString()).to.equal('a secret');
      expect([looked, keyring.check]).to.deep.equal([2, other.check]);
      expect(await codeOf(keyring.unseal(sealed, 'd'))).to.equal('corrupt');
    });

    it('opens what it sealed, in its context only, whole and with the same master key', () => {
      const keyring = rig.start();
      for (const text of ['', 'secret', 'x'.repeat(10_000)]) {
        const sealed = keyring.seal(Buffer.from(text), 'access key AK1');
        expect(keyring.open(sealed, 'access key AK1').toString()).to.equal(text);
        expect(rig.start().open(sealed, 'access key AK1').toString()).to.equal(text);
        expect(keyring.seal(Buffer.from(text), 'access key AK1')).to.not.deep.equal(sealed);
        expect(thrown(() => keyring.open(sealed, 'access key AK2'))).to.equal('corrupt');
        expect(thrown(() => rig.start(Buffer.alloc(32, 9)).open(sealed, 'access key AK1'))).to.equal('corrupt');
        for (const at of [0, 1, 12, sealed.length - 17, sealed.length - 1]) {
          const flipped = Buffer.from(sealed);
          flipped[at]! ^= 1;
          expect(
            thrown(() => keyring.open(flipped, 'access key AK1')),
            `byte ${at}`,
          ).to.equal('corrupt');
        }
        expect(thrown(() => keyring.open(sealed.subarray(0, -1), 'access key AK1'))).to.equal('corrupt');
      }
      expect(thrown(() => keyring.open(Buffer.alloc(0), ''))).to.equal('corrupt');
    });
  });
}
