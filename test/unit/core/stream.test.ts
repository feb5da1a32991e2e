import { expect } from 'chai';
import { bytesOf, collect, disposable, disposableTogether, dispose } from '#core/stream';

const tooLarge = () => new Error('too large');

describe('streams', () => {
  it('hands the memory of a marked buffer back, and of no other', () => {
    const marked = disposable(Buffer.alloc(70_000, 1));
    const plain = Buffer.alloc(70_000, 2);
    dispose(marked);
    dispose(plain);
    expect(marked.length).to.equal(0);
    expect(plain.every((byte) => byte === 2)).to.equal(true);
    dispose(marked); // once more does nothing
  });

  it('gives memory that somebody wants back to him, once, with the last that lies in it', () => {
    const memory = Buffer.alloc(1000, 7);
    const parts = [memory.subarray(0, 10), memory.subarray(10, 30)];
    let given = 0;
    disposableTogether(parts, () => given++);
    dispose(parts[1]!);
    expect(given).to.equal(0);
    dispose(parts[0]!);
    dispose(parts[0]!);
    expect(given).to.equal(1);
    expect(memory.length, 'not the allocator').to.equal(1000);
  });

  it('keeps what it gathered, though its pieces were marked', async () => {
    for (const count of [1, 2]) {
      const pieces = Array.from({ length: count }, (_, index) => disposable(Buffer.alloc(20_000, index + 1)));
      const all = await collect(bytesOf(...pieces), 1 << 20, tooLarge);
      dispose(all);
      expect(all.length).to.equal(count * 20_000);
      expect(all[0]).to.equal(1);
    }
  });

  it('refuses a body of more than the bound', async () => {
    let message = '';
    await collect(bytesOf(Buffer.alloc(10), Buffer.alloc(10)), 15, tooLarge).catch((error) => (message = error.message));
    expect(message).to.equal('too large');
  });
});
