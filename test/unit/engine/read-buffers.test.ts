import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { createReadBuffers, type ReadBuffers } from '#engine/read-buffers';

const SIZES = { whole: 4096, small: 1024 };

describe('buffers for reads', () => {
  it('serve again up to their number; where as much is lent, further ones are small, and what is beyond goes back to the allocator at once', async () => {
    const buffers = createReadBuffers(SIZES, 2);
    const lent: { bytes: Buffer; giveBack(): void }[] = [];
    for (let one = 0; one < 6; one++) {
      const buffer = await buffers.take();
      lent.push({ bytes: buffer.bytes, giveBack: buffers.lend(buffer) });
    }
    expect(lent.map(({ bytes }) => bytes.length)).to.deep.equal([4096, 4096, 1024, 1024, 1024, 1024]);
    for (const { giveBack } of lent) giveBack();
    expect(lent.map(({ bytes }) => bytes.length)).to.deep.equal([4096, 4096, 1024, 1024, 0, 0]);
    const again = [await buffers.take(), buffers.tryAhead()!];
    expect(again.map(({ bytes }) => bytes)).to.have.members(lent.slice(0, 2).map(({ bytes }) => bytes));
    for (const buffer of again) buffers.give(buffer);
    expect((await buffers.take()).size).to.equal(4096);
  });

  it('are small where that is enough, and none where there is none of the size that is needed', async () => {
    const buffers = createReadBuffers(SIZES, 4);
    const small = [buffers.tryTake()!, await buffers.take(true)];
    expect(small.map(({ size }) => size)).to.deep.equal([SIZES.small, SIZES.small]);
    expect(buffers.tryTake(), 'half of all are for reading ahead').to.equal(null);
    for (const buffer of small) buffers.give(buffer);
    expect(buffers.tryAhead(SIZES.whole + 1)).to.equal(null);
    const lent = [];
    while (lent.length < 3) lent.push(buffers.lend(await buffers.take()));
    const ahead = buffers.tryAhead(SIZES.small + 1)!;
    expect(ahead.size).to.equal(SIZES.whole);
    expect(buffers.tryAhead(SIZES.small + 1), 'all that they may take is lent').to.equal(null);
    expect(buffers.tryAhead(SIZES.small)?.size).to.equal(SIZES.small);
  });

  it('count no memory that was lost with a thread', async () => {
    const buffers = createReadBuffers(SIZES, 2);
    for (let one = 0; one < 5; one++) {
      const buffer = await buffers.take();
      buffer.bytes = Buffer.alloc(0);
      buffers.give(buffer);
      expect(buffer.size).to.equal(4096);
    }
  });

  it('count no memory that its consumer left to the collector', async () => {
    const buffers = createReadBuffers(SIZES, 2);
    await leave(buffers);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
    for (let size = 0; size !== SIZES.whole; await nextTurn()) {
      collect();
      const buffer = await buffers.take();
      ({ size } = buffer);
      buffers.give(buffer);
    }
  });

  async function leave(buffers: ReadBuffers): Promise<void> {
    for (let one = 0; one < 3; one++) buffers.lend(await buffers.take());
    const buffer = await buffers.take();
    expect(buffer.size).to.equal(1024);
    buffers.give(buffer);
  }
});
