import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { api, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

const md5 = (text: string | Buffer): string => createHash('md5').update(text).digest('hex');

suite('GetObject and HeadObject', api('GetObject'), {
  'say length, ETag, time, ranges and type': async ({ put, get, head, key }) => {
    const name = key();
    await put(name, 'abc');
    for (const { headers } of [await get(name), await head(name)]) {
      expect(headers['content-length']).to.equal('3');
      expect(headers.etag).to.equal(`"${md5('abc')}"`);
      expect(headers['accept-ranges']).to.equal('bytes');
      expect(headers['last-modified']).to.match(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    }
  },
  'HEAD has no body': async ({ put, head, key }) => {
    const name = key();
    await put(name, 'abc');
    expect((await head(name)).body.length).to.equal(0);
  },
  'a range is answered with 206 and what it is of': {
    page: PAGES.ranges,
    ...over<[string, string, string]>(
      {
        'from and to': ['bytes=2-4', '234', 'bytes 2-4/10'],
        'from on': ['bytes=7-', '789', 'bytes 7-9/10'],
        'the last bytes': ['bytes=-3', '789', 'bytes 7-9/10'],
        'past the end': ['bytes=8-100', '89', 'bytes 8-9/10'],
        'more than all from the end': ['bytes=-100', '0123456789', 'bytes 0-9/10'],
        'one byte': ['bytes=0-0', '0', 'bytes 0-0/10'],
      },
      ([range, text, shown]) =>
        async ({ put, get, key }) => {
          const name = key();
          await put(name, '0123456789');
          const answer = expectStatus(await get(name, { headers: { range } }), 206);
          expect([answer.text, answer.headers['content-range'], answer.headers['content-length']]).to.deep.equal([
            text,
            shown,
            String(text.length),
          ]);
        },
    ),
  },
  'HEAD of a range says 206': {
    page: PAGES.ranges,
    run: async ({ put, head, key }) => {
      const name = key();
      await put(name, '0123456789');
      const { status, headers } = await head(name, { headers: { range: 'bytes=2-4' } });
      expect([status, headers['content-length'], headers['content-range']]).to.deep.equal([206, '3', 'bytes 2-4/10']);
    },
  },
  'a range that covers nothing is InvalidRange and says the size': {
    page: PAGES.ranges,
    ...over(['bytes=10-', 'bytes=50-60', 'bytes=-0'], (range) => async ({ put, get, key }) => {
      const name = key();
      await put(name, '0123456789');
      const answer = await get(name, { headers: { range } });
      expectError(answer, 416, 'InvalidRange');
      expect(answer.xml().value('ActualObjectSize')).to.equal('10');
    }),
  },
  'a range of an empty object is InvalidRange': {
    page: PAGES.ranges,
    run: async ({ put, get, key }) => {
      const name = key();
      await put(name, '');
      expectError(await get(name, { headers: { range: 'bytes=0-0' } }), 416, 'InvalidRange');
    },
  },
  'a range that cannot be read is as if it were not there': {
    page: PAGES.ranges,
    ...over(['bytes=4-2', 'bytes=a-b', 'lines=1-2', 'bytes', 'bytes=1-2-3'], (range) => async ({ put, get, key }) => {
      const name = key();
      await put(name, '0123456789');
      expectStatus(await get(name, { headers: { range } }), 200);
    }),
  },
  // AWS's page of GetObject leaves ranges to RFC 9110, whose §13.1.5 this is.
  'a range goes on with the bytes that it began with alone: If-Range': async ({ put, get, head, key }) => {
    const name = key();
    await put(name, '0123456789');
    const { etag = '', 'last-modified': modified = '' } = (await head(name)).headers;
    const asked = async (condition: string) => {
      const answer = await get(name, { headers: { range: 'bytes=5-', 'if-range': condition } });
      return [answer.status, answer.text];
    };
    for (const same of [etag, modified]) expect(await asked(same), same).to.deep.equal([206, '56789']);
    for (const other of ['"another"', `W/${etag}`, 'Thu, 01 Jan 1970 00:00:00 GMT', 'no date'])
      expect(await asked(other), other).to.deep.equal([200, '0123456789']);
  },
  'several ranges are answered with the whole': {
    page: PAGES.ranges,
    run: async ({ put, get, key }) => {
      const name = key();
      await put(name, '0123456789');
      const answer = await get(name, { headers: { range: 'bytes=0-1,4-5' } });
      expect([200, 206]).to.include(answer.status);
    },
  },
  'letters beyond ASCII come back byte by byte, kept with the object or asked for': over(
    ['cache-control', 'content-disposition', 'content-language'],
    (name) =>
      async ({ put, get, head, key }) => {
        const at = key();
        const sent = Buffer.from('attachment; filename="日本 größe.txt"').toString('latin1');
        await put(at, 'abc', { [name]: sent });
        const override = { query: { [`response-${name}`]: Buffer.from(sent, 'latin1').toString() } };
        const part = { headers: { range: 'bytes=1-1' } };
        for (const answer of [await get(at), await get(at), await get(at, part), await head(at), await get(at, override)])
          expect(answer.headers[name]).to.equal(sent);
      },
  ),
  'response-… replace headers of the answer': over(
    {
      'content-type': 'text/x-new',
      'content-language': 'fr',
      expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
      'cache-control': 'no-cache',
      'content-disposition': 'attachment; filename="neu"',
      'content-encoding': 'identity',
    },
    (value, name) =>
      async ({ put, get, key }) => {
        const at = key();
        await put(at, 'a', { 'content-type': 'a/b' });
        expect((await get(at, { query: { [`response-${name}`]: value } })).headers[name]).to.equal(value);
        expect((await get(at)).headers['content-type']).to.equal('a/b');
      },
  ),
  'response-… of an anonymous request are refused': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    const answer = await get(name, { auth: 'none', query: { 'response-content-type': 'a/b' } });
    expect([400, 403]).to.include(answer.status);
  },
  'a line break in response-… is refused': async ({ put, get, key }) => {
    const name = key();
    await put(name, 'a');
    const answer = await get(name, { query: { 'response-content-type': 'a/b\r\nx-injected: 1' } });
    expect(answer.headers).to.not.have.property('x-injected');
    expect(answer.status).to.equal(400);
  },
  'torrents are no more': {
    page: api('GetObjectTorrent'),
    run: async ({ put, get, key }) => {
      const name = key();
      await put(name, 'a');
      const answer = await get(name, { query: 'torrent' });
      expect([405, 501]).to.include(answer.status);
    },
  },
  'a body is the same however it is asked for': async ({ put, get, key }) => {
    const name = key();
    const body = Buffer.alloc(300_000, 'some text that goes on ');
    await put(name, body);
    const pieces = await Promise.all(
      [0, 1, 2].map((i) => get(name, { headers: { range: `bytes=${i * 100_000}-${i * 100_000 + 99_999}` } })),
    );
    expect(Buffer.concat(pieces.map((piece) => piece.body)).equals(body)).to.equal(true);
  },
});
