import { expect } from 'chai';
import { Oldest } from '#core/oldest';
import { quickDice, SEED } from '../../support/random.ts';

describe('oldest keys of a bounded map', () => {
  /** What a bound map does, by a list. */
  class Model {
    keys: number[] = [];
    newest(key: number): void {
      this.keys = [...this.keys.filter((one) => one !== key), key];
    }
  }

  it('go first, whatever was put in anew, used or taken out between', () => {
    const { below } = quickDice(SEED);
    for (const bound of [0, 1, 2, 7, 64]) {
      const entries = new Map<number, number>();
      const oldest = new Oldest(entries);
      const model = new Model();
      let room = bound;
      for (let step = 0; step < 5000; step++) {
        const key = below(bound * 2 + 2);
        const action = below(10);
        if (action < 2) {
          entries.delete(key);
          model.keys = model.keys.filter((one) => one !== key);
        } else if (action < 5 && entries.delete(key)) {
          entries.set(key, step);
          oldest.changed();
          model.newest(key);
        } else {
          entries.delete(key);
          entries.set(key, step);
          model.newest(key);
          oldest.trim(
            () => entries.size > room,
            (one) => entries.delete(one),
          );
          model.keys = room === 0 ? [] : model.keys.slice(-room);
        }
        // A bound of bytes makes room for more or fewer entries at times.
        if (below(50) === 0) room = bound + below(4);
        expect([...entries.keys()], `bound ${bound}, step ${step}`).to.deep.equal(model.keys);
      }
    }
  });

  it('are asked for no more where the map is empty, however full it is said to be', () => {
    const entries = new Map([['a', 1]]);
    const removed: string[] = [];
    new Oldest(entries).trim(
      () => true,
      (key) => {
        removed.push(key);
        entries.delete(key);
      },
    );
    expect(removed).to.deep.equal(['a']);
  });
});
