import { expect } from 'chai';
import {
  createPackIndex,
  decodeFrame,
  decodePackHeader,
  decodePackIndex,
  decodePackTrailer,
  encodeFrame,
  encodePackHeader,
  LABEL_BYTES,
} from '#blob/pack-format';

const header = { id: 'ab'.repeat(16), instance: 'cd'.repeat(16), created: 1_795_000_000_000 };

describe('pack format', () => {
  it('gives back the header, and none that is damaged', () => {
    const bytes = encodePackHeader(header);
    expect(decodePackHeader(bytes)).to.deep.equal(header);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1;
      expect(decodePackHeader(flipped), `byte ${at}`).to.equal(null);
    }
    expect(decodePackHeader(bytes.subarray(0, 63))).to.equal(null);
  });

  it('gives back a frame, and none that is damaged', () => {
    const frame = encodeFrame([Buffer.from('rec'), Buffer.from('ord')]);
    expect(decodeFrame(frame)?.length).to.equal(6);
    for (let at = 0; at < frame.length; at++) {
      const flipped = Buffer.from(frame);
      flipped[at]! ^= 1;
      expect(decodeFrame(flipped), `byte ${at}`).to.equal(null);
    }
  });

  it('gives back index and trailer: places and labels of every record that was not cut', () => {
    const index = createPackIndex();
    for (let n = 0; n < 100; n++) index.add(80 + n * 1000, 900, [Buffer.alloc(40, n), Buffer.alloc(40, n + 1)]);
    index.add(200_000, 10, [Buffer.from('short')]);
    index.cut(150_000);
    expect(index.count).to.equal(100);
    const [entries, trailer] = index.encode(150_000, 7) as [Buffer, Buffer];
    const read = decodePackTrailer(trailer)!;
    expect([read.count, read.offset, read.sealed]).to.deep.equal([100, 150_000, 7]);
    const decoded = decodePackIndex(entries, read);
    expect(decoded[41]).to.deep.include({ offset: 80 + 41_000, length: 900 });
    expect(decoded[41]?.label).to.deep.equal(Buffer.concat([Buffer.alloc(40, 41), Buffer.alloc(LABEL_BYTES - 40, 42)]));
  });

  it('takes no damaged trailer or index', () => {
    const index = createPackIndex();
    index.add(80, 5, [Buffer.from('short')]);
    const [entries, trailer] = index.encode(96, 7) as [Buffer, Buffer];
    const read = decodePackTrailer(trailer)!;
    for (let at = 0; at < trailer.length; at++) {
      const flipped = Buffer.from(trailer);
      flipped[at]! ^= 1;
      expect(decodePackTrailer(flipped), `byte ${at}`).to.equal(null);
    }
    const flipped = Buffer.from(entries);
    flipped[20]! ^= 1;
    expect(() => decodePackIndex(flipped, read)).to.throw('damaged');
    expect(() => decodePackIndex(entries.subarray(1), read)).to.throw('damaged');
  });
});
