import { expect } from 'chai';
import { base32, codeAt, provisioningUri, stepOf } from '#auth/totp';

/** RFC 6238, appendix B: of eight digits there, the last six here. */
const SECRET = Buffer.from('12345678901234567890');
const VECTORS: [number, string][] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
];

describe('one-time codes', () => {
  for (const [seconds, code] of VECTORS) {
    it(`are RFC 6238's at ${seconds}`, () => {
      const step = Math.floor(seconds / 30);
      expect(codeAt(SECRET, step)).to.equal(code);
      expect(stepOf(SECRET, code, seconds * 1000, 0)).to.equal(step);
    });
  }

  it('hold for the step before and after, and no further', () => {
    const now = 1_234_567_890_000;
    const step = Math.floor(now / 30_000);
    for (let off = -3; off <= 3; off++) {
      const expected = Math.abs(off) <= 1 ? step + off : null;
      expect(stepOf(SECRET, codeAt(SECRET, step + off), now, 0)).to.equal(expected);
    }
  });

  it('hold once: none of a step that was spent, or of one before', () => {
    const now = 1_234_567_890_000;
    const step = Math.floor(now / 30_000);
    expect(stepOf(SECRET, codeAt(SECRET, step), now, step)).to.equal(null);
    expect(stepOf(SECRET, codeAt(SECRET, step - 1), now, step)).to.equal(null);
    expect(stepOf(SECRET, codeAt(SECRET, step + 1), now, step)).to.equal(step + 1);
  });

  it('are six digits and nothing else', () => {
    for (const code of ['', '28708', '2870822', 'abcdef', '28708２', ' 287082', '287082\n', '-87082']) {
      expect(stepOf(SECRET, code, 59_000, 0)).to.equal(null);
    }
  });

  it('are set up by an address that apps know; base32 as in RFC 4648', () => {
    for (const [text, encoded] of [
      ['', ''],
      ['f', 'MY'],
      ['fo', 'MZXQ'],
      ['foo', 'MZXW6'],
      ['foob', 'MZXW6YQ'],
      ['fooba', 'MZXW6YTB'],
      ['foobar', 'MZXW6YTBOI'],
    ] as const) {
      expect(base32(Buffer.from(text))).to.equal(encoded);
    }
    expect(provisioningUri(Buffer.from('foobar'), 'änn@x')).to.equal(
      'otpauth://totp/CloudStore:%C3%A4nn%40x?secret=MZXW6YTBOI&issuer=CloudStore',
    );
  });
});
