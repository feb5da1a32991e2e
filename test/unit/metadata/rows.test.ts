import { expect } from 'chai';
import { attributesReader } from '../../../src/metadata/rows.ts';

describe('the attributes of a page', () => {
  it('are what JSON says, whoever stands beside them', () => {
    const sum = (value: string, tail = ''): string =>
      `{"checksum": {"type": "FULL_OBJECT", "value": "${value}", "algorithm": "crc32"}${tail}}`;
    const texts = [
      '{}',
      sum('AAAA'),
      sum('BBBB'),
      sum(''),
      sum('a\\"b'),
      sum('a\\"c'),
      sum('CCCC', ', "contentType": "a/b"'),
      sum('DDDD', ', "contentType": "a/b"'),
      sum('DDDD', ', "contentType": "a/c"'),
      '{"user": {"value": "\\"checksum\\": {\\"type\\": \\"FULL_OBJECT\\", \\"value\\": \\"x"}, "contentType": "a/b"}',
      '{"checksum": {"type": "COMPOSITE", "value": "EEEE-2", "algorithm": "crc32"}}',
      '{"checksum": {"type": "COMPOSITE", "value": "FFFF-2", "algorithm": "crc32"}}',
      '{"contentType": "a/b"}',
      '{"contentType": "a/b"}',
    ];
    for (const first of texts) {
      for (const second of texts) {
        const read = attributesReader();
        for (const text of [first, second, first, second, second]) expect(read(text), text).to.deep.equal(JSON.parse(text));
      }
    }
  });
});
