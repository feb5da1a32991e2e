import { expect } from 'chai';
import { createSendBuffers } from '#http/send-buffers';
import { escapeXml } from '#http/xml';
import { XML_ESCAPES, XmlBytes } from '#http/xml-bytes';
import { quickDice, SEED } from '../../support/random.ts';

describe('XML as bytes', () => {
  const buffers = createSendBuffers([2048], 4);
  const pick = quickDice(SEED).below;

  it('escapes as texts are escaped, whatever is in them', () => {
    const odd = ['\ufffe', '\uffff', '\ufffd', '\uffee', '\ufeff', '\u{1ffff}', 'ä', '日', '😀'];
    const one = (): string => (pick(3) === 0 ? (odd[pick(odd.length)] as string) : String.fromCharCode(pick(0x100)));
    for (let round = 0; round < 2000; round++) {
      const text = Array.from({ length: pick(12) }, one).join('');
      const source = Buffer.from(`<${text}>`);
      const page = new XmlBytes(buffers, 10);
      page.reserve(source.length * XML_ESCAPES.longest);
      page.putEscaped(source, 1, source.length - 1, XML_ESCAPES);
      expect(page.bytes().toString(), `${JSON.stringify(text)}, CLOUDSTORE_TEST_SEED=${SEED}`).to.equal(escapeXml(text));
      page.back();
    }
  });

  it('writes dates and numbers as JavaScript does', () => {
    const times = [0, 999, 86_399_999, 86_400_000, 951_782_400_007, 1_767_225_600_010, 253_402_300_799_998];
    for (let round = 0; round < 2000; round++) {
      const ms = times[round] ?? pick(2 ** 31) * 1000 + pick(1000);
      const page = new XmlBytes(buffers, 70);
      page.putDate(ms);
      page.putNumber(ms);
      page.putDate(ms + 1);
      expect(page.bytes().toString()).to.equal(`${new Date(ms).toISOString()}${ms}${new Date(ms + 1).toISOString()}`);
      page.back();
    }
  });

  it('grows with what is written behind and before it, in memory that others had before', () => {
    for (let round = 0; round < 300; round++) {
      const page = new XmlBytes(buffers, pick(100));
      let expected = '';
      for (let step = 0; step < 30; step++) {
        const text = ['ä', 'x', '日'][pick(3)]?.repeat(pick(200)) ?? '';
        if (pick(3) === 0) {
          page.writeBefore(text);
          expected = text + expected;
        } else if (pick(2) === 0) {
          page.write(text);
          expected += text;
        } else {
          const other = new XmlBytes(buffers, pick(20));
          other.write(text);
          page.append(other);
          other.back();
          expected += text;
        }
      }
      expect(page.length).to.equal(Buffer.byteLength(expected));
      expect(page.bytes().toString() === expected, `round ${round}, CLOUDSTORE_TEST_SEED=${SEED}`).to.equal(true);
      page.back();
    }
  });
});
