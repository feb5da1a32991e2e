import { type CORSRule, CreateBucketCommand, PutBucketCorsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { presign } from '../../support/presign.ts';
import { type Answer, send } from '../../support/requests.ts';
import { KEY, type Rig, startRig } from './memory-rooms.ts';

describe('S3 door, for pages of other origins', () => {
  let rig: Rig;
  let s3: S3Client;
  const Bucket = 'shown';

  before(async () => {
    rig = await startRig();
    s3 = new S3Client({ endpoint: rig.url, region: 'us-east-1', credentials: KEY, forcePathStyle: true, maxAttempts: 1 });
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'small' }));
  });
  after(async () => {
    s3.destroy();
    await rig.close();
  });

  const rules = (...CORSRules: CORSRule[]): Promise<unknown> =>
    s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
  const preflight = (origin: string, method: string, headers?: string): Promise<Answer> =>
    send('OPTIONS', `${rig.url}/${Bucket}/a`, {
      headers: {
        origin,
        'access-control-request-method': method,
        ...(headers === undefined ? {} : { 'access-control-request-headers': headers }),
      },
    });
  const get = (origin: string, key = 'a'): Promise<Answer> =>
    send('GET', presign('GET', `${rig.url}/${Bucket}/${key}`, KEY, new Date()), { headers: { origin } });

  it('answers a preflight by the first rule that fits, and tells what it allows', async () => {
    await rules(
      { AllowedMethods: ['GET'], AllowedOrigins: ['https://a.example'] },
      {
        AllowedMethods: ['PUT', 'GET'],
        AllowedOrigins: ['https://*.example'],
        AllowedHeaders: ['X-Amz-*', 'content-type'],
        ExposeHeaders: ['ETag'],
        MaxAgeSeconds: 77,
      },
    );
    const answer = await preflight('https://a.example', 'PUT', 'Content-Type, x-amz-date');
    expect(answer.status).to.equal(200);
    expect(answer.headers).to.include({
      'access-control-allow-origin': 'https://a.example',
      'access-control-allow-methods': 'PUT, GET',
      'access-control-allow-headers': 'content-type, x-amz-date',
      'access-control-expose-headers': 'ETag',
      'access-control-max-age': '77',
      'access-control-allow-credentials': 'true',
      vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
    });
    expect((await preflight('https://a.example', 'GET')).headers['access-control-allow-methods']).to.equal('GET');
  });

  it('refuses a preflight whose origin, method or header no rule has', async () => {
    await rules({ AllowedMethods: ['PUT'], AllowedOrigins: ['https://*.example'], AllowedHeaders: ['x-one'] });
    for (const [origin, method, header] of [
      ['https://example', 'PUT', undefined],
      ['https://a.example.org', 'PUT', undefined],
      ['https://a.example', 'GET', undefined],
      ['https://a.example', 'PUT', 'x-one, x-two'],
    ] as const) {
      const answer = await preflight(origin, method, header);
      expect(answer.status, `${origin} ${method} ${header}`).to.equal(403);
      expect(answer.body.toString()).to.contain('<Code>AccessForbidden</Code>').and.contain(`<Method>${method}</Method>`);
      expect(answer.headers).not.to.have.property('access-control-allow-origin');
    }
    expect((await preflight('https://a.example', 'TRACE')).status).to.equal(400);
  });

  it('lets anybody in by *, but never with credentials', async () => {
    await rules({ AllowedMethods: ['GET'], AllowedOrigins: ['*'] });
    const { headers } = await preflight('https://evil.example', 'GET');
    expect(headers['access-control-allow-origin']).to.equal('*');
    expect(headers).not.to.have.property('access-control-allow-credentials');
  });

  it('marks answers, small hot ones and errors too, and only for origins that are allowed', async () => {
    await rules({ AllowedMethods: ['GET'], AllowedOrigins: ['https://a.example'] });
    const answer = await get('https://a.example');
    expect([answer.status, answer.body.toString()]).to.deep.equal([200, 'small']);
    expect(answer.headers['access-control-allow-origin']).to.equal('https://a.example');
    const missing = await get('https://a.example', 'missing');
    expect([missing.status, missing.headers['access-control-allow-origin']]).to.deep.equal([404, 'https://a.example']);
    expect((await get('https://b.example')).headers).not.to.have.property('access-control-allow-origin');
  });

  for (const [name, rule] of Object.entries({
    'an unknown method': { AllowedMethods: ['PATCH'], AllowedOrigins: ['*'] },
    'two wildcards': { AllowedMethods: ['GET'], AllowedOrigins: ['http://*.*'] },
    'a wildcard in ExposeHeader': { AllowedMethods: ['GET'], AllowedOrigins: ['*'], ExposeHeaders: ['*'] },
    'a line break in ExposeHeader': { AllowedMethods: ['GET'], AllowedOrigins: ['*'], ExposeHeaders: ['a\r\nSet-Cookie: b'] },
  })) {
    it(`refuses a rule with ${name}`, async () => {
      const outcome = await rules(rule).then(
        () => 'taken',
        (error: Error) => error.name,
      );
      expect(outcome).to.equal('InvalidRequest');
    });
  }
});
