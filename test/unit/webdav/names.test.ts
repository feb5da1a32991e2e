import { expect } from 'chai';
import fc from 'fast-check';
import { decodeName, encodeName } from '#protocols/webdav/names';

const MARK = '\uec5a';
const piece = fc.oneof(
  fc.constantFrom(
    '.',
    '..',
    '',
    'a',
    '\x01',
    '\x7f',
    MARK,
    `${MARK}empty`,
    `${MARK}folder`,
    `${MARK}002e`,
    `${MARK}ec5a`,
    '\uffff',
    'é',
    '😀',
  ),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
);
const segment = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join('').replaceAll('/', '').replaceAll('\0', ''));

describe('WebDAV: names of keys that a path cannot carry', () => {
  it('leaves every name that a client makes as typed', () => {
    for (const name of [
      'a',
      'a b',
      '...',
      '.hidden',
      'x.',
      'é',
      'e\u0301',
      'con',
      'a\\b',
      'a%2Fb',
      '‛',
      '␀',
      `odd${MARK}name`,
      MARK,
    ]) {
      expect(encodeName(name)).to.equal(name);
      expect(decodeName(name)).to.deep.equal({ segment: name, folder: false });
    }
  });

  it('shows the empty segment, dots and control characters under an escape', () => {
    expect(encodeName('')).to.equal(`${MARK}empty`);
    expect(encodeName('.')).to.equal(`${MARK}002e`);
    expect(encodeName('..')).to.equal(`${MARK}002e${MARK}002e`);
    expect(encodeName('a\nb')).to.equal(`a${MARK}000ab`);
    expect(encodeName('a', true)).to.equal(`a${MARK}folder`);
  });

  it('leads every segment back to itself, and no two segments to one name', () => {
    const seed = Number(process.env.CLOUDSTORE_TEST_SEED ?? 0) || Math.floor(Math.random() * 2 ** 31);
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(segment, fc.boolean(), (text, folder) => {
        const name = encodeName(text, folder);
        expect(decodeName(name)).to.deep.equal({ segment: text, folder });
        expect(name).to.match(/^[^\x00-\x1f\x7f\ufffe\uffff/]+$/);
        expect(['.', '..']).not.to.include(name);
        const identity = `${folder} ${text}`;
        expect(seen.get(name) ?? identity).to.equal(identity);
        seen.set(name, identity);
      }),
      { seed, numRuns: 4000 },
    );
  });

  it('reads any name a client may send, exactly or as an escape', () => {
    fc.assert(
      fc.property(segment, (name) => {
        const { segment: text, folder } = decodeName(name);
        if (text !== name) expect(encodeName(text, folder)).to.equal(name);
      }),
      { numRuns: 2000 },
    );
  });
});
