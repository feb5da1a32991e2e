import { expect } from 'chai';
import { createReadBuffers } from '#engine/read-buffers';

describe('buffers for reads', () => {
  it('serve again up to their number, and what is beyond goes back to the allocator at once', async () => {
    const buffers = createReadBuffers(4096, 2);
    const lent: Buffer[] = [];
    for (let one = 0; one < 4; one++) {
      const buffer = await buffers.take();
      lent.push(buffer.bytes);
      buffers.forgo(buffer);
    }
    for (const memory of lent) buffers.recycle(memory);
    expect(lent.map(({ byteLength }) => byteLength)).to.deep.equal([4096, 4096, 0, 0]);
    const again = [await buffers.take(), buffers.tryAhead()!];
    expect(again.map(({ bytes }) => bytes)).to.have.members(lent.slice(0, 2));
  });
});
