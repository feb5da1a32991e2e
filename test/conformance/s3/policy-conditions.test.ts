import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { openBucket } from './harness/access.ts';
import type { RequestOptions, S3Answer } from './harness/client.ts';
import { guide } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const IAM = 'https://docs.aws.amazon.com/IAM/latest/UserGuide/';
const OPERATORS = `${IAM}reference_policies_elements_condition_operators.html`;
const SETS = `${IAM}reference_policies_condition-single-vs-multi-valued-context-keys.html`;
const LOGIC = `${IAM}reference_policies_condition-logic-multiple-context-keys-or-values.html`;
const VARIABLES = `${IAM}reference_policies_variables.html`;
const KEYS = guide('amazon-s3-policy-keys');
const PAST = '2001-01-01T00:00:00Z';
const FUTURE = '2100-01-01T00:00:00Z';

type Condition = Record<string, Record<string, string | string[] | boolean>>;
type Headers = Record<string, string>;

/** A bucket in which nobody in particular may do something under a condition, and otherwise nothing. */
async function ruled(lab: Lab, Condition: Condition, change: object = {}): Promise<string> {
  const bucket = await openBucket(lab);
  expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
  const all = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: all[1], Condition, ...change }];
  await putPolicy(lab, bucket, Statement);
  return bucket;
}

async function putPolicy({ s3 }: Lab, bucket: string, Statement: object[], Version = '2012-10-17'): Promise<void> {
  expectStatus(await s3.send('PUT', `/${bucket}`, { query: 'policy=', body: JSON.stringify({ Version, Statement }) }), 204);
}

const nobody = (headers: Headers = {}): RequestOptions => ({ auth: 'none', headers });

/** Reads as nobody, with headers under which the condition holds and with some under which it does not. */
function decides(condition: Condition, holds: Headers | null, fails: Headers | null) {
  return async (lab: Lab): Promise<void> => {
    const bucket = await ruled(lab, condition);
    const read = (headers: Headers): Promise<S3Answer> => lab.s3.send('GET', `/${bucket}/a`, nobody(headers));
    if (holds !== null) expectStatus(await read(holds), 200);
    if (fails !== null) expectError(await read(fails), 403, 'AccessDenied');
  };
}

const agent = (value: string): Headers => ({ 'user-agent': value });
const onAgent = (operator: string, value: string | string[]): Condition => ({ [operator]: { 'aws:UserAgent': value } });

