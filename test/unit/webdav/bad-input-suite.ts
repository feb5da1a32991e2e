import { connect } from 'node:net';
import { expect } from 'chai';
import type { ServedDoor } from './door-suite.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';

/** Each class of input that nobody should send: answered by the protocol, and nothing wrong is stored. */
export function describeBadInput(server: () => ServedDoor): void {
  describe('bad input, class by class', () => itRefuses(server));
}

function itRefuses(server: () => ServedDoor): void {
  const send = (...args: Parameters<ServedDoor['send']>) => server().send(...args);
  const at = '/dav/bad-input';
  const listing = async (): Promise<string> =>
    (await send('PROPFIND', `${at}/`, { depth: '1' }, '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>')).body;
  let before_: string;
  before(async () => {
    await send('MKCOL', at);
    await send('PUT', `${at}/file`, {}, 'as it was');
    before_ = await listing();
  });
  afterEach(async () => {
    expect((await send('GET', `${at}/file`)).body).to.equal('as it was');
  });

  const inside = (text: string): string => `<propfind xmlns="DAV:"><prop>${text}</prop></propfind>`;
  const xml: Record<string, [body: string | Buffer, status: number]> = {
    'entity expansion': [`<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>${inside('<x>&b;</x>')}`, 400],
    'external entities': [`<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>${inside('<x>&a;</x>')}`, 400],
    'an external DTD': [`<!DOCTYPE l SYSTEM "http://127.0.0.1:1/x.dtd">${inside('<x/>')}`, 400],
    'a bare DOCTYPE': [`<!DOCTYPE propfind>${inside('<x/>')}`, 400],
    'an entity that nobody declared': [inside('<x>&nbsp;</x>'), 400],
    'great depth': [inside('<a>'.repeat(10_000) + '</a>'.repeat(10_000)), 400],
    'great size': [inside(`<x>${'a'.repeat(1 << 20)}</x>`), 413],
    'many elements': [inside('<x/>'.repeat(150_000)), 400],
    'the wrong namespace': ['<propfind xmlns="DAV"><prop><getetag/></prop></propfind>', 400],
    'no namespace': ['<propfind><prop/></propfind>', 400],
    'a prefix that nobody declared': ['<d:propfind><d:prop/></d:propfind>', 400],
    'bytes that are no UTF-8': [
      Buffer.concat([Buffer.from('<propfind xmlns="DAV:"><prop>'), Buffer.from([0xc3, 0x28]), Buffer.from('</prop></propfind>')]),
      400,
    ],
    'an encoding that it is not in': [`<?xml version="1.0" encoding="utf-16"?>${inside('<x/>')}`, 207],
    'half a document': ['<propfind xmlns="DAV:"><prop>', 400],
    'two documents': [`${inside('<x/>')}${inside('<x/>')}`, 400],
    'control characters': [inside('\u0001'), 400],
  };
  for (const [name, [body, status]] of Object.entries(xml)) {
    it(`XML: ${name}`, async () => {
      for (const method of ['PROPFIND', 'PROPPATCH', 'LOCK', 'REPORT', 'MKCOL']) {
        const answer = await send(
          method,
          method === 'MKCOL' ? `${at}/none` : `${at}/file`,
          { depth: '0', 'content-type': 'application/xml' },
          body,
        );
        // What is well-formed is still no body of these methods.
        const allowed = method === 'PROPFIND' ? [status] : [status, 400, 403, 415];
        if (status === 207 && method === 'PROPFIND') allowed.push(400);
        expect(answer.status, method).to.be.oneOf(allowed);
        expect(answer.body, method).not.to.match(/root:|at .*\.ts/);
      }
      expect(await listing()).to.equal(before_);
    });
  }

  const ifs: Record<string, string> = {
    'a list that does not end': '(<urn:x>',
    'an empty list': '()',
    'a tag without a list': '<http://x/>',
    'tagged and untagged lists mixed': '(<urn:x>) <http://x/> (<urn:y>)',
    'an ETag without quotes': '([etag])',
    'a bare word': 'always',
    'parentheses in parentheses': '((<urn:x>))',
    'Not alone': '(Not)',
    'brackets that do not match': '(<urn:x])',
    'ten thousand lists': '(<urn:x>)'.repeat(1700),
    'a very long token': `(<urn:${'x'.repeat(15_000)}>)`,
    'nothing but spaces': ' \t ',
  };
  for (const [name, header] of Object.entries(ifs)) {
    it(`If: ${name}`, async () => {
      for (const method of ['PUT', 'DELETE', 'MOVE', 'PROPPATCH', 'LOCK', 'UNLOCK', 'PATCH', 'MKCOL']) {
        const headers = { if: header, destination: `${at}/moved`, 'lock-token': '<urn:x>' };
        const { status } = await send(
          method,
          method === 'MKCOL' ? `${at}/none` : `${at}/file`,
          headers,
          method === 'PUT' ? 'x' : '',
        );
        expect(status, method).to.be.within(400, 431);
      }
    });
  }

  const none: Record<string, string> = {
    NUL: 'a%00b',
    'an encoded slash': 'a%2Fb',
    dots: '..',
    'encoded dots': '%2e%2e',
    'dots in the middle': 'a/../file',
    'bytes that are no UTF-8': '%ff%fe',
    'an overlong form of a slash': '%c0%af',
    'a surrogate': '%ed%a0%80',
    'half an escape': '%e',
    'a key longer than can be stored': 'x'.repeat(1100),
    'a path deeper than can be stored': 'd/'.repeat(600),
  };
  for (const [name, path] of Object.entries(none)) {
    it(`paths: ${name} is refused`, async () => {
      for (const method of ['PUT', 'MKCOL', 'LOCK']) {
        expect((await send(method, `${at}/${path}`, { depth: '0' }, method === 'PUT' ? 'x' : '')).status, method).to.be.oneOf([
          400, 404, 405, 409, 414,
        ]);
      }
      for (const method of ['MOVE', 'COPY']) {
        expect((await send(method, `${at}/file`, { destination: `${at}/${path}` })).status, method).to.be.oneOf([400, 409, 502]);
      }
      expect(await listing()).to.equal(before_);
    });
  }

  const kept: Record<string, string[]> = {
    'trailing dots and spaces': ['dot.', 'dots...', 'space ', ' led', '...'],
    'reserved names of Windows': [
      'CON',
      'nul.txt',
      'COM1',
      'aux',
      'a:b',
      'q?',
      'star*',
      'pipe|',
      '<less>',
      'back\\slash',
      '"quoted"',
    ],
    'twins in NFC and NFD': ['\u00e9', 'e\u0301'],
    'names that differ in case only': ['Case', 'case'],
  };
  for (const [name, names] of Object.entries(kept)) {
    it(`paths: ${name} are stored as typed, each for itself`, async () => {
      await send('MKCOL', `${at}/names`);
      for (const one of names)
        expect((await send('PUT', `${at}/names/${encodeURIComponent(one)}`, {}, one)).status, one).to.equal(201);
      for (const one of names) expect((await send('GET', `${at}/names/${encodeURIComponent(one)}`)).body).to.equal(one);
      const { body } = await send(
        'PROPFIND',
        `${at}/names/`,
        { depth: '1' },
        '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>',
      );
      expect(body.match(/<d:response>/g)).to.have.length(names.length + 1);
      expect((await send('DELETE', `${at}/names`)).status).to.equal(204);
    });
  }

  const LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';

  it('lock storms: a lock for each file of a tree, one on the whole, and none is left', async () => {
    // The namespace in memory looks through all of its locks for each.
    const count = LONG && server().startPage ? 10_000 : 200;
    await send('MKCOL', `${at}/storm`);
    const tokens = new Map<number, string>();
    const work = Array.from({ length: count }, (_, i) => i);
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let i = work.pop(); i !== undefined; i = work.pop()) {
          const { status, headers } = await send('LOCK', `${at}/storm/f${i}`, { timeout: 'Second-600', depth: '0' }, LOCK);
          expect(status).to.equal(201);
          tokens.set(i, String(headers['lock-token']));
        }
      }),
    );
    expect(new Set(tokens.values()).size).to.equal(count);
    // RFC 4918 §9.10.3: told by a Multi-Status, which grants nothing.
    const whole = await send('LOCK', `${at}/storm/`, {}, LOCK);
    expect([whole.status, whole.headers['lock-token']], 'while somebody holds a part').to.deep.equal([207, undefined]);
    expect((await send('DELETE', `${at}/storm/`)).status).to.equal(423);
    const asked = '<propfind xmlns="DAV:"><prop><lockdiscovery/></prop></propfind>';
    expect((await send('PROPFIND', `${at}/storm/`, { depth: '1' }, asked)).body.match(/<d:activelock>/g)).to.have.length(count);
    expect((await send('PUT', `${at}/storm/f7`, { if: `(${tokens.get(7)})` }, 'mine')).status).to.equal(204);
    expect((await send('PUT', `${at}/storm/f7`, { if: `(${tokens.get(8)})` }, 'x')).status, "another's token").to.be.oneOf([
      412, 423,
    ]);
    for (let i = 0; i < count; i++) {
      expect((await send('UNLOCK', `${at}/storm/f${i}`, { 'lock-token': tokens.get(i) ?? '' })).status).to.equal(204);
    }
    expect((await send('DELETE', `${at}/storm/`)).status).to.equal(204);
  }).timeout(LONG ? 3_600_000 : 60_000);

  const raw = (head: string, then: (socket: ReturnType<typeof connect>) => void): Promise<string> =>
    new Promise((resolve) => {
      let heard = '';
      const authorization = `Basic ${Buffer.from('ann:pw').toString('base64')}`;
      const socket = connect(server().port, server().host, () => {
        socket.write(`${head}\r\nHost: x\r\nAuthorization: ${authorization}\r\n`);
        then(socket);
      });
      socket.on('data', (data) => (heard += data));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(heard));
    });

  it('a slow writer is waited for, and what it sent is whole', async () => {
    const answer = await raw(`PUT ${at}/slow HTTP/1.1`, (socket) => {
      socket.write('Content-Length: 5\r\nConnection: close\r\n\r\n');
      for (const [i, letter] of [...'drips'].entries()) setTimeout(() => socket.write(letter), 40 * (i + 1));
    });
    expect(answer).to.match(/^HTTP\/1\.1 201/);
    expect((await send('GET', `${at}/slow`)).body).to.equal('drips');
  });

  it('a slow reader gets all, and holds up nobody', async () => {
    const large = Buffer.alloc(3 << 20, 'x');
    await send('PUT', `${at}/large`, {}, large);
    const reading = raw(`GET ${at}/large HTTP/1.1`, (socket) => {
      socket.write('Connection: close\r\n\r\n');
      socket.pause();
      setTimeout(() => socket.resume(), 300);
    });
    expect((await send('GET', `${at}/file`)).status, 'meanwhile').to.equal(200);
    const answer = await reading;
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4).length).to.equal(large.length);
  });
}
