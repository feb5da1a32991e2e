import { expect } from 'chai';
import fc from 'fast-check';
import { isCloudStoreError } from '#core/errors';
import { decodeCursor, encodeCursor } from '#protocols/rest/file-read';
import { parsePlace, parseQuery } from '#protocols/rest/paths';
import { declaredDigests, parseTime } from '#protocols/rest/request-values';

describe('values of REST requests', () => {
  const seed = Number(process.env.CLOUDSTORE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  before(() => console.log(`      seed ${seed}`));

  const refusesOnly = (parse: (text: string) => unknown) =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(isCloudStoreError(error), String(error)).to.equal(true);
        }
      }),
      { seed, numRuns: 2000 },
    );

  it('fuzzed, are read or refused, never a fault', () => {
    refusesOnly(parsePlace);
    refusesOnly(parseQuery);
    refusesOnly(parseTime);
    refusesOnly(decodeCursor);
    refusesOnly((text) => declaredDigests({ 'repr-digest': text, 'content-md5': text, 'x-checksum-sha256': text }));
  });
  it('carry every key but those with dot segments', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (key) => {
        fc.pre(!key.includes('\0') && !key.split('/').some((name) => name === '.' || name === '..'));
        const path = `b/${key.split('/').map(encodeURIComponent).join('/')}`;
        expect(parsePlace(path)).to.deep.equal({ bucket: 'b', key });
        expect(parseQuery(`key=${encodeURIComponent(key)}`)).to.deep.equal({ key });
        expect(decodeCursor(encodeCursor(key))).to.equal(key);
      }),
      { seed, numRuns: 1000 },
    );
  });
  it('are times in milliseconds or ISO 8601', () => {
    expect(parseTime('1500')).to.equal(1500);
    expect(parseTime('1970-01-01T01:00:01+01:00')).to.equal(1000);
    for (const text of ['', '2020-13-01T00:00:00Z', '2020-01-01T00:00:00', '1e3', '999999999999999']) {
      expect(() => parseTime(text), text).to.throw();
    }
  });
});
