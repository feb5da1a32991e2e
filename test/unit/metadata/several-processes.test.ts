import { expect } from 'chai';
import type { Metadata } from '#metadata/open';
import { Model } from '../../support/metadata-model.ts';
import { address, type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { type Home, KEYS, roll, run } from '../../support/metadata-walk.ts';
import { diceOf, SEED } from '../../support/random.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const ROUNDS = LONG ? 2000 : 25;
const WRITES = LONG ? 5000 : 150;

describe(`several processes that remember rows (seed ${SEED})`, function () {
  this.timeout(LONG ? 3_600_000 : 60_000);
  let rig: MetadataRig;
  let asking: Metadata;
  before(async () => {
    rig = await openMetadataRig('two processes');
    asking = await rig.open();
  });
  after(() => rig.close());

  it('remember what they have read, until one of them changes it', async () => {
    const home = await rig.bucket();
    const at = address(home, 'a/file');
    /** undefined: not remembered. */
    const peeked = (): (string | null | undefined)[] =>
      rig.gateways.map(({ store }) => {
        const info = store.peekCurrent(at);
        return info === null ? null : info?.etag;
      });
    const read = () => Promise.all(rig.gateways.map(({ store }) => store.current(at)));
    // A connection that is new has all forgotten, and may come a moment later.
    for (let n = 0; n < 1000 && peeked().includes(undefined); n++) await read();
    expect(peeked(), 'that nothing is there').to.deep.equal([null, null]);
    await rig.store.commit(putIntent(home, at.key, { etag: 'one' }));
    expect(peeked()).to.deep.equal([undefined, undefined]);
    await read();
    expect(peeked()).to.deep.equal(['one', 'one']);
    await rig.store.commit(putIntent(home, 'a/other'));
    expect(peeked(), 'another file').to.deep.equal(['one', 'one']);
    const [first] = rig.gateways as [Metadata];
    await first.store.removeTree({ who: home.who, bucket: home.id, key: 'a/' });
    expect(peeked(), 'the folder removed').to.deep.equal([undefined, undefined]);
    expect(await read()).to.deep.equal([null, null]);
    await first.buckets.remove(home.id, { force: true });
    expect(peeked(), 'the bucket removed').to.deep.equal([undefined, undefined]);
  });

  it('say of each row what the database says, whatever is done at once and whatever is read meanwhile', async () => {
    const dice = diceOf(`${SEED} processes`);
    const home = await rig.bucket();
    let remembered = 0;
    for (let round = 0; round < ROUNDS; round++) {
      rig.clock.advance(dice.below(10));
      // Of a bucket in which whole folders move or go, all is forgotten: most rounds are without.
      const wild = dice.chance(0.3);
      const operations = Array.from({ length: 6 }, () => roll(dice, new Model())).filter(
        ({ kind }) => wild || ['put', 'remove', 'annotate'].includes(kind),
      );
      await Promise.all([
        ...operations.map((operation) => run(dice.pick(rig.gateways).store, home, operation)),
        ...Array.from({ length: 12 }, () => dice.pick(rig.gateways).store.current(address(home, dice.pick(KEYS)))),
      ]);
      for (const key of KEYS) {
        const at = address(home, key);
        const truth = (await asking.store.current(at))?.versionId;
        for (const { store } of rig.gateways) {
          const peeked = store.peekCurrent(at);
          if (peeked !== undefined) remembered++;
          if (peeked !== undefined) expect(peeked?.versionId, `${key} peeked at, round ${round}`).to.equal(truth);
          expect((await store.current(at))?.versionId, `${key}, round ${round}`).to.equal(truth);
        }
      }
    }
    expect(remembered).to.be.greaterThan(ROUNDS / 5);
  });

  it('never show what was there before something that was shown, or was acknowledged', async () => {
    const dice = diceOf(`${SEED} in order`);
    const home = await rig.bucket();
    const at = address(home, 'one');
    /** The newest that anybody has seen, or was told is there. */
    let seen = 0;
    let written = false;
    const store = (): Metadata['store'] => dice.pick(rig.gateways).store;
    async function write(home: Home): Promise<void> {
      for (let n = 1; n <= WRITES; n++) {
        await store().commit(putIntent(home, at.key, { etag: `${n}` }));
        seen = Math.max(seen, n);
      }
      written = true;
    }
    async function look(): Promise<void> {
      for (let n = 0; !written; n++) {
        const atLeast = seen;
        const one = store();
        const found = one.peekCurrent(at) ?? (await one.current(at));
        const etag = Number(found?.etag ?? 0);
        expect(etag).to.be.at.least(atLeast);
        seen = Math.max(seen, etag);
        if (n % 8 === 7) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await Promise.all([write(home), ...Array.from({ length: 6 }, look)]);
  });

  it('nor while a folder moves', async () => {
    const dice = diceOf(`${SEED} moves`);
    const home = await rig.bucket();
    const store = (): Metadata['store'] => dice.pick(rig.gateways).store;
    const [here, there] = ['here/', 'there/'] as const;
    const at = address(home, 'here/file');
    await store().commit(putIntent(home, at.key));
    /** Moves that were begun; whether the last of them was seen, or acknowledged. */
    let [moves, seen] = [0, true];
    async function move(): Promise<void> {
      while (moves < WRITES) {
        moves++;
        seen = false;
        const [from, to] = moves % 2 === 1 ? [here, there] : [there, here];
        await store().move({ who: home.who, from: address(home, from), to: address(home, to), overwrite: false });
        seen = true;
      }
    }
    async function look(): Promise<void> {
      while (moves < WRITES) {
        const [before, wasSeen] = [moves, seen];
        const one = dice.pick([asking, ...rig.gateways]).store;
        const peeked = one.peekCurrent(at);
        const found = peeked === undefined ? await one.current(at) : peeked;
        if (moves === before) {
          const moved = (found === null) === (moves % 2 === 1);
          if (wasSeen) expect(moved, `move ${moves} was seen before`).to.equal(true);
          seen ||= moved;
        }
        if (peeked !== undefined) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await Promise.all([move(), ...Array.from({ length: 6 }, look)]);
  });
});
