import { expect } from 'chai';
import fc from 'fast-check';
import { isCloudStoreError } from '#core/errors';
import { folderKey, hrefOf, parsePath } from '#protocols/webdav/paths';

const DAV_MOUNT = { base: '/dav', bucket: null };

const MARK = '\uec5a';

function place(path: string) {
  const target = parsePath(DAV_MOUNT, path);
  if (target?.kind !== 'place') throw new Error(`${path} is no place`);
  return target;
}

describe('WebDAV: paths', () => {
  it('tells the root, the mount, buckets and keys', () => {
    expect(parsePath(DAV_MOUNT, '/')).to.deep.equal({ kind: 'root' });
    expect(parsePath(DAV_MOUNT, '/dav')).to.deep.equal({ kind: 'home' });
    expect(parsePath(DAV_MOUNT, '/dav/')).to.deep.equal({ kind: 'home' });
    expect(parsePath(DAV_MOUNT, '/davy/x')).to.equal(null);
    expect(parsePath(DAV_MOUNT, '/other')).to.equal(null);
    expect(place('/dav/home')).to.include({ bucket: 'home', key: '', root: true, slash: false });
    expect(place('/dav/home/a%20b/c/')).to.include({ bucket: 'home', key: 'a b/c', slash: true, href: '/dav/home/a%20b/c' });
    expect(place('/dav/home//a///b?x=1')).to.include({ key: 'a/b' });
  });

  it('keeps names exactly as typed, composed or decomposed', () => {
    expect(place('/dav/home/%C3%A9').key).to.equal('é');
    expect(place('/dav/home/e%CC%81').key).to.equal('e\u0301');
    expect(place('/dav/home/a%5Cb%20.%2e').key).to.equal('a\\b ..');
  });

  it('refuses what is no path', () => {
    for (const path of [
      '/dav/home/%',
      '/dav/home/%zz',
      '/dav/home/%ff',
      '/dav/home/%c0%af',
      '/dav/home/%E0%A4%A',
      '/dav/home/a%2fb',
      '/dav/home/%00',
      '/dav/home/..',
      '/dav/home/%2e%2e/x',
      '/dav/home/./x',
      '/dav/home/x#y',
    ]) {
      expect(() => parsePath(DAV_MOUNT, path), path)
        .to.throw()
        .satisfies((error: unknown) => isCloudStoreError(error, 'invalid_argument'));
    }
  });

  it('reads escapes of what no path carries', () => {
    const mark = encodeURIComponent(MARK);
    expect(place(`/dav/home/a/${mark}empty/b`).key).to.equal('a//b');
    expect(folderKey(place(`/dav/home/${mark}empty/`))).to.equal('/');
    expect(place(`/dav/home/${mark}empty/`).root).to.equal(false);
    expect(place(`/dav/home/${mark}002e${mark}002e/x`).key).to.equal('../x');
    expect(place(`/dav/home/a${mark}folder/`)).to.include({ key: 'a', folder: true });
  });

  it('leads from every key to a path and back', () => {
    const key = fc
      .array(
        fc.oneof(
          fc.constantFrom('', '.', '..', 'a', '%2F', '#', '?', '&', "'", '"', '\x01', MARK),
          fc.string({ unit: 'grapheme', maxLength: 5 }),
        ),
        { minLength: 1, maxLength: 5 },
      )
      .map((parts) => parts.join('/').replaceAll('\0', ''))
      .filter((text) => text !== '' && !text.endsWith('/'));
    fc.assert(
      fc.property(key, (text) => {
        for (const directory of [false, true]) {
          const href = hrefOf(DAV_MOUNT, 'home', directory ? `${text}/` : text);
          expect(href).to.match(/^[A-Za-z0-9._~!$'()*+,;=:@%/-]+$/);
          expect(place(href)).to.include({ bucket: 'home', key: text, slash: directory, root: false });
          expect(place(href).href + (directory ? '/' : '')).to.equal(href);
        }
      }),
      { seed: Number(process.env.CLOUDSTORE_TEST_SEED ?? 4918), numRuns: 2000 },
    );
  });
});
