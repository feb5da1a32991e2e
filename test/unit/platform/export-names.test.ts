import { expect } from 'chai';
import fc from 'fast-check';
import { hashedPathOf, keyOf, pathOf } from '../../../src/cli/offline/file-names.ts';
import { SEED } from '../../support/random.ts';

const plain = { besideFolder: false, windows: false };

describe('the paths of an export', () => {
  const cases: [string, string][] = [
    ['photos/2026/a.jpg', 'photos/2026/a.jpg'],
    ['100 %/ü 100%', '100 %/ü 100%'],
    ['a//b', 'a/%_/b'],
    ['/a', '%_/a'],
    ['a/', 'a/%_'],
    ['../../etc/passwd', '%2E%2E/%2E%2E/etc/passwd'],
    ['./a', '%2E/a'],
    ['a\nb\u0000', 'a%0Ab%00'],
    ['%41%_%!%~', '%2541%25_%25!%25~'],
    ['...', '...'],
  ];
  for (const [key, path] of cases) {
    it(`write ${JSON.stringify(key)} as ${path}`, () => {
      expect(pathOf(key, plain)).to.equal(path);
      expect(keyOf(path)).to.equal(key);
    });
  }

  it('keep an object apart from the folder of its name', () => {
    expect(pathOf('x/a', { ...plain, besideFolder: true })).to.equal('x/a%!');
    expect(keyOf('x/a%!')).to.equal('x/a');
  });

  it('fit into a name of a file, and stay apart', () => {
    const long = 'ü'.repeat(500);
    const paths = [`${long}a`, `${long}b`, `${long}a/x`, `${long}a/y`].map((key) => pathOf(key, plain));
    expect(new Set(paths).size).to.equal(4);
    for (const path of paths) for (const name of path.split('/')) expect(Buffer.byteLength(name)).to.be.at.most(250);
    expect(paths[2]!.split('/')[0]).to.equal(paths[0]);
    expect(paths[2]!.split('/')[0]).to.equal(paths[3]!.split('/')[0]);
    expect(keyOf(paths[0]!)).to.equal(null);
  });

  it('avoid what Windows cannot name', () => {
    const windows = (key: string) => pathOf(key, { ...plain, windows: true });
    expect(windows('con/aux.txt/a:b?/end. ')).to.equal('%63on/%61ux.txt/a%3Ab%3F/end.%20');
    expect(keyOf(windows('con/aux.txt/a:b?/end. '))).to.equal('con/aux.txt/a:b?/end. ');
  });

  it(`can be read back, stay below their folder, and are all different (seed ${SEED})`, () => {
    const piece = fc.constantFrom(
      '%',
      '%2',
      '%25',
      '_',
      '!',
      '~',
      '.',
      '..',
      '/',
      'a',
      'A',
      '0',
      ' ',
      ':',
      '\\',
      '\u0000',
      '\n',
      'é',
      '漢',
      '\u007f',
    );
    const key = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(key, key, fc.boolean(), fc.boolean(), fc.boolean(), (one, other, windows, first, second) => {
        const path = pathOf(one, { besideFolder: first, windows });
        expect(keyOf(path)).to.equal(one);
        for (const name of path.split('/')) expect(name).not.to.be.oneOf(['', '.', '..']);
        expect(path).not.to.match(/[\u0000-\u001f]/);
        if (one !== other) expect(pathOf(other, { besideFolder: second, windows })).not.to.equal(path);
        expect(hashedPathOf(one)).to.match(/^%~[0-9a-f]{32}$/);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });
});
