import { getHeapSpaceStatistics } from 'node:v8';
import { expect } from 'chai';
import { giveBackStartMemory } from '#start-memory';

describe('memory after the start', () => {
  const young = (): number =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.physical_space_size ?? 0;

  it('has no room for what came and went before', () => {
    // What survives a while makes the young generation larger.
    for (let round = 0; round < 200; round++) {
      const some = Array.from({ length: 20_000 }, (_, index) => ({ round, index }));
      expect(some).to.have.length(20_000);
    }
    const before = young();
    giveBackStartMemory();
    expect(before, 'it had grown').to.be.above(4 << 20);
    expect(young()).to.be.below(before / 2);
  });

  it('leaves nobody a way to collect', () => {
    giveBackStartMemory();
    expect(globalThis).to.not.have.property('gc');
  });
});
