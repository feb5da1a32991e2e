import { expect } from 'chai';
import { createListingCache } from '#protocols/webdav/listing-cache';
import { quickDice, SEED } from '../../support/random.ts';

const SMALL_BYTES_MAX = 8_000;
const LARGE_BYTES_MAX = 20_000;
const fresh = () => createListingCache({ small: SMALL_BYTES_MAX, smallEach: SMALL_BYTES_MAX / 8, large: LARGE_BYTES_MAX });

describe('WebDAV: listings that are kept', () => {
  it(`come back as they were, or not at all, however often they are written over (CLOUDSTORE_TEST_SEED=${SEED})`, () => {
    const dice = quickDice(SEED);
    const cache = fresh();
    const model = new Map<string, { etag: string; text: string; blocks: number }>();
    const lent: [taken: Buffer, text: string][] = [];
    let found = 0;
    for (let i = 0; i < 20_000; i++) {
      const name = `folder ${dice.below(40)}`;
      const before = model.get(name);
      if (dice.chance(0.5)) {
        const count = dice.chance(0.8) ? 1 : 2;
        const text = `${i} `.repeat(1 + dice.below(dice.chance(0.05) ? 2_000 : 120));
        const blocks = count === 1 ? [Buffer.from(text)] : [Buffer.from(text), Buffer.from(text)];
        model.set(name, { etag: String(i), text: text.repeat(count), blocks: count });
        cache.put(name, { etag: String(i), blocks });
      } else if (before !== undefined) {
        expect(cache.take(name, `${before.etag}-of-another`)).to.equal(null);
        const etag = cache.etagOf(name);
        const taken = cache.take(name, before.etag);
        expect(etag === undefined, 'as it says').to.equal(taken === null);
        if (taken === null) continue;
        found++;
        expect([etag, taken.length, Buffer.concat(taken).toString()]).to.deep.equal([before.etag, before.blocks, before.text]);
        lent.push([Buffer.concat(taken), before.text], [taken[0]!, before.text.slice(0, taken[0]!.length)]);
      }
    }
    expect(found, 'something is kept').to.be.greaterThan(2_000);
    for (const [taken, text] of lent) expect(taken.toString(), 'what was taken is the taker’s').to.equal(text);
  });

  it(`share blocks with answers under way and with what they were mended to, and none is used again before (CLOUDSTORE_TEST_SEED=${SEED})`, () => {
    const dice = quickDice(SEED);
    const cache = createListingCache({ small: 1 << 10, smallEach: 1 << 9, large: 3 << 20 });
    const lent = (text: string): Buffer => {
      const block = cache.buffers.lend(150_000 + dice.below(100_000));
      block.fill(text);
      return block;
    };
    const wholly = (block: Buffer, text: string): boolean => block.equals(Buffer.alloc(block.length, text));
    const model = new Map<string, { etag: string; texts: string[] }>();
    const sent: { block: Buffer; text: string }[] = [];
    const memory = new Set<ArrayBufferLike>();
    for (let i = 0; i < 1500; i++) {
      const name = `folder ${dice.below(4)}`;
      const before = model.get(name);
      const seen = before === undefined ? null : cache.look(name, before.etag);
      if (before === undefined || seen === null || dice.chance(0.2)) {
        const texts = Array.from({ length: 2 + dice.below(3) }, (_, n) => `${i}.${n} `);
        const blocks = texts.map(lent);
        cache.put(name, { etag: `${i}`, blocks });
        model.set(name, { etag: `${i}`, texts });
        sent.push(...blocks.map((block, n) => ({ block, text: texts[n]! })));
      } else if (dice.chance(0.5)) {
        const at = dice.below(seen.length);
        const texts = before.texts.with(at, `${i} `);
        const mended = seen.with(at, lent(`${i} `));
        cache.put(name, { etag: `${i}`, blocks: mended });
        model.set(name, { etag: `${i}`, texts });
        sent.push({ block: mended[at]!, text: `${i} ` });
      } else {
        const taken = cache.take(name, before.etag)!;
        sent.push(...taken.map((block, n) => ({ block, text: before.texts[n]! })));
      }
      for (const { block, text } of sent) if (dice.chance(0.1)) expect(wholly(block, text), `step ${i}`).to.equal(true);
      while (sent.length > 12) cache.back(sent.splice(dice.below(sent.length), 1)[0]!.block);
      for (const { block } of sent) memory.add(block.buffer);
    }
    expect(memory.size, 'buffers are used again').to.be.lessThan(200);
  });

  it('are forgotten oldest first, and those that are too large are not kept', () => {
    const cache = fresh();
    const listing = (bytes: number) => ({ etag: 'e', blocks: [Buffer.alloc(bytes, 'x')] });
    const names = [...'abcdefghij'];
    for (const name of names) cache.put(name, listing(790));
    cache.put('large', listing(LARGE_BYTES_MAX));
    expect(['a', 'j', 'large'].map((name) => cache.etagOf(name))).to.deep.equal([undefined, 'e', undefined]);
    expect(names.filter((name) => cache.etagOf(name) === undefined).join('')).to.equal('ab');
    const whole = { etag: 'e', blocks: [Buffer.alloc(LARGE_BYTES_MAX / 4), Buffer.alloc(LARGE_BYTES_MAX / 5)] };
    for (const name of ['first', 'second', 'third']) cache.put(name, whole);
    expect(['first', 'second', 'third'].map((name) => cache.etagOf(name))).to.deep.equal([undefined, 'e', 'e']);
    cache.put('third', { etag: 'e', blocks: [Buffer.alloc(LARGE_BYTES_MAX), Buffer.alloc(1)] });
    expect([cache.etagOf('third'), cache.take('second', 'e')]).to.deep.equal([undefined, whole.blocks]);
  });

  it('lends each buffer to one answer at a time, and again when it was given back', () => {
    const cache = fresh();
    for (const name of ['a', 'b']) cache.put(name, { etag: '1', blocks: [Buffer.from(name.repeat(500))] });
    const take = (name: string): Buffer => cache.take(name, '1')![0]!;
    const [first, second] = [take('a'), take('b')];
    expect([first.toString(), second.toString()]).to.deep.equal(['a'.repeat(500), 'b'.repeat(500)]);
    cache.back(first);
    cache.back(first);
    const again = [take('b'), take('b')];
    expect(again[0]!.buffer, 'used again').to.equal(first.buffer);
    expect(again[1]!.buffer, 'by one').not.to.be.oneOf([first.buffer, second.buffer]);
    expect(second.toString()).to.equal('b'.repeat(500));
    cache.back(Buffer.alloc(500));
    expect(take('a').toString(), 'nobody else’s').to.equal('a'.repeat(500));
  });
});
