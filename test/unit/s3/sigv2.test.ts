import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { signV2 } from '#protocols/s3/sigv2';
import { type Answer, send } from '../../support/requests.ts';
import { KEY, type Rig, startRig } from './memory-rooms.ts';

const hmacSha1 = (text: string): string => createHmac('sha1', KEY.secretAccessKey).update(text).digest('base64');

describe('signature version 2', () => {
  // AWS: "Signing and authenticating REST requests", its own examples.
  const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
  const examples: Record<string, [text: string, signature: string]> = {
    'of a GET': ['GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/johnsmith/photos/puppy.jpg', 'bWq2s1WEIj+Ydj0vQ697zp+IXMU='],
    'of a PUT': [
      'PUT\n\nimage/jpeg\nTue, 27 Mar 2007 21:15:45 +0000\n/johnsmith/photos/puppy.jpg',
      'MyyxeRY7whkBe+bq8fHCL/2kKUg=',
    ],
    'of a list': ['GET\n\n\nTue, 27 Mar 2007 19:42:41 +0000\n/johnsmith/', 'htDYFYduRNen8P9ZfE/s9SuKy0U='],
    'of a subresource': ['GET\n\n\nTue, 27 Mar 2007 19:44:46 +0000\n/johnsmith/?acl', 'c2WLPFtWHVgbEmeEG93a4cG37dM='],
    'of a URL': ['GET\n\n\n1175139620\n/johnsmith/photos/puppy.jpg', 'NpgCjnDzrM+WFzoENXmpNDUsSn8='],
  };
  for (const [name, [text, signature]] of Object.entries(examples)) {
    it(`is AWS's own ${name}`, () => expect(signV2(SECRET, text)).to.equal(signature));
  }

  const by = (text: string): string => `AWS ${KEY.accessKeyId}:${hmacSha1(text)}`;
  const url = (rig: Rig): string => {
    const expires = Math.floor(Date.now() / 1000) + 60;
    const signature = encodeURIComponent(hmacSha1(`GET\n\n\n${expires}\n/bucket/a`));
    return `${rig.url}/bucket/a?AWSAccessKeyId=${KEY.accessKeyId}&Expires=${expires}&Signature=${signature}`;
  };
  const codeOf = ({ body }: Answer): string => /<Code>(\w+)</.exec(body.toString())?.[1] ?? '';

  describe('where requests may be signed by it', () => {
    let rig: Rig;
    const request = (method: string, path: string, change: Record<string, string> = {}, body?: string): Promise<Answer> => {
      const date = new Date().toUTCString();
      const md5 = '';
      const headers = { date, authorization: by(`${method}\n${md5}\n\n${date}\n${path}`), ...change };
      return send(method, `${rig.url}${path}`, { headers, ...(body === undefined ? {} : { body }) });
    };
    before(async () => {
      rig = await startRig({ signatureV2: 'all' });
      expect((await request('PUT', '/bucket')).status).to.equal(200);
      expect((await request('PUT', '/bucket/a', {}, 'text')).status).to.equal(200);
    });
    after(() => rig.close());

    it('reads, writes and deletes', async () => {
      expect((await request('GET', '/bucket/a')).body.toString()).to.equal('text');
      expect((await request('PUT', '/bucket/b', {}, 'other')).status).to.equal(200);
      expect((await request('DELETE', '/bucket/b')).status).to.equal(204);
      expect((await send('GET', url(rig))).body.toString()).to.equal('text');
    });

    it('has x-amz-date in place of Date among the headers that are signed', async () => {
      const date = new Date().toUTCString();
      const authorization = by(`GET\n\n\n\nx-amz-date:${date}\n/bucket/a`);
      expect((await send('GET', `${rig.url}/bucket/a`, { headers: { authorization, 'x-amz-date': date } })).status).to.equal(200);
    });

    // Dates are made when a test runs: what is loaded long before would be of another time.
    for (const [what, changed, status, code] of [
      ['a header that nobody signed', () => ({ 'x-amz-acl': 'public-read' }), 403, 'SignatureDoesNotMatch'],
      ['a type that nobody signed', () => ({ 'content-type': 'text/html' }), 403, 'SignatureDoesNotMatch'],
      ['another date', () => ({ date: new Date(Date.now() - 60_000).toUTCString() }), 403, 'SignatureDoesNotMatch'],
      ['a clock 16 minutes off', () => ({ date: new Date(Date.now() - 960_000).toUTCString() }), 403, 'RequestTimeTooSkewed'],
      ['no date', () => ({ date: 'today' }), 403, 'AccessDenied'],
      ['an unknown key', () => ({ authorization: `AWS NOBODY:${hmacSha1('')}` }), 403, 'InvalidAccessKeyId'],
      ['what is no signature', () => ({ authorization: `AWS ${KEY.accessKeyId}` }), 400, 'InvalidArgument'],
      [
        'chunks signed by version 4',
        () => ({ 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }),
        403,
        'SignatureDoesNotMatch',
      ],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const answer = await request('GET', '/bucket/a', changed());
        expect([answer.status, codeOf(answer)]).to.deep.equal([status, code]);
      });
    }
  });

  describe('where only URLs and forms may', () => {
    let rig: Rig;
    before(async () => {
      rig = await startRig();
      rig.stored.clear();
    });
    after(() => rig.close());
    it('refuses requests in words that name version 4', async () => {
      const date = new Date().toUTCString();
      const answer = await send('GET', `${rig.url}/bucket/a`, {
        headers: { date, authorization: by(`GET\n\n\n${date}\n/bucket/a`) },
      });
      expect([answer.status, codeOf(answer)]).to.deep.equal([400, 'InvalidRequest']);
      expect(answer.body.toString()).to.contain('AWS4-HMAC-SHA256');
      expect(codeOf(await send('GET', url(rig)))).to.equal('NoSuchBucket');
    });
  });

  describe('where nothing may', () => {
    let rig: Rig;
    before(async () => {
      rig = await startRig({ signatureV2: 'off' });
    });
    after(() => rig.close());
    it('refuses URLs and forms too, in words that name version 4', async () => {
      const form = (fields: Record<string, string>): Promise<Answer> => {
        const parts = Object.entries(fields).map(
          ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
        );
        const headers = { 'content-type': 'multipart/form-data; boundary=b' };
        return send('POST', `${rig.url}/bucket`, { headers, body: `${parts.join('')}--b--\r\n` });
      };
      const policy = Buffer.from(JSON.stringify({ expiration: '2040-01-01T00:00:00Z', conditions: [] })).toString('base64');
      const fields = { key: 'a', AWSAccessKeyId: KEY.accessKeyId, policy, signature: hmacSha1(policy), file: 'x' };
      for (const answer of [await send('GET', url(rig)), await form(fields)]) {
        expect([answer.status, codeOf(answer)]).to.deep.equal([400, 'InvalidRequest']);
        expect(answer.body.toString()).to.contain('AWS4-HMAC-SHA256');
      }
    });
  });
});
