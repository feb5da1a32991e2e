import { expect } from 'chai';
import { guide } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

const SOMEBODY = '999999999999';
const OWNER = 'x-amz-expected-bucket-owner';

suite('the owner that a client expects', guide('bucket-owner-condition'), {
  'another account than the owner’s is AccessDenied, and nothing is done': over(
    {
      GetObject: ['GET', 'a', ''],
      HeadObject: ['HEAD', 'a', ''],
      PutObject: ['PUT', 'b', ''],
      DeleteObject: ['DELETE', 'a', ''],
      ListObjectsV2: ['GET', '', 'list-type=2'],
      GetBucketPolicy: ['GET', '', 'policy='],
      PutBucketVersioning: ['PUT', '', 'versioning='],
      CreateMultipartUpload: ['POST', 'b', 'uploads='],
      HeadBucket: ['HEAD', '', ''],
      DeleteBucket: ['DELETE', '', ''],
    } as Record<string, [string, string, string]>,
    ([method, key, query]) =>
      async ({ put, send, get }) => {
        await put('a', 'x');
        const answer = await send(method, key, { query, headers: { [OWNER]: SOMEBODY } });
        if (method === 'HEAD') expectStatus(answer, 403);
        else expectError(answer, 403, 'AccessDenied');
        expectStatus(await get('a'), 200);
        expectStatus(await get('b'), 404);
      },
  ),
  'what is no account is InvalidBucketOwnerAWSAccountID': over(
    ['', '12345', '9999999999999', 'somebody0000'],
    (owner) =>
      async ({ put, get }) => {
        await put('a', 'x');
        expectError(await get('a', { headers: { [OWNER]: owner } }), 400, 'InvalidBucketOwnerAWSAccountID');
      },
  ),
  'a copy may name the owner of its source too': async ({ put, send, path, get, key }) => {
    const [from, to] = [key(), key()];
    await put(from, 'x');
    const headers = { 'x-amz-copy-source': path(from), 'x-amz-source-expected-bucket-owner': SOMEBODY };
    expectError(await send('PUT', to, { headers }), 403, 'AccessDenied');
    expectStatus(await get(to), 404);
  },
  'the owner’s account lets the request pass': async ({ gateway, put, get, send, path, key }) => {
    if (gateway === null) return; // elsewhere the owner's account is not known
    const [from, to] = [key(), key()];
    await put(from, 'x');
    const owner = '000000000001';
    expect((await get(from, { headers: { [OWNER]: owner } })).text).to.equal('x');
    const headers = { 'x-amz-copy-source': path(from), 'x-amz-source-expected-bucket-owner': owner, [OWNER]: owner };
    expectStatus(await send('PUT', to, { headers }), 200);
  },
});