suite('conditions of policies', OPERATORS, {
  'texts are compared whole, with case or without, or by wildcards': over(
    {
      StringEquals: [onAgent('StringEquals', 'Probe'), agent('Probe'), agent('probe')],
      StringNotEquals: [onAgent('StringNotEquals', 'Probe'), agent('probe'), agent('Probe')],
      StringEqualsIgnoreCase: [onAgent('StringEqualsIgnoreCase', 'Probe'), agent('pROBE'), agent('prob')],
      StringNotEqualsIgnoreCase: [onAgent('StringNotEqualsIgnoreCase', 'Probe'), agent('prob'), agent('pROBE')],
      StringLike: [onAgent('StringLike', 'p?o*'), agent('probe/1'), agent('po')],
      StringNotLike: [onAgent('StringNotLike', 'p?o*'), agent('po'), agent('probe/1')],
      'StringEquals has no wildcards': [onAgent('StringEquals', 'p*'), agent('p*'), agent('probe')],
    } as Record<string, [Condition, Headers, Headers]>,
    ([condition, holds, fails]) => decides(condition, holds, fails),
  ),
  'a region is that of the endpoint': {
    page: `${IAM}reference_policies_condition-keys.html`,
    run: async (lab) => {
      await decides({ StringEquals: { 'aws:RequestedRegion': ['eu-west-1', lab.s3.region] } }, {}, null)(lab);
      await decides({ StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } }, null, {})(lab);
      await decides({ StringNotEquals: { 'aws:RequestedRegion': lab.s3.region } }, null, {})(lab);
    },
  },
  'times are compared': over(
    {
      DateGreaterThan: [PAST, FUTURE],
      DateGreaterThanEquals: [PAST, FUTURE],
      DateLessThan: [FUTURE, PAST],
      DateLessThanEquals: [FUTURE, PAST],
      DateNotEquals: [PAST, ''],
      DateEquals: ['', PAST],
    } as Record<string, [string, string]>,
    ([holds, fails], operator) =>
      async (lab) => {
        if (holds !== '') await decides({ [operator]: { 'aws:CurrentTime': holds } }, {}, null)(lab);
        if (fails !== '') await decides({ [operator]: { 'aws:CurrentTime': fails } }, null, {})(lab);
      },
  ),
  'numbers are compared': over(
    {
      NumericEquals: ['5', '6'],
      NumericNotEquals: ['6', '5'],
      NumericLessThan: ['4', '5'],
      NumericLessThanEquals: ['5', '6'],
      NumericGreaterThan: ['6', '5'],
      NumericGreaterThanEquals: ['5', '4'],
    } as Record<string, [string, string]>,
    ([holds, fails], operator) =>
      async (lab) => {
        const bucket = await ruled(lab, { [operator]: { 's3:max-keys': '5' } }, { Action: 's3:ListBucket' }).catch(() => null);
        expect(bucket, 'a list is of the bucket, not of its objects').to.equal(null);
        const listed = await ruled(lab, {});
        const Resource = `arn:aws:s3:::${listed}`;
        await putPolicy(lab, listed, [
          {
            Effect: 'Allow',
            Principal: '*',
            Action: 's3:ListBucket',
            Resource,
            Condition: { [operator]: { 's3:max-keys': '5' } },
          },
        ]);
        const list = (keys: string) => lab.s3.send('GET', `/${listed}`, { ...nobody(), query: { 'max-keys': keys } });
        expectStatus(await list(holds), 200);
        expectError(await list(fails), 403, 'AccessDenied');
      },
  ),
  'an address is in a network, or is not': over(
    {
      IpAddress: [
        ['127.0.0.0/8', '::1'],
        ['192.0.2.0/24', '2001:db8::/32'],
      ],
      NotIpAddress: [
        ['192.0.2.0/24', '2001:db8::/32'],
        ['127.0.0.0/8', '::1'],
      ],
    } as Record<string, [string[], string[]]>,
    ([holds, fails], operator) =>
      async (lab) => {
        await decides({ [operator]: { 'aws:SourceIp': holds } }, {}, null)(lab);
        await decides({ [operator]: { 'aws:SourceIp': fails } }, null, {})(lab);
      },
  ),
  'Null asks whether a key is there': over({ true: 'true', false: 'false' }, (absent) =>
    absent === 'true'
      ? decides({ Null: { 'aws:Referer': absent } }, {}, { referer: 'x' })
      : decides({ Null: { 'aws:Referer': absent } }, { referer: 'x' }, {}),
  ),
  'a key that is not there fails, but holds for a negation and for …IfExists': over(
    {
      StringEquals: [{ StringEquals: { 'aws:Referer': 'x' } }, { referer: 'x' }, {}],
      StringNotEquals: [{ StringNotEquals: { 'aws:Referer': 'x' } }, {}, { referer: 'x' }],
      StringEqualsIfExists: [{ StringEqualsIfExists: { 'aws:Referer': 'x' } }, {}, { referer: 'y' }],
      StringLikeIfExists: [{ StringLikeIfExists: { 'aws:Referer': 'x*' } }, { referer: 'xy' }, { referer: 'y' }],
    } as Record<string, [Condition, Headers, Headers]>,
    ([condition, holds, fails]) => decides(condition, holds, fails),
  ),
  'a principal’s ARN is compared part by part': async (lab) => {
    const other = lab.otherAccount();
    for (const operator of ['ArnLike', 'ArnEquals', 'ArnNotLike', 'ArnNotEquals']) {
      const bucket = await ruled(lab, { [operator]: { 'aws:PrincipalArn': 'arn:aws:iam::*:user/*' } });
      const answer = await other.send('GET', `/${bucket}/a`);
      if (operator.includes('Not')) expectError(answer, 403, 'AccessDenied');
      else expectStatus(answer, 200);
      expect((await lab.s3.send('GET', `/${bucket}/a`, nobody())).status).to.equal(operator.includes('Not') ? 200 : 403);
    }
  },
  'of several values one is enough, of several keys and operators all must hold': {
    page: LOGIC,
    ...over(
      {
        values: [onAgent('StringEquals', ['one', 'two']), agent('two'), agent('three')],
        'negated values': [onAgent('StringNotEquals', ['one', 'two']), agent('three'), agent('two')],
        keys: [
          { StringEquals: { 'aws:UserAgent': 'one', 'aws:Referer': 'here' } },
          { ...agent('one'), referer: 'here' },
          { ...agent('one'), referer: 'there' },
        ],
        operators: [
          { StringEquals: { 'aws:UserAgent': 'one' }, StringLike: { 'aws:Referer': 'h*' } },
          { ...agent('one'), referer: 'here' },
          { ...agent('two'), referer: 'here' },
        ],
      } as Record<string, [Condition, Headers, Headers]>,
      ([condition, holds, fails]) => decides(condition, holds, fails),
    ),
  },
  'ForAllValues and ForAnyValue are about every value that a request has': {
    page: SETS,
    ...over(
      {
        'ForAllValues:StringEquals': [['a', 'b'], 'a=1&b=2', 'a=1&c=2'],
        'ForAnyValue:StringEquals': [['a', 'b'], 'a=1&c=2', 'c=1&d=2'],
        'ForAllValues:StringNotEquals': [['a', 'b'], 'c=1&d=2', 'a=1&c=2'],
        'ForAnyValue:StringLike': [['x*'], 'xy=1&c=2', 'c=1&d=2'],
      } as Record<string, [string[], string, string]>,
      ([names, holds, fails], operator) =>
        async (lab) => {
          const Action = ['s3:PutObject', 's3:PutObjectTagging'];
          const bucket = await ruled(lab, { [operator]: { 's3:RequestObjectTagKeys': names } }, { Action });
          const put = (tags: string) => lab.s3.send('PUT', `/${bucket}/b`, { ...nobody({ 'x-amz-tagging': tags }), body: 'x' });
          expectStatus(await put(holds), 200);
          expectError(await put(fails), 403, 'AccessDenied');
        },
    ),
  },
  'a request without the key passes ForAllValues, and not ForAnyValue': {
    page: SETS,
    ...over({ ForAllValues: 200, ForAnyValue: 403 }, (status, set) => async (lab) => {
      const condition = { [`${set}:StringEquals`]: { 's3:RequestObjectTagKeys': ['a'] } };
      const bucket = await ruled(lab, condition, { Action: 's3:PutObject' });
      expectStatus(await lab.s3.send('PUT', `/${bucket}/b`, { ...nobody(), body: 'x' }), status);
    }),
  },
  'a variable stands for what the request says, in a value and in a resource': {
    page: VARIABLES,
    run: async (lab) => {
      await decides(
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the policy's variables
        { StringEquals: { 'aws:Referer': '${aws:UserAgent}' } },
        { ...agent('me'), referer: 'me' },
        { ...agent('me'), referer: 'you' },
      )(lab);
      const bucket = await ruled(lab, {});
      expectStatus(await lab.s3.send('PUT', `/${bucket}/home/me/x`, { body: 'x' }), 200);
      const Resource = `arn:aws:s3:::${bucket}/home/\${aws:UserAgent}/*`;
      await putPolicy(lab, bucket, [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource }]);
      const read = (who: string) => lab.s3.send('GET', `/${bucket}/home/me/x`, nobody(agent(who)));
      expectStatus(await read('me'), 200);
      for (const who of ['you', '*', 'm?']) expectError(await read(who), 403, 'AccessDenied');
    },
  },
  'what a variable has no value for matches nothing, or its fallback': {
    page: VARIABLES,
    run: async (lab) => {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the policy's variables
      await decides(onAgent('StringEquals', '${aws:Referer}'), { ...agent('x'), referer: 'x' }, agent('x'))(lab);
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the policy's variables
      await decides(onAgent('StringEquals', "${aws:Referer, 'none'}"), agent('none'), { ...agent('none'), referer: 'x' })(lab);
    },
  },
  'a policy of 2008 has no variables': {
    page: VARIABLES,
    run: async (lab) => {
      const bucket = await ruled(lab, {});
      // biome-ignore lint/suspicious/noTemplateCurlyInString: none here
      const Condition = onAgent('StringEquals', '${aws:Referer}');
      const Resource = `arn:aws:s3:::${bucket}/*`;
      await putPolicy(
        lab,
        bucket,
        [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource, Condition }],
        '2008-10-17',
      );
      expectError(await lab.s3.send('GET', `/${bucket}/a`, nobody({ ...agent('x'), referer: 'x' })), 403, 'AccessDenied');
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as it is
      expectStatus(await lab.s3.send('GET', `/${bucket}/a`, nobody(agent('${aws:Referer}'))), 200);
    },
  },
  'wildcards are the characters themselves behind a dollar': {
    page: VARIABLES,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the policy's escapes
    run: decides(onAgent('StringLike', 'a${*}b${?}*'), agent('a*b?c'), agent('axbyc')),
  },
  'the key of a condition has no case, but the name of a tag has': {
    page: KEYS,
    run: async (lab) => {
      await decides({ StringEquals: { 'AWS:useragent': 'x' } }, agent('x'), agent('y'))(lab);
      for (const [tag, status] of [
        ['class', 200],
        ['Class', 403],
        ['constructor', 403],
      ] as const) {
        const bucket = await ruled(lab, { StringEquals: { [`s3:ExistingObjectTag/${tag}`]: 'open' } });
        expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x', headers: { 'x-amz-tagging': 'class=open' } }), 200);
        expectStatus(await lab.s3.send('GET', `/${bucket}/a`, nobody()), status);
      }
    },
  },
  'what a request brings along is asked by its header': {
    page: KEYS,
    ...over(
      {
        'x-amz-storage-class': 'STANDARD_IA',
        'x-amz-server-side-encryption': 'AES256',
        'x-amz-website-redirect-location': '/other',
      },
      (value, header) => async (lab) => {
        const bucket = await ruled(lab, { StringEquals: { [`s3:${header}`]: value } }, { Action: 's3:PutObject' });
        const put = (headers: Headers) => lab.s3.send('PUT', `/${bucket}/b`, { ...nobody(headers), body: 'x' });
        expectStatus(await put({ [header]: value }), 200);
        expectError(await put({}), 403, 'AccessDenied');
      },
    ),
  },
  'a copy is asked for its source': {
    page: KEYS,
    run: async (lab) => {
      const bucket = await ruled(lab, {});
      const Resource = `arn:aws:s3:::${bucket}/*`;
      const Condition = { StringLike: { 's3:x-amz-copy-source': `${bucket}/a*` } };
      await putPolicy(lab, bucket, [
        { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource },
        { Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource, Condition },
      ]);
      expectStatus(await lab.s3.send('PUT', `/${bucket}/b`, { body: 'x' }), 200);
      const copy = (from: string) => lab.s3.send('PUT', `/${bucket}/c`, nobody({ 'x-amz-copy-source': `${bucket}/${from}` }));
      expectStatus(await copy('a'), 200);
      expectError(await copy('b'), 403, 'AccessDenied');
    },
  },
  'a source is its bucket and key, however a request writes them': {
    page: KEYS,
    ...over(
      {
        'a slash in front': (bucket: string) => `/${bucket}/a%20b`,
        escaped: (bucket: string) => `${bucket}%2F%61%20b`,
        'a version': (bucket: string) => `${bucket}/a%20b?versionId=null`,
        'all of it': (bucket: string) => `%2F${bucket}/a%20%62?versionId=null`,
      },
      (source) => async (lab) => {
        const bucket = await ruled(lab, {});
        expectStatus(await lab.s3.send('PUT', `/${bucket}/a b`, { body: 'x' }), 200);
        const base = { Principal: '*', Resource: `arn:aws:s3:::${bucket}/*` };
        const reads = { ...base, Effect: 'Allow', Action: ['s3:GetObject', 's3:GetObjectVersion'] };
        const Condition = { StringEquals: { 's3:x-amz-copy-source': `${bucket}/a b` } };
        const copy = (): Promise<S3Answer> => lab.s3.send('PUT', `/${bucket}/c`, nobody({ 'x-amz-copy-source': source(bucket) }));
        await putPolicy(lab, bucket, [reads, { ...base, Effect: 'Allow', Action: 's3:PutObject', Condition }]);
        expectStatus(await copy(), 200);
        const all = { ...base, Effect: 'Allow', Action: 's3:PutObject' };
        await putPolicy(lab, bucket, [reads, all, { ...base, Effect: 'Deny', Action: 's3:PutObject', Condition }]);
        expectError(await copy(), 403, 'AccessDenied');
      },
    ),
  },
  'a version may be named': {
    page: KEYS,
    run: async (lab) => {
      const bucket = await ruled(lab, {});
      const on = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'versioning=', body: on }), 200);
      const [first, second] = [
        await lab.s3.send('PUT', `/${bucket}/a`, { body: '1' }),
        await lab.s3.send('PUT', `/${bucket}/a`, { body: '2' }),
      ].map(({ headers }) => headers['x-amz-version-id'] ?? '') as [string, string];
      const Condition = { StringEquals: { 's3:VersionId': first } };
      await putPolicy(lab, bucket, [
        { Effect: 'Allow', Principal: '*', Action: 's3:GetObjectVersion', Resource: `arn:aws:s3:::${bucket}/*`, Condition },
      ]);
      const read = (versionId: string) => lab.s3.send('GET', `/${bucket}/a`, { ...nobody(), query: { versionId } });
      expectStatus(await read(first), 200);
      expectError(await read(second), 403, 'AccessDenied');
    },
  },
  'a policy may ask for conditional writes, and let parts pass': {
    page: guide('conditional-writes-enforce'),
    run: async (lab) => {
      const bucket = await ruled(lab, {});
      const base = { Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: `arn:aws:s3:::${bucket}/*` };
      await putPolicy(lab, bucket, [
        { ...base, Condition: { Null: { 's3:if-none-match': 'false' } } },
        { ...base, Condition: { Bool: { 's3:ObjectCreationOperation': 'false' } } },
      ]);
      const put = (key: string, headers: Headers) => lab.s3.send('PUT', `/${bucket}/${key}`, { ...nobody(headers), body: 'x' });
      expectError(await put('b', {}), 403, 'AccessDenied');
      expectStatus(await put('b', { 'if-none-match': '*' }), 200);
      const begun = expectStatus(await lab.s3.send('POST', `/${bucket}/c`, { ...nobody(), query: 'uploads=' }), 200);
      const uploadId = begun.xml().value('UploadId');
      const part = await lab.s3.send('PUT', `/${bucket}/c`, { ...nobody(), query: { partNumber: 1, uploadId }, body: 'p' });
      expectStatus(part, 200);
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
      const complete = (headers: Headers) =>
        lab.s3.send('POST', `/${bucket}/c`, { ...nobody(headers), query: { uploadId }, body });
      expectError(await complete({}), 403, 'AccessDenied');
      expectStatus(await complete({ 'if-none-match': '*' }), 200);
    },
  },
  'how long an object may be retained can be bounded': {
    page: guide('object-lock-managing'),
    run: async (lab) => {
      const bucket = `${await lab.newBucket()}-lock`;
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } }), 200);
      const { headers } = expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x' }), 200);
      const Condition = { NumericGreaterThan: { 's3:object-lock-remaining-retention-days': '10' } };
      const Resource = `arn:aws:s3:::${bucket}/*`;
      await putPolicy(lab, bucket, [{ Effect: 'Deny', Principal: '*', Action: 's3:PutObjectRetention', Resource, Condition }]);
      const retain = (days: number) => {
        const until = new Date(Date.now() + days * 86_400_000).toISOString();
        const body = `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`;
        const md5 = createHash('md5').update(body).digest('base64');
        return lab.s3.send('PUT', `/${bucket}/a`, { query: 'retention=', body, headers: { 'content-md5': md5 } });
      };
      expectError(await retain(12), 403, 'AccessDenied');
      expectStatus(await retain(2), 200);
      const versionId = headers['x-amz-version-id'] ?? '';
      const bypass = { 'x-amz-bypass-governance-retention': 'true' };
      expectStatus(await lab.s3.send('DELETE', `/${bucket}/a`, { query: { versionId }, headers: bypass }), 204);
      expectStatus(await lab.s3.send('DELETE', `/${bucket}`), 204);
    },
  },
});
