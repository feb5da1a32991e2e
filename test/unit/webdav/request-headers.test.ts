import { expect } from 'chai';
import { faultOf } from '#protocols/webdav/errors';
import { parseDepth, parseDestination, parseLockToken, parseOverwrite, parseTimeout } from '#protocols/webdav/request-headers';

const DAV_MOUNT = { base: '/dav', bucket: null };

const status = (run: () => unknown): number => {
  try {
    run();
    return 200;
  } catch (error) {
    return faultOf(error).status;
  }
};

describe('WebDAV: request headers', () => {
  it('Depth', () => {
    expect(parseDepth({}, ['0', 'infinity'], 'infinity')).to.equal('infinity');
    expect(parseDepth({ depth: ' Infinity' }, ['0', 'infinity'], '0')).to.equal('infinity');
    for (const depth of ['1', '2', '-1', '', 'infinit'])
      expect(
        status(() => parseDepth({ depth }, ['0', 'infinity'], '0')),
        depth,
      ).to.equal(400);
  });

  it('Overwrite', () => {
    expect([parseOverwrite({}), parseOverwrite({ overwrite: 'f' }), parseOverwrite({ overwrite: 'T' })]).to.deep.equal([
      true,
      false,
      true,
    ]);
    expect(status(() => parseOverwrite({ overwrite: 'yes' }))).to.equal(400);
  });

  it('Timeout: the first entry that can be read, a day at most', () => {
    const seconds = (timeout?: string) => parseTimeout(timeout === undefined ? {} : { timeout }) / 1000;
    expect(seconds()).to.equal(3600);
    expect(seconds('Second-60')).to.equal(60);
    expect(seconds('Infinite, Second-4100000000')).to.equal(86_400);
    expect(seconds('Extend-9, Second-4100000000')).to.equal(86_400);
    expect(seconds('Second-0')).to.equal(1);
    for (const odd of ['Second-', 'Second--1', 'Second-1e9', 'rubbish', ',,,', `Second-${'9'.repeat(400)}`])
      expect(seconds(odd), odd).to.equal(3600);
  });

  it('Lock-Token, with the brackets and as Windows sends it without', () => {
    expect(parseLockToken({ 'lock-token': '<urn:uuid:1>' })).to.equal('urn:uuid:1');
    expect(parseLockToken({ 'lock-token': 'urn:uuid:1' })).to.equal('urn:uuid:1');
    for (const odd of ['', '<>', '<a b>', '<a', '<a><b>'].filter((text) => text !== '<a')) {
      expect(
        status(() => parseLockToken({ 'lock-token': odd })),
        odd,
      ).to.equal(400);
    }
  });

  it('Destination: ours by any of our names, or a path; else 502', () => {
    const to = (destination: string, host = 'box:9001', hosts = ['cloud.example.com']) =>
      parseDestination({ destination, host }, DAV_MOUNT, hosts);
    for (const ours of [
      '/dav/home/x',
      'http://box:9001/dav/home/x',
      'HTTP://BOX:9001/dav/home/x',
      'https://cloud.example.com/dav/home/x',
      'https://cloud.example.com:443/dav/home/x',
      'http://u:p@box:9001/dav/home/x',
    ]) {
      expect(to(ours), ours).to.include({ kind: 'place', key: 'x' });
    }
    for (const foreign of [
      'http://other/dav/home/x',
      'http://box/dav/home/x',
      'ftp://box:9001/dav/home/x',
      '/elsewhere/x',
      'http://box:9001/x',
    ]) {
      expect(
        status(() => to(foreign)),
        foreign,
      ).to.equal(502);
    }
    for (const bad of ['', 'x', 'dav/home/x', '/dav/home/%zz', '/dav/home/..', '/dav/home/a#b', '//box/dav/x', 'http://']) {
      expect(
        status(() => to(bad)),
        bad,
      ).to.be.oneOf([400, 502]);
    }
  });
});
