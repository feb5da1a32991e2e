import { expect } from 'chai';
import { createKeptPages, type KeptPage } from '#protocols/s3/kept-pages';

function page(etag: string, size = 10): KeptPage {
  return { etag, count: 1, next: null, objects: Buffer.alloc(size, etag), prefixes: Buffer.alloc(0) };
}

describe('pages of lists that are kept', () => {
  it('are those that are asked for again, each as it was, whatever becomes of what it was copied from', () => {
    const pages = createKeptPages({ bytes: 1000, bytesEach: 500, asked: 2 });
    expect(pages.ask('a')).to.deep.equal({ kept: null, again: false });
    expect(pages.ask('a')).to.deep.equal({ kept: null, again: true });
    const kept = page('x');
    pages.keep('a', kept);
    kept.objects.fill('?');
    expect(pages.ask('a')).to.deep.equal({ kept: page('x'), again: true });
    pages.keep('a', page('y'));
    expect(pages.ask('a').kept?.etag).to.equal('y');
  });

  it('are forgotten, as names are that were asked for once, the oldest first', () => {
    const pages = createKeptPages({ bytes: 1000, bytesEach: 500, asked: 2 });
    for (const name of ['a', 'b', 'c']) pages.ask(name);
    expect(['c', 'b', 'a'].map((name) => pages.ask(name).again)).to.deep.equal([true, true, false]);
    for (const name of ['d', 'e']) pages.keep(name, page(name, 400));
    pages.ask('d');
    pages.keep('f', page('f', 400));
    expect(['d', 'e', 'f'].map((name) => pages.ask(name).kept?.etag)).to.deep.equal(['d', undefined, 'f']);
  });

  it('are neither too large nor of a name that is', () => {
    const pages = createKeptPages({ bytes: 1000, bytesEach: 500, asked: 2 });
    pages.keep('a', page('a', 600));
    expect(pages.ask('a').kept).to.equal(null);
    const long = 'x'.repeat(5000);
    expect(pages.ask(long).again).to.equal(false);
    expect(pages.ask(long).again).to.equal(false);
    for (let round = 0; round < 10; round++) pages.keep('b', page('b', 400));
    pages.keep('c', page('c', 400));
    expect(['b', 'c'].map((name) => pages.ask(name).kept?.etag)).to.deep.equal(['b', 'c']);
  });
});
