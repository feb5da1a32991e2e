import { expect } from 'chai';
import { isCloudStoreError } from '#core/errors';
import { openSegment, sealSegment } from '#engine/record-cipher';
import {
  CIPHER_AES_256_GCM,
  CIPHER_NONE,
  type Cipher,
  decodeRecordHeader,
  encodeRecordHeader,
  RECORD_HEADER_BYTES_MAX,
  SEGMENT_BYTES,
  TAG_BYTES,
} from '#engine/record-format';
import { SEED, seededRandom } from '../../support/random.ts';

const random = seededRandom(SEED);
const sizes = [1, 1025, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 4 << 20];

function headerOf(size: number, compressed: (number | null)[] | null, cipher: Cipher = CIPHER_AES_256_GCM) {
  return encodeRecordHeader({ domain: 7, cipher, epoch: 3, id: random(32), salt: random(32), size, compressed });
}
const lengthOf = ({ bytes, segments }: ReturnType<typeof headerOf>) =>
  bytes.length + segments.reduce((sum, { stored }) => sum + stored + TAG_BYTES, 0);
function codeOf(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (error) {
    return isCloudStoreError(error) ? error.code : String(error);
  }
}

describe(`record format (seed ${SEED})`, () => {
  it('is read back as it was written, plain and compressed', () => {
    for (const size of sizes) {
      const count = Math.ceil(size / SEGMENT_BYTES);
      for (const compressed of [null, Array.from({ length: count }, (_, n) => (n % 2 === 0 ? 100 : null))]) {
        const header = headerOf(size, compressed);
        expect(header.bytes.length).to.be.at.most(RECORD_HEADER_BYTES_MAX);
        expect(header.segments.reduce((sum, { plain }) => sum + plain, 0)).to.equal(size);
        expect(decodeRecordHeader(Buffer.concat([header.bytes, Buffer.alloc(50)]), lengthOf(header))).to.deep.equal(header);
      }
    }
  });

  it('takes nothing else for a header', () => {
    const header = headerOf(3 * SEGMENT_BYTES, [5, null, 7]);
    const length = lengthOf(header);
    const decode = (bytes: Buffer, recordLength = length) => codeOf(() => decodeRecordHeader(bytes, recordLength));
    expect(decode(header.bytes)).to.equal('none');
    expect(decode(header.bytes, length + 1)).to.equal('corrupt');
    for (let cut = 0; cut < header.bytes.length; cut++)
      expect(decode(header.bytes.subarray(0, cut)), `cut at ${cut}`).to.equal('corrupt');
    // What names the chunk and its key is authenticated by the tags; all else must make sense at once.
    for (const at of [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 24, 25, 26, 27]) {
      const flipped = Buffer.from(header.bytes);
      flipped[at]! ^= 0x80;
      expect(decode(flipped), `byte ${at}`).to.equal('corrupt');
    }
    for (let n = 0; n < 2000; n++) {
      const noise = random(200);
      header.bytes.copy(noise, 0, 0, 12);
      expect(decode(noise)).to.equal('corrupt');
    }
  });

  it('finds every flipped bit of what is not encrypted, and every segment that was moved', () => {
    const header = headerOf(SEGMENT_BYTES + 500, null, CIPHER_NONE);
    const plain = [random(SEGMENT_BYTES), random(500)];
    const stored = plain.map((bytes, index) => Buffer.concat(sealSegment(null, header, index, [bytes])));
    expect(stored[1]!.subarray(0, 500).equals(plain[1]!)).to.equal(true);
    for (const [index, bytes] of plain.entries()) {
      expect(Buffer.concat(openSegment(null, header, index, stored[index]!)).equals(bytes)).to.equal(true);
    }
    for (let bit = 0; bit < 516 * 8; bit++) {
      const flipped = Buffer.from(stored[1]!);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(
        codeOf(() => openSegment(null, header, 1, flipped)),
        `bit ${bit}`,
      ).to.equal('corrupt');
    }
    const two = headerOf(2 * SEGMENT_BYTES, null, CIPHER_NONE);
    const moved = Buffer.concat(sealSegment(null, two, 0, [plain[0]!]));
    expect(codeOf(() => openSegment(null, two, 1, moved))).to.equal('corrupt');
    for (const at of [12, 16, 33, 70]) {
      const other = { ...header, bytes: Buffer.from(header.bytes) };
      other.bytes[at]! ^= 1;
      expect(
        codeOf(() => openSegment(null, other, 1, stored[1]!)),
        `header byte ${at}`,
      ).to.equal('corrupt');
    }
  });

  it('opens a segment in its own place only', () => {
    const key = random(32);
    const header = headerOf(2 * SEGMENT_BYTES + 10, null);
    const plain = [random(SEGMENT_BYTES), random(SEGMENT_BYTES), random(10)];
    const sealed = plain.map((bytes, index) =>
      Buffer.concat(sealSegment(key, header, index, [bytes.subarray(0, 4), bytes.subarray(4)])),
    );
    for (const [index, bytes] of plain.entries()) {
      expect(Buffer.concat(openSegment(key, header, index, sealed[index]!)).equals(bytes)).to.equal(true);
    }
    expect(codeOf(() => openSegment(key, header, 0, sealed[1]!))).to.equal('corrupt');
    expect(codeOf(() => openSegment(random(32), header, 0, sealed[0]!))).to.equal('corrupt');
    const other = { ...header, bytes: Buffer.from(header.bytes) };
    other.bytes[33]! ^= 1;
    expect(codeOf(() => openSegment(key, other, 0, sealed[0]!))).to.equal('corrupt');
    // One segment fewer: the last one is told by its nonce.
    const shorter = { ...header, segments: header.segments.slice(0, 2) };
    expect(codeOf(() => openSegment(key, shorter, 1, sealed[1]!))).to.equal('corrupt');
  });
});
