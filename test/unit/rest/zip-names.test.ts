import { expect } from 'chai';
import { createZipNames } from '#protocols/rest/zip-names';

describe('names in an archive', () => {
  it('are each another one, also of tens of thousands that would all be written alike', () => {
    const { take } = createZipNames();
    const key = (n: number): string => [...n.toString(4).padStart(8, '0')].map((digit) => '?*:|'[Number(digit)]).join('');
    const names = Array.from({ length: 40_000 }, (_, n) => take(`${key(n)}.txt`));
    expect(names.slice(0, 3)).to.deep.equal(['________.txt', '________ (2).txt', '________ (3).txt']);
    expect(new Set(names).size).to.equal(names.length);
    expect(take('________ (2).txt')).to.equal('________ (2) (2).txt');
    expect(take('________.TXT')).to.equal('________ (40001).TXT');
  });
});
