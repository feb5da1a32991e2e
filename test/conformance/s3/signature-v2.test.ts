import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import type { RequestOptions, S3Answer } from './harness/client.ts';
import { documentsOf } from './harness/documents.ts';
import { guide, PAGES } from './harness/pages.ts';
import { encode, type Keys } from './harness/signer.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

interface UrlOptions extends Pick<RequestOptions, 'headers' | 'body'> {
  /** Part of what is signed; in the order of their names. */
  subresources?: Record<string, string>;
  /** x-amz headers that are moved into the query. */
  moved?: Record<string, string>;
  keys?: Keys;
  /** Seconds from now. */
  expiresIn?: number;
  /** Of what is sent. */
  change?: (target: string) => string;
  sentAs?: string;
}

const hmacSha1 = (secret: string, text: string): string => createHmac('sha1', secret).update(text).digest('base64');

/** As AWS's page has it, and boto3, aws-cli and s3cmd do. */
function targetOf(lab: Lab, method: string, key: string, options: UrlOptions): string {
  const { subresources = {}, moved = {}, keys = lab.s3.keys, expiresIn = 600, headers = {} } = options;
  const path = encode(lab.path(key), true);
  const expires = Math.floor(Date.now() / 1000) + expiresIn;
  const pairs = Object.entries(subresources);
  const signed = pairs.map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&');
  const amz = Object.entries({
    ...moved,
    ...Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-'))),
  });
  const text = [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    expires,
    `${amz
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}:${value}\n`)
      .join('')}${path}${signed === '' ? '' : `?${signed}`}`,
  ].join('\n');
  const query = [
    ...[...pairs, ...Object.entries(moved)].map(([name, value]) => (value === '' ? name : `${name}=${encode(value)}`)),
    `AWSAccessKeyId=${encode(keys.accessKeyId)}`,
    `Expires=${expires}`,
    `Signature=${encode(hmacSha1(keys.secretAccessKey, text))}`,
  ];
  return `${path}?${query.join('&')}`;
}

function sendUrl(lab: Lab, method: string, key: string, options: UrlOptions = {}): Promise<S3Answer> {
  const target = (options.change ?? ((one) => one))(targetOf(lab, method, key, options));
  const [raw = '', query = ''] = target.split('?');
  const { headers, body } = options;
  return lab.s3.send(
    options.sentAs ?? method,
    { raw },
    { auth: 'none', query, ...(headers && { headers }), ...(body && { body }) },
  );
}

suite('URLs signed by version 2', PAGES.sigv2, {
  'they read': over(['plain', 'with space + plus', 'ünïcode/日本', "q'(x)!*"], (stem) => async (lab) => {
    const name = `${lab.key()}${stem}`;
    await lab.put(name, 'a');
    expect(expectStatus(await sendUrl(lab, 'GET', name), 200).text).to.equal('a');
  }),
  'and tell': async (lab) => {
    const name = lab.key();
    await lab.put(name, 'abc');
    expect(expectStatus(await sendUrl(lab, 'HEAD', name), 200).headers['content-length']).to.equal('3');
  },
  'and write what they were signed for': async (lab) => {
    const name = lab.key();
    expectStatus(await sendUrl(lab, 'PUT', name, { body: 'by URL', headers: { 'content-type': 'x/y' } }), 200);
    const answer = await lab.get(name);
    expect([answer.text, answer.headers['content-type']]).to.deep.equal(['by URL', 'x/y']);
  },
  'x-amz headers that were moved into them are headers': async (lab) => {
    const name = lab.key();
    expectStatus(
      await sendUrl(lab, 'PUT', name, { body: 'a', moved: { 'x-amz-meta-color': 'blue', 'x-amz-tagging': 'a=b' } }),
      200,
    );
    const { headers } = await lab.head(name);
    expect([headers['x-amz-meta-color'], headers['x-amz-tagging-count']]).to.deep.equal(['blue', '1']);
  },
  // White space around a header's value is not signed, so it must not be able to say anything.
  'and white space around them is none of theirs': async (lab) => {
    if (lab.gateway === null) return;
    const name = lab.key();
    const change = (target: string): string => target.replace('x-amz-meta-color=', 'x-amz-meta-color=%09+');
    expectStatus(await sendUrl(lab, 'PUT', name, { body: 'a', moved: { 'x-amz-meta-color': 'blue' }, change }), 200);
    expect((await lab.head(name)).headers['x-amz-meta-color']).to.equal('blue');
  },
  'the headers of the answer are part of what is signed': async (lab) => {
    const name = lab.key();
    await lab.put(name, 'a');
    const subresources = { 'response-content-disposition': 'attachment; filename="é.txt"', 'response-content-type': 'x/y' };
    const answer = expectStatus(await sendUrl(lab, 'GET', name, { subresources }), 200);
    expect(answer.headers['content-type']).to.equal('x/y');
    const told = Buffer.from('attachment; filename="é.txt"').toString('latin1');
    expect(answer.headers['content-disposition']).to.equal(told);
  },
  'a subresource is part of it': async (lab) => {
    const name = lab.key();
    await lab.put(name, 'a', { 'x-amz-tagging': 'a=b' });
    const answer = expectStatus(await sendUrl(lab, 'GET', name, { subresources: { tagging: '' } }), 200);
    expect(answer.xml().name).to.equal('Tagging');
    expect((await sendUrl(lab, 'GET', name, { change: (target) => target.replace('?', '?tagging&') })).status).to.equal(403);
  },
  'another method is SignatureDoesNotMatch, and nothing is done': over(['HEAD', 'PUT', 'DELETE'], (sentAs) => async (lab) => {
    const name = lab.key();
    await lab.put(name, 'a');
    const answer = await sendUrl(lab, 'GET', name, { sentAs });
    if (sentAs === 'HEAD') expect(answer.status).to.equal(403);
    else expectError(answer, 403, 'SignatureDoesNotMatch');
    expect((await lab.get(name)).text).to.equal('a');
  }),
  'what is changed is SignatureDoesNotMatch': over<(target: string) => string>(
    {
      'the key': (target) => target.replace('?', 'x?'),
      'the end': (target) => target.replace(/Expires=\d+/, (text) => `${text.slice(0, -1)}${text.endsWith('9') ? '8' : '9'}`),
      'the signature': (target) =>
        target.replace(/Signature=./, (text) => `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`),
      'the headers of the answer': (target) => `${target}&response-content-type=text/html`,
      'the version': (target) => `${target}&versionId=null`,
      'a part': (target) => `${target}&partNumber=1`,
    },
    (change) => async (lab) => {
      const name = lab.key();
      await lab.put(name, 'a');
      await lab.put(`${name}x`, 'b');
      expectError(await sendUrl(lab, 'GET', name, { change }), 403, 'SignatureDoesNotMatch');
    },
  ),
  'headers are part of it': over(
    { 'a type': 'content-type', 'a list': 'x-amz-acl', metadata: 'x-amz-meta-a' },
    (name) => async (lab) => {
      const key = lab.key();
      const target = targetOf(lab, 'PUT', key, {});
      const [raw = '', query = ''] = target.split('?');
      expectError(
        await lab.s3.send('PUT', { raw }, { auth: 'none', query, body: 'a', headers: { [name]: 'private' } }),
        403,
        'SignatureDoesNotMatch',
      );
      expectError(await lab.get(key), 404, 'NoSuchKey');
    },
  ),
  'they expire': async (lab) => {
    const name = lab.key();
    await lab.put(name, 'a');
    const answer = await sendUrl(lab, 'GET', name, { expiresIn: -2 });
    expectError(answer, 403, 'AccessDenied');
    expect(answer.xml().value('Message')).to.contain('expired');
  },
  'an end that is none is AccessDenied': async (lab) => {
    const change = (target: string): string => target.replace(/Expires=\d+/, 'Expires=soon');
    expectError(await sendUrl(lab, 'GET', lab.key(), { change }), 403, 'AccessDenied');
  },
  'another secret is SignatureDoesNotMatch, an unknown key InvalidAccessKeyId': async (lab) => {
    const { keys } = lab.s3;
    const wrong = (change: Partial<Keys>) => sendUrl(lab, 'GET', lab.key(), { keys: { ...keys, ...change } });
    expectError(await wrong({ secretAccessKey: 'wrong' }), 403, 'SignatureDoesNotMatch');
    expectError(await wrong({ accessKeyId: 'AKIAUNKNOWN' }), 403, 'InvalidAccessKeyId');
  },
  'what the signer may not do, they may not': async (lab) => {
    const name = lab.key();
    await lab.put(name, 'a');
    expect((await sendUrl(lab, 'GET', name, { keys: lab.otherAccount().keys })).status).to.be.oneOf([403, 404]);
  },
  'a policy may ask for version 4': {
    page: guide('bucket-policy-s3-sigv4-conditions'),
    run: async (lab) => {
      const bucket = await lab.newBucket();
      const there = { ...lab, path: (key: string) => `/${bucket}/${key}` };
      expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
      expectStatus(await sendUrl(there, 'GET', 'a'), 200);
      const Condition = { StringEquals: { 's3:signatureversion': 'AWS' } };
      const Statement = [{ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: `arn:aws:s3:::${bucket}/*`, Condition }];
      expectStatus(
        await lab.s3.send('PUT', `/${bucket}`, { query: 'policy=', body: JSON.stringify({ Version: '2012-10-17', Statement }) }),
        204,
      );
      expectError(await sendUrl(there, 'GET', 'a'), 403, 'AccessDenied');
      expectStatus(await lab.s3.send('GET', `/${bucket}/a`), 200);
      expectStatus(await lab.s3.send('GET', `/${bucket}/a`, { auth: 'query' }), 200);
      expectStatus(await documentsOf(lab.s3, 'policy', 'Policy').remove(bucket), 204);
    },
  },
  // AWS ignored what was not part of the signed text, and let a URL be good for as long as it said. We do neither.
  'what is not signed is refused': over(
    { 'a query that nobody signs': '&x-id=GetObject', 'a prefix': '&prefix=a', 'twice the same': '&Expires=9999999999' },
    (more) => async (lab) => {
      if (lab.gateway === null) return;
      const name = lab.key();
      await lab.put(name, 'a');
      expectError(await sendUrl(lab, 'GET', name, { change: (target) => `${target}${more}` }), 403, 'AccessDenied');
    },
  ),
  // Values are signed as they read, so a parameter could be hidden in the one before it.
  'two parameters are not made one, nor one two': async (lab) => {
    if (lab.gateway === null) return;
    const name = lab.key();
    await lab.put(name, 'a');
    const two = { 'response-content-type': 'x/y', versionId: 'null' };
    expectStatus(await sendUrl(lab, 'GET', name, { subresources: two }), 200);
    const change = (target: string): string => target.replace('&versionId=null', '%26versionId%3Dnull');
    expectError(await sendUrl(lab, 'GET', name, { subresources: two, change }), 403, 'AccessDenied');
    const subresources = { 'response-content-disposition': 'attachment; filename="a & b.txt"' };
    expectStatus(await sendUrl(lab, 'GET', name, { subresources }), 200);
  },
  'a week is the longest': async (lab) => {
    if (lab.gateway === null) return;
    const name = lab.key();
    await lab.put(name, 'a');
    expectStatus(await sendUrl(lab, 'GET', name, { expiresIn: 604_800 }), 200);
    expectError(await sendUrl(lab, 'GET', name, { expiresIn: 608_400 }), 403, 'AccessDenied');
  },
  'together with an Authorization header they are InvalidArgument': async (lab) => {
    const name = lab.key();
    const [, query = ''] = targetOf(lab, 'GET', name, {}).split('?');
    expectError(await lab.get(name, { query }), 400, 'InvalidArgument');
  },
  'of one bucket they open no other, whichever way it is addressed': async (lab) => {
    if (lab.gateway === null) return;
    const { host } = new URL(lab.s3.origin);
    const port = host.split(':')[1];
    const name = lab.key();
    await lab.put(name, 'a');
    const other = await lab.newBucket();
    // In the other bucket, the key that reads like the first one's path.
    expectStatus(await lab.s3.send('PUT', `/${other}/${lab.bucket}/${name}`, { body: 'secret' }), 200);
    const [raw = '', query = ''] = targetOf(lab, 'GET', name, {}).split('?');
    const to = (bucket: string, path: string) =>
      lab.s3.send(
        'GET',
        { raw: path },
        {
          auth: 'none',
          query,
          tamper: ({ headers }) => void (headers[0] = ['Host', `${bucket}.localhost:${port}`]),
        },
      );
    expectError(await to(other, raw), 403, 'SignatureDoesNotMatch');
    expect(expectStatus(await to(lab.bucket, `/${name}`), 200).text).to.equal('a');
  },
});
