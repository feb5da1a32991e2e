import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { send } from '../../support/requests.ts';
import type { Scene } from './scene.ts';

/** Bytes on the wire that were made to be read in two ways, to cost more than they are, or to end up in a log. */
export function describeWire(scene: () => Scene): void {
  const talk: Scene['talk'] = (door, bytes) => scene().talk(door, bytes);
  const DOORS: [door: 'main' | 's3', path: string][] = [
    ['main', '/api/v1/auth/login'],
    ['main', '/dav/home/x'],
    ['main', '/remote.php/webdav/x'],
    ['s3', '/home/x'],
  ];

  it('smuggling: a request whose length can be read in two ways is refused, and what hides in it is never answered', async () => {
    const hidden = 'GET /api/v1/setup HTTP/1.1\r\nHost: x\r\n\r\n';
    const heads: Record<string, string> = {
      'CL.TE': `Content-Length: ${hidden.length + 5}\r\nTransfer-Encoding: chunked`,
      'TE.CL': `Transfer-Encoding: chunked\r\nContent-Length: 4`,
      'two lengths': `Content-Length: 0\r\nContent-Length: ${hidden.length}`,
      'a length with a sign': `Content-Length: +${hidden.length}`,
      'a list of lengths': `Content-Length: 0, ${hidden.length}`,
      'an encoding that is none': 'Transfer-Encoding: xchunked',
      'an encoding twice': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
      'a space before the colon': 'Content-Length : 0\r\nTransfer-Encoding : chunked',
      'a folded line': 'X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0',
      'a bare line feed': `Content-Length: 0\nTransfer-Encoding: chunked`,
    };
    for (const [door, path] of DOORS) {
      for (const [what, head] of Object.entries(heads)) {
        const said = await talk(door, `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head}\r\n\r\n0\r\n\r\n${hidden}`);
        const statuses = said.match(/HTTP\/1\.1 \d+/g) ?? [];
        // Where the length is what cannot be read, the connection may end without a word, too.
        expect(statuses.length, `${what} at ${path}: ${said.slice(0, 200)}`).to.be.below(2);
        for (const status of statuses) expect(Number(status.slice(9)), what).to.be.oneOf([400, 411, 501]);
      }
    }
  });

  it('heads of a megabyte, and thousands of lines, are refused on both listeners', async () => {
    for (const [door, path] of DOORS) {
      for (const head of [
        `X: ${'a'.repeat(1 << 20)}`,
        Array.from({ length: 20_000 }, (_, n) => `X${n}: y`).join('\r\n'),
        `Cookie: ${'a=b; '.repeat(200_000)}`,
      ]) {
        const said = await talk(door, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head}\r\n\r\n`);
        expect(said === '' ? 431 : Number(said.slice(9, 12)), `${path} ${head.slice(0, 9)}`).to.equal(431);
      }
      const long = await talk(door, `GET ${path}${'/a'.repeat(100_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
      expect(long === '' ? 431 : Number(long.slice(9, 12)), path).to.be.oneOf([414, 431]);
    }
  });

  it('compressed requests are not unpacked, and JSON and XML have their bounds', async () => {
    const { raw, victim } = scene();
    const bomb = gzipSync(Buffer.alloc(50 << 20, '['));
    const deep = '['.repeat(100_000);
    const json = { authorization: victim.basic, 'content-type': 'application/json' };
    for (const body of [bomb, deep, `{"a":${deep}`, `"${'x'.repeat(2 << 20)}"`]) {
      const answer = await raw('POST', '/api/v1/batch', {
        headers: { ...json, ...(body === bomb ? { 'content-encoding': 'gzip' } : {}) },
        body,
      });
      expect(answer.status).to.be.oneOf([400, 413, 415]);
    }
    const entities = Array.from({ length: 20 }, (_, n) => `<!ENTITY e${n + 1} "&e${n};&e${n};">`).join('');
    const laughs = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">${entities}]><x>&e20;</x>`;
    const file = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>';
    for (const body of [laughs, file, bomb, `<a>${'<b>'.repeat(100_000)}`]) {
      for (const [method, path] of [
        ['PROPFIND', `/dav/${victim.bucket}/`],
        ['PROPPATCH', `/dav/${victim.bucket}/kept/plan.txt`],
        ['LOCK', `/dav/${victim.bucket}/kept/plan.txt`],
        ['REPORT', `/dav/${victim.bucket}/`],
        ['PROPFIND', '/remote.php/webdav/'],
        ['PROPFIND', '/remote.php/dav/trashbin/victim/trash/'],
      ] as const) {
        const answer = await raw(method, path, {
          headers: { authorization: victim.basic, 'content-type': 'application/xml' },
          body,
        });
        expect(answer.status, `${method} ${path}`).to.be.oneOf([400, 413, 415]);
        expect(answer.text).to.not.match(/root:|hahaha/);
      }
      for (const query of ['tagging', 'lifecycle', 'cors', 'delete', 'acl', 'versioning']) {
        const answer = await victim.s3.send(query === 'delete' ? 'POST' : 'PUT', `/${victim.bucket}`, {
          query: { [query]: '' },
          body,
        });
        expect(answer.status, query).to.be.oneOf([400, 413]);
        expect(answer.text).to.not.match(/root:|hahaha/);
      }
    }
  });

  it('ranges: however many and however they overlap, no answer is larger than what it is of, on any door', async () => {
    const { raw, victim, link } = scene();
    const size = 200_000;
    await victim.s3.send('PUT', `/${victim.bucket}/kept/large.bin`, { body: Buffer.alloc(size, 7) });
    const ranges = [
      Array.from({ length: 16 }, () => '0-').join(','),
      Array.from({ length: 1_000 }, (_, n) => `${n}-`).join(','),
      Array.from({ length: 8 }, () => `-${size}`).join(','),
      '0-0,'.repeat(500).slice(0, -1),
    ];
    for (const range of ranges) {
      const headers = { authorization: victim.basic, range: `bytes=${range}` };
      for (const path of [
        `/api/v1/files/${victim.bucket}/kept/large.bin`,
        `/api/v1/public/${link.token}/files/large.bin`,
        `/dav/${victim.bucket}/kept/large.bin`,
        '/remote.php/webdav/kept/large.bin',
      ]) {
        const answer = await raw('GET', path, { headers });
        expect(Number(answer.headers['content-length']), `${path} ${range.slice(0, 20)}`).to.be.at.most(size + 4096);
      }
      const answer = await victim.s3.send('GET', `/${victim.bucket}/kept/large.bin`, { headers: { range: `bytes=${range}` } });
      expect(answer.body.length).to.be.at.most(size + 4096);
    }
  });

  it('forwarded headers of who is no named proxy change neither the address, nor the host, nor the scheme', async () => {
    const { raw, victim, admin, api } = scene();
    const lies = {
      'x-forwarded-for': '203.0.113.9',
      'x-real-ip': '203.0.113.9',
      forwarded: 'for=203.0.113.9;host=evil.example;proto=https',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
    };
    const login = await raw('POST', '/api/v1/auth/login', {
      headers: { 'content-type': 'application/json', 'x-cloudstore-session': 'cookie', ...lies },
      body: JSON.stringify({ user: victim.name, password: victim.password }),
    });
    expect(login.status).to.equal(200);
    expect(String(login.headers['set-cookie'])).to.not.match(/Secure/);
    await raw('PROPFIND', `/dav/${victim.bucket}/`, { headers: { authorization: victim.basic, depth: '0', ...lies } });
    const begun = await raw('POST', '/index.php/login/v2', { headers: lies });
    expect(begun.text).to.not.contain('evil.example');
    const sessions = JSON.stringify((await api('GET', '/me/sessions', victim)).json);
    const credentials = JSON.stringify((await api('GET', '/credentials', victim)).json);
    const audit = JSON.stringify((await api('GET', '/audit?limit=1000', admin)).json);
    for (const text of [sessions, credentials, audit]) expect(text).to.not.contain('203.0.113.9');
    await victim.s3.send('PUT', `/${victim.bucket}`, {
      query: { policy: '' },
      body: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: 'arn:aws:iam:::user/mallory' },
            Action: 's3:GetObject',
            Resource: `arn:aws:s3:::${victim.bucket}/*`,
            Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } },
          },
        ],
      }),
    });
    const { mallory } = scene();
    expect((await mallory.s3.send('GET', `/${victim.bucket}/kept/plan.txt`, { headers: lies })).status).to.equal(403);
    const dav = await raw('GET', `/dav/${victim.bucket}/kept/plan.txt`, { headers: { authorization: mallory.basic, ...lies } });
    expect(dav.status).to.be.oneOf([403, 404]);
  });

  it('logs: what a client sends is one line, with nothing that a terminal obeys and no secret, in the log and in the audit', async () => {
    const { gateway, raw, victim, admin } = scene();
    const forged = '{"level":"error","msg":"forged"}';
    const nasty = `x%0a${encodeURIComponent(forged)}%1b[2J%e2%80%ae`;
    const headers = { authorization: victim.basic, 'user-agent': `a\t${forged}`, referer: 'http://x/%0a' };
    for (const path of [
      `/dav/${victim.bucket}/${nasty}`,
      `/api/v1/files/${victim.bucket}/${nasty}`,
      `/${nasty}`,
      `/ocs/v2.php/${nasty}`,
    ]) {
      await raw('DELETE', path, { headers });
      await raw('POST', path, { headers, body: '{' });
    }
    await raw('POST', '/api/v1/auth/login', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user: `x\n${forged}\x1b[2J`, password: 'the-password-that-was-tried' }),
    });
    await victim.s3.send('DELETE', { raw: `/${victim.bucket}/${nasty}` });
    // Whole ones: of a long log the beginning is left out, and the last may still be coming.
    const lines = gateway.output().stderr.split('\n').slice(0, -1);
    for (const line of lines.slice(gateway.output().stderr.length < 200_000 ? 0 : 1)) {
      expect(() => JSON.parse(line), line).to.not.throw();
      expect(line).to.not.match(/[\x00-\x1f\x7f]/);
    }
    for (const format of ['jsonl', 'csv']) {
      const { body, status } = await send('GET', `${gateway.restUrl}/audit/export?format=${format}`, {
        headers: { authorization: admin.basic },
      });
      expect(status, format).to.equal(200);
      const text = body.toString();
      expect(text).to.not.match(/\x1b|the-password-that-was-tried/);
      for (const line of text.split(/\r?\n/)) expect(line.startsWith(forged.slice(0, 10)), line).to.equal(false);
    }
  });
}
