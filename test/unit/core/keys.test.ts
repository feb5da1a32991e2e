import { expect } from 'chai';
import fc from 'fast-check';
import { afterPrefix, ancestorsOf, assertKey, compareKeys, KEY_BYTES_MAX, nameOf, parentOf } from '#core/address';
import { CloudStoreError } from '#core/errors';

/** Well-formed text with many characters from where UTF-16 and UTF-8 order differ. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom('/', 'a', '\u007f', '\u0080', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join('').toWellFormed());

describe('keys', () => {
  it('compare as their UTF-8 bytes do', () => {
    fc.assert(
      fc.property(text, text, (a, b) => Math.sign(compareKeys(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b))),
      { numRuns: 2000 },
    );
  });

  it('with a prefix all lie below its end, and nothing else lies between', () => {
    fc.assert(
      fc.property(text, text, (prefix, other) => {
        const end = afterPrefix(prefix);
        if (end === null) return /^\u{10ffff}*$/u.test(prefix);
        const inside = compareKeys(other, prefix) >= 0 && compareKeys(other, end) < 0;
        return end.isWellFormed() && compareKeys(`${prefix}${other}`, end) < 0 && inside === other.startsWith(prefix);
      }),
      { numRuns: 2000 },
    );
  });

  it('know their parents and names', () => {
    expect(['a/b/c', 'a/b/', 'a', 'a/', '/a', 'a//b'].map(parentOf)).to.deep.equal(['a/b/', 'a/', '', '', '/', 'a//']);
    expect(['a/b/c', 'a/b/', 'a', '/a'].map(nameOf)).to.deep.equal(['c', 'b', 'a', 'a']);
    expect(ancestorsOf('a/b/c')).to.deep.equal(['', 'a/', 'a/b/']);
    expect(ancestorsOf('a/b/')).to.deep.equal(['', 'a/']);
    expect(ancestorsOf('a')).to.deep.equal(['']);
  });

  it('refuse what no protocol may store, by bytes and not by characters', () => {
    for (const key of ['', 'a\0b', '\ud800', 'x'.repeat(KEY_BYTES_MAX + 1), 'ä'.repeat(513), '😀'.repeat(257)]) {
      expect(() => assertKey(key))
        .to.throw(CloudStoreError)
        .with.property('code', 'invalid_key');
    }
    for (const key of ['x'.repeat(KEY_BYTES_MAX), 'ä'.repeat(512), '😀'.repeat(256), '../..', '//', ' ', '\u0001'])
      assertKey(key);
  });
});
