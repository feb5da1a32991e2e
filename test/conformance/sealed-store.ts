import { expect } from 'chai';
import type { KnownMasterKey, SealedStore } from '#contracts/sealed-store';
import { codeOf } from '../support/rooms.ts';

export interface SealedStoreRig {
  store: SealedStore;
  /** Puts a sealed value in a place of its kind; gives its context. @throws conflict when it was sealed under another key than that of now */
  add(sealed: Buffer): Promise<string>;
  /** What is there of a context. */
  get(context: string): Promise<Buffer>;
  close(): Promise<void>;
}

/** What is sealed under the master key, and how that changes. */
export function describeSealedStore(name: string, make: () => Promise<SealedStoreRig>): void {
  describe(`sealed store: ${name}`, () => {
    let rig: SealedStoreRig;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());

    const keyOf = (digit: string): KnownMasterKey => ({ check: digit.repeat(32), derivation: null });
    /** As the engine seals: a version, the beginning of the check, more. */
    const sealedBy = ({ check }: KnownMasterKey, text: string) =>
      Buffer.concat([Buffer.of(2), Buffer.from(check.slice(0, 16), 'hex'), Buffer.from(text)]);
    const textOf = (sealed: Buffer) => sealed.subarray(9).toString();
    const [one, two, three] = [keyOf('1'), keyOf('2'), keyOf('3')];
    const kept = new Map<string, string>();

    it('remembers the first key, whoever comes second', async () => {
      expect(await rig.store.masterKey()).to.equal(null);
      const all = await Promise.all([rig.store.masterKeyOrInsert(one), rig.store.masterKeyOrInsert(one)]);
      expect(all).to.deep.equal([one, one]);
      expect(await rig.store.masterKeyOrInsert(two)).to.deep.equal(one);
      expect(await rig.store.masterKey()).to.deep.equal(one);
    });

    it('replaces everything that is sealed, and the key with it', async () => {
      for (let n = 0; n < 1203; n++) kept.set(await rig.add(sealedBy(one, `text ${n}`)), `text ${n}`);
      const derivation = { algorithm: 'scrypt' as const, cost: 1024, blockSize: 8, parallelization: 1, salt: 'ab' };
      const seen = new Map<string, string>();
      let prepared = 0;
      const count = await rig.store.replaceMasterKey(
        one.check,
        { ...two, derivation },
        (sealed, context) => {
          expect(prepared).to.equal(1);
          seen.set(context, textOf(sealed));
          return sealedBy(two, textOf(sealed));
        },
        async () => {
          prepared++;
          expect(await rig.store.masterKey()).to.deep.equal(one);
        },
      );
      expect(count).to.equal(1203);
      expect(seen).to.deep.equal(kept);
      expect(await rig.store.masterKey()).to.deep.equal({ ...two, derivation });
      for (const [context, text] of kept) expect(await rig.get(context)).to.deep.equal(sealedBy(two, text));
    });

    it('changes nothing when the key is another, or something throws in the middle', async () => {
      const same = (sealed: Buffer) => sealed;
      const nothing = async () => undefined;
      expect(await codeOf(rig.store.replaceMasterKey(one.check, three, same, nothing))).to.equal('conflict');
      let n = 0;
      const failing = (sealed: Buffer) => {
        if (++n === 700) throw new Error('in the middle');
        return sealedBy(three, textOf(sealed));
      };
      expect(await codeOf(rig.store.replaceMasterKey(two.check, three, failing, nothing))).to.equal('Error: in the middle');
      const unprepared = () => Promise.reject(new Error('not prepared'));
      expect(await codeOf(rig.store.replaceMasterKey(two.check, three, same, unprepared))).to.equal('Error: not prepared');
      expect((await rig.store.masterKey())?.check).to.equal(two.check);
      for (const [context, text] of kept) expect(await rig.get(context)).to.deep.equal(sealedBy(two, text));
    });

    it('refuses what a process seals that has not heard of the new key', async () => {
      expect(await codeOf(rig.add(sealedBy(one, 'late')))).to.equal('conflict');
      await rig.add(sealedBy(two, 'in time'));
    });

    it('lets one of two changes at once win', async () => {
      const to = [keyOf('4'), keyOf('5')];
      const codes = await Promise.all(
        to.map((key) =>
          codeOf(
            rig.store.replaceMasterKey(
              two.check,
              key,
              (sealed) => sealedBy(key, textOf(sealed)),
              async () => undefined,
            ),
          ),
        ),
      );
      expect(codes.sort()).to.deep.equal(['conflict', 'none']);
      const known = await rig.store.masterKey();
      for (const [context, text] of kept) expect(await rig.get(context)).to.deep.equal(sealedBy(known!, text));
    });

    it('misses nothing that is being added while the key changes', async () => {
      const now = (await rig.store.masterKey())!;
      const adding = Array.from({ length: 40 }, (_, n) =>
        rig.add(sealedBy(now, `meanwhile ${n}`)).then(
          (context) => [context, `meanwhile ${n}`] as const,
          () => null,
        ),
      );
      const next = keyOf('6');
      await rig.store.replaceMasterKey(
        now.check,
        next,
        (sealed) => sealedBy(next, textOf(sealed)),
        async () => undefined,
      );
      for (const added of await Promise.all(adding)) {
        if (added !== null) expect(await rig.get(added[0])).to.deep.equal(sealedBy(next, added[1]));
      }
    });
  });
}
