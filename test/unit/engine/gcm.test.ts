import { expect } from 'chai';
import { createGcm } from '#engine/gcm';
import { SEED, seededRandom } from '../../support/random.ts';

const random = seededRandom(SEED);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe(`AES-256-GCM (seed ${SEED})`, () => {
  const [native, plain] = [createGcm(), createGcm('plain')];

  it('calls OpenSSL itself on the platforms that have a prebuild', function () {
    if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) this.skip();
    expect(native.native).to.equal(true);
  });

  for (const gcm of [native, plain]) {
    const kind = gcm.native ? 'native' : 'plain';

    it(`${kind}: known answers of its authors`, () => {
      // McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, test cases 14 and 16.
      const cases = [
        {
          key: '00'.repeat(32),
          nonce: '00'.repeat(12),
          additional: '',
          plain: '00'.repeat(16),
          sealed: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
        },
        {
          key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
          nonce: 'cafebabefacedbaddecaf888',
          additional: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
          plain:
            'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
          sealed:
            '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
            '76fc6ece0f4e1768cddf8853bb2d551b',
        },
      ];
      for (const { key, nonce, additional, plain, sealed } of cases) {
        const out = Buffer.alloc(sealed.length / 2);
        gcm.seal(hex(key), hex(nonce), hex(additional), [hex(plain)], out);
        expect(out.toString('hex')).to.equal(sealed);
      }
    });

    it(`${kind}: keeps to the memory that it is given`, () => {
      const [key, nonce] = [random(32), random(12)];
      const around = Buffer.alloc(100, 7);
      gcm.seal(key, nonce, Buffer.alloc(1), [Buffer.alloc(10, 1), Buffer.alloc(0), Buffer.alloc(14, 2)], around.subarray(30, 70));
      expect(around.subarray(0, 30).equals(Buffer.alloc(30, 7)) && around.subarray(70).equals(Buffer.alloc(30, 7))).to.equal(
        true,
      );
      const [bytes, tag] = [around.subarray(30, 54), around.subarray(54, 70)];
      expect(gcm.open(key, nonce, Buffer.alloc(1), bytes, tag, bytes)).to.equal(true);
      expect(bytes.toString('hex')).to.equal('01'.repeat(10) + '02'.repeat(14));
      expect(around.subarray(70).equals(Buffer.alloc(30, 7))).to.equal(true);
    });

    it(`${kind}: opens what the other seals, in pieces of any length, in its place and elsewhere, and nothing that was changed`, () => {
      const dice = (sides: number): number => Buffer.from(random(4)).readUInt32BE(0) % sides;
      const other = gcm === native ? plain : native;
      for (let round = 0; round < 60; round++) {
        const [key, nonce, additional] = [random(32), random(12), random(1 + dice(200))];
        const pieces = Array.from({ length: 1 + dice(4) }, () => Buffer.from(random(1 + dice(round % 3 === 0 ? 200_000 : 300))));
        const content = Buffer.concat(pieces);
        const memory = new SharedArrayBuffer(content.length + 16);
        const out = round % 2 === 0 ? Buffer.from(memory) : Buffer.alloc(content.length + 16);
        other.seal(key, nonce, additional, pieces, out);
        const [sealed, tag] = [out.subarray(0, content.length), Buffer.from(out.subarray(content.length))];
        const elsewhere = Buffer.alloc(content.length);
        expect(gcm.open(key, nonce, additional, sealed, tag, elsewhere)).to.equal(true);
        expect(elsewhere.equals(content)).to.equal(true);
        const changed = Buffer.from(sealed);
        changed[dice(changed.length)]! ^= 1 << dice(8);
        expect(gcm.open(key, nonce, additional, changed, tag, elsewhere)).to.equal(false);
        expect(gcm.open(key, nonce, random(additional.length + 1), sealed, tag, elsewhere)).to.equal(false);
        expect(gcm.open(key, nonce, additional, sealed, tag, sealed)).to.equal(true);
        expect(sealed.equals(content)).to.equal(true);
      }
    });
  }

  it('native: refuses lengths that do not belong together, before any memory is touched', () => {
    const [key, nonce, none] = [Buffer.alloc(32), Buffer.alloc(12), Buffer.alloc(0)];
    const [bytes, tag] = [Buffer.alloc(20), Buffer.alloc(16)];
    expect(() => native.seal(key, nonce, none, [bytes], Buffer.alloc(35))).to.throw(RangeError);
    expect(() => native.seal(key.subarray(1), nonce, none, [bytes], Buffer.alloc(36))).to.throw(RangeError);
    expect(() => native.open(key, nonce.subarray(1), none, bytes, tag, Buffer.alloc(20))).to.throw(RangeError);
    expect(() => native.open(key, nonce, none, bytes, tag.subarray(1), Buffer.alloc(20))).to.throw(RangeError);
    expect(() => native.open(key, nonce, none, bytes, tag, Buffer.alloc(19))).to.throw(RangeError);
  });
});
