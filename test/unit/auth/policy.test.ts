import { expect } from 'chai';
import { POLICY_BYTES_MAX } from '#auth/policy-document';
import { createMatcher, tokensOf } from '#auth/policy-pattern';
import { compileBucketPolicy } from '#auth/policy-statements';
import { isCloudStoreError } from '#core/errors';
import { grantOf, testAuthority, whoIs } from '../../support/authority.ts';

const ann = whoIs({ id: 8, role: 'member', name: 'ann' } as never);
const bob = whoIs({ id: 9, role: 'guest', name: 'bob' } as never);
const owner = whoIs({ id: 7, role: 'member' });
const nobody = whoIs(null);
const ALL = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' };

/** AWS's words for a document that is none; null: it is taken. */
function refusal(document: unknown): string | null {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  try {
    compileBucketPolicy(text, 'b', {});
    return null;
  } catch (error) {
    if (!isCloudStoreError(error, 'invalid_argument') || error.details.policy !== true) throw error;
    return error.message;
  }
}
const statement = (change: object) => refusal({ Version: '2012-10-17', Statement: [{ ...ALL, ...change }] });

describe('policy documents', () => {
  const wrong: [string, () => string | null, RegExp][] = [
    ['no JSON', () => refusal('{'), /valid JSON/],
    ['an array', () => refusal('[]'), /first byte/],
    ['a blank in front', () => refusal(` ${JSON.stringify({ Statement: [ALL] })}`), /first byte/],
    [
      'two fields of one name',
      () =>
        refusal(
          `{"Statement":[{"Effect":"Deny","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}]}`,
        ),
      /Duplicate field Effect/,
    ],
    [
      'two fields of one name, one of them escaped',
      () => refusal(`{"Statement":[],"St\\u0061tement":[]}`),
      /Duplicate field Statement/,
    ],
    ['another version', () => refusal({ Version: '2020-01-01', Statement: [ALL] }), /valid version/],
    ['no statement', () => refusal({ Version: '2012-10-17' }), /Missing required field Statement/],
    ['an empty list', () => refusal({ Statement: [] }), /Statement is empty/],
    ['a field that nobody knows', () => statement({ Resources: 'x' }), /Unknown field Resources/],
    ['no effect', () => statement({ Effect: undefined }), /Missing required field Effect/],
    ['another effect', () => statement({ Effect: 'allow' }), /Invalid effect: allow/],
    ['nobody', () => statement({ Principal: undefined }), /Missing required field Principal/],
    ['a bare name', () => statement({ Principal: 'ann' }), /must be an object|Invalid principal/],
    ['a group', () => statement({ Principal: { AWS: 'arn:aws:iam::000000000001:group/staff' } }), /Invalid principal/],
    ['half a wildcard', () => statement({ Principal: { AWS: 'arn:aws:iam::000000000001:user/a*' } }), /Invalid principal/],
    ['an empty list of principals', () => statement({ Principal: { AWS: [] } }), /Invalid principal/],
    ['an allow for all but some', () => statement({ Principal: undefined, NotPrincipal: { AWS: '*' } }), /NotPrincipal/],
    ['both of principal', () => statement({ Effect: 'Deny', NotPrincipal: '*' }), /both Principal and NotPrincipal/],
    ['no action', () => statement({ Action: undefined }), /Missing required field Action/],
    ['both of action', () => statement({ NotAction: 's3:GetObject' }), /both Action and NotAction/],
    ['an action that nobody knows', () => statement({ Action: 's3:GetObjects' }), /invalid action/],
    ["another service's", () => statement({ Action: 'ec2:*' }), /invalid action/],
    ['no resource', () => statement({ Resource: undefined }), /Missing required field Resource/],
    ['another bucket', () => statement({ Resource: 'arn:aws:s3:::c/*' }), /invalid resource/],
    ['a bucket that begins with the name', () => statement({ Resource: 'arn:aws:s3:::bb/*' }), /invalid resource/],
    ['no ARN', () => statement({ Resource: 'b/*' }), /invalid resource/],
    ['an action of buckets on objects', () => statement({ Action: 's3:ListBucket' }), /does not apply/],
    ['an action of objects on the bucket', () => statement({ Resource: 'arn:aws:s3:::b' }), /does not apply/],
    [
      'a condition that is none',
      () => statement({ Condition: { StringSame: { 'aws:username': 'x' } } }),
      /Invalid Condition type : StringSame/,
    ],
    [
      "an operator of objects' own names",
      () => statement({ Condition: { constructor: { 'aws:username': 'x' } } }),
      /Invalid Condition type/,
    ],
    ['a key that nobody knows', () => statement({ Condition: { StringEquals: { 'aws:nobody': 'x' } } }), /invalid condition key/],
    [
      'a key of a list for what is none',
      () => statement({ Condition: { StringEquals: { 's3:prefix': 'x' } } }),
      /Conditions do not apply/,
    ],
    ['a network that is none', () => statement({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } } }), /network/],
    ['a number that is none', () => statement({ Condition: { NumericEquals: { 's3:VersionId': 'two' } } }), /statement 1/],
    ['a date that is none', () => statement({ Condition: { DateLessThan: { 'aws:CurrentTime': '2026-99-01' } } }), /statement 1/],
    ['neither true nor false', () => statement({ Condition: { Bool: { 'aws:SecureTransport': 'yes' } } }), /true nor false/],
    ['an open variable', () => statement({ Resource: `arn:aws:s3:::b/\${aws:username` }), /variable/],
    [
      'one Sid twice',
      () =>
        refusal({
          Statement: [
            { ...ALL, Sid: 'a' },
            { ...ALL, Sid: 'a' },
          ],
        }),
      /must be unique/,
    ],
    ['more than 20 KiB', () => statement({ Sid: 'x'.repeat(POLICY_BYTES_MAX) }), /maximum allowed document size/],
  ];
  for (const [what, of, words] of wrong) it(`refuse ${what}`, () => expect(of()).to.match(words));

  it('are taken in every way that AWS writes them', () => {
    for (const change of [
      {},
      { Principal: { AWS: ['*', '000000000008', 'arn:aws:iam::000000000008:root', 'arn:aws:iam::000000000001:user/team/ann'] } },
      { Principal: { CanonicalUser: '8'.padStart(64, '0'), Service: 'logging.s3.amazonaws.com' } },
      { Effect: 'Deny', Principal: undefined, NotPrincipal: { AWS: 'arn:aws:iam:::user/ann' } },
      { Action: ['S3:getobject', 's3:Get*', '*'], Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/x', 'arn:aws:s3:::*'] },
      { Action: 's3:RestoreObject' },
      { Action: undefined, NotAction: 's3:Put*' },
      { Resource: undefined, NotResource: 'arn:aws:s3:::b/secret/*' },
      {
        Condition: {
          'ForAllValues:StringLike': { 's3:RequestObjectTagKeys': ['a*'] },
          NullIfExists: undefined,
          Null: { 'aws:referer': true },
        },
      },
      { Condition: { StringEqualsIfExists: { 'S3:X-Amz-Acl': 'private' }, NumericLessThan: { 'aws:EpochTime': 7 } } },
    ]) {
      expect(statement(change), JSON.stringify(change)).to.equal(null);
    }
  });
});

describe('wildcards', () => {
  const matches = (pattern: string, text: string) => createMatcher(tokensOf(pattern))(text);
  it('match as they say', () => {
    const cases: [string, string, boolean][] = [
      ['*', '', true],
      ['a*', 'a', true],
      ['a*b', 'ab', true],
      ['a*b', 'a/x/b', true],
      ['a*a', 'a', false],
      ['ab*ba', 'aba', false],
      ['*a*b*', 'xxaxxbxx', true],
      ['*a*b*', 'xxbxxaxx', false],
      ['a*bc*c', 'abcc', true],
      ['a*bc*c', 'abc', false],
      ['?', '', false],
      ['?', 'é', true],
      ['?', '😀', true],
      ['a?c', 'abc', true],
      ['a?c', 'ac', false],
      ['*?', 'a', true],
      ['?*?', 'a', false],
      ['a*?c', 'abbbc', true],
      ['a.c', 'abc', false],
    ];
    for (const [pattern, text, expected] of cases) expect(matches(pattern, text), `${pattern} on ${text}`).to.equal(expected);
  });

  it('agree with a plain matcher that goes back', () => {
    const slow = (p: string, t: string): boolean =>
      p === ''
        ? t === ''
        : p[0] === '*'
          ? slow(p.slice(1), t) || (t !== '' && slow(p, t.slice(1)))
          : t !== '' && (p[0] === '?' || p[0] === t[0]) && slow(p.slice(1), t.slice(1));
    for (let n = 0; n < 4 ** 5; n++) {
      const pattern = [...n.toString(4).padStart(5, '0')].map((digit) => 'ab*?'[Number(digit)]).join('');
      for (let m = 0; m < 32; m++) {
        const text = m.toString(2).replaceAll('0', 'a').replaceAll('1', 'b');
        expect(matches(pattern, text), `${pattern} on ${text}`).to.equal(slow(pattern, text));
      }
    }
  });
});

describe('bucket policies', () => {
  it('let whom they name do what they name, where they name it, and nobody else', async () => {
    const rig = testAuthority();
    rig.policy([
      {
        Sid: 'docs',
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam:::user/ann' },
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: 'arn:aws:s3:::b/docs/*',
      },
      { Effect: 'Allow', Principal: { AWS: '000000000009' }, Action: 's3:ListBucket', Resource: 'arn:aws:s3:::b' },
    ]);
    expect(await rig.verdict(ann, 'read', 'docs/a')).to.deep.equal({
      allowed: true,
      rule: { kind: 'policy', effect: 'Allow', statement: 0, sid: 'docs' },
    });
    for (const action of ['write', 'create'] as const)
      expect(await rig.verdict(ann, action, 'docs/a')).to.include({ allowed: true });
    for (const [who, action, key] of [
      [ann, 'delete', 'docs/a'],
      [ann, 'read', 'doc'],
      [ann, 'list', ''],
      [bob, 'read', 'docs/a'],
      [nobody, 'read', 'docs/a'],
    ] as const)
      expect(await rig.verdict(who, action, key), `${action} ${key}`).to.deep.equal({
        allowed: false,
        rule: { kind: 'nothing' },
      });
    expect(await rig.verdict(bob, 'list', 'any/')).to.include({ allowed: true });
    expect(await Promise.all([ann, bob, nobody].map((who) => rig.authorizer.visible(who, rig.bucket)))).to.deep.equal([
      true,
      true,
      false,
    ]);
  });

  it('deny before everything, to owners, admins and the granted, but for the policy itself', async () => {
    const rig = testAuthority();
    rig.grants.push(grantOf({ kind: 'user', id: 9 }, 'owner'));
    rig.policy({ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/*'] });
    const admin = whoIs({ id: 1, role: 'admin' }, 'webdav');
    for (const who of [owner, admin, bob]) {
      for (const action of ['read', 'write', 'list', 'bucket.acl.read'] as const)
        expect(await rig.verdict(who, action, 'k')).to.deep.include({ allowed: false });
    }
    for (const action of ['bucket.policy.read', 'bucket.policy.write', 'bucket.policy.remove'] as const) {
      expect(await rig.verdict(owner, action)).to.include({ allowed: true });
      expect(await rig.verdict(admin, action)).to.include({ allowed: true });
      expect(await rig.verdict(bob, action)).to.include({ allowed: false });
    }
  });

  it('deny to all but whom they name', async () => {
    const rig = testAuthority();
    rig.policy([
      ALL,
      { Effect: 'Deny', NotPrincipal: { AWS: 'arn:aws:iam:::user/ann' }, Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' },
    ]);
    expect(await rig.verdict(ann, 'read', 'k')).to.include({ allowed: true });
    for (const who of [bob, owner, nobody]) expect(await rig.verdict(who, 'read', 'k')).to.include({ allowed: false });
  });

  it('open a bucket to everybody on S3 and nowhere else', async () => {
    const rig = testAuthority();
    rig.policy(ALL);
    expect(await rig.verdict(nobody, 'read', 'k')).to.include({ allowed: true });
    for (const protocol of ['rest', 'webdav', 'ws'] as const) {
      expect(await rig.verdict(whoIs(null, protocol), 'read', 'k')).to.include({ allowed: false });
      expect(await rig.verdict(whoIs({ id: 8, role: 'guest' }, protocol), 'read', 'k')).to.include({ allowed: true });
    }
    expect(await rig.authorizer.visible(nobody, rig.bucket)).to.equal(true);
    expect(await rig.authorizer.listed(bob, rig.bucket)).to.equal(false);
    rig.bucket.config.publicAccessBlock = { restrictPublicBuckets: true };
    rig.changed();
    for (const who of [nobody, ann]) {
      expect(await rig.verdict(who, 'read', 'k')).to.deep.equal({ allowed: false, rule: { kind: 'public-access-block' } });
      expect(await rig.authorizer.visible(who, rig.bucket)).to.equal(false);
    }
    expect(await rig.verdict(owner, 'read', 'k')).to.include({ allowed: true });
  });

  it('know a user by who it was when the policy was put', async () => {
    const rig = testAuthority();
    rig.policy({ ...ALL, Principal: { AWS: 'arn:aws:iam:::user/ann' } }, { ann: 8 });
    expect(await rig.verdict(whoIs({ id: 30, role: 'guest', name: 'ann' } as never), 'read', 'k')).to.include({ allowed: false });
    expect(await rig.verdict(whoIs({ id: 8, role: 'guest', name: 'anna' } as never), 'read', 'k')).to.include({ allowed: true });
  });

  it('name what is everything but some', async () => {
    const rig = testAuthority();
    rig.policy([
      {
        Effect: 'Allow',
        Principal: { AWS: '000000000008' },
        NotAction: ['s3:Delete*', 's3:Put*', 'cloudstore:*'],
        Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/*'],
      },
      { Effect: 'Allow', Principal: { AWS: '000000000009' }, Action: 's3:GetObject', NotResource: 'arn:aws:s3:::b/secret/*' },
    ]);
    expect(await rig.verdict(ann, 'read', 'k')).to.include({ allowed: true });
    for (const action of ['delete', 'write', 'share'] as const)
      expect(await rig.verdict(ann, action, 'k')).to.include({ allowed: false });
    expect(await rig.verdict(bob, 'read', 'k')).to.include({ allowed: true });
    expect(await rig.verdict(bob, 'read', 'secret/k')).to.include({ allowed: false });
  });

  it('have variables in 2012, that stand for themselves, and none in 2008', async () => {
    const rig = testAuthority();
    const home = { ...ALL, Resource: `arn:aws:s3:::b/home/\${aws:username}/*` };
    rig.policy(home);
    expect(await rig.verdict(ann, 'read', 'home/ann/x')).to.include({ allowed: true });
    expect(await rig.verdict(bob, 'read', 'home/ann/x')).to.include({ allowed: false });
    const star = whoIs({ id: 8, role: 'guest', name: '*' } as never);
    expect(await rig.verdict(star, 'read', 'home/ann/x')).to.include({ allowed: false });
    expect(await rig.verdict(star, 'read', 'home/*/x')).to.include({ allowed: true });
    expect(await rig.verdict(nobody, 'read', 'home//x')).to.include({ allowed: false });
    rig.policy({ ...ALL, Resource: `arn:aws:s3:::b/\${aws:username, 'public'}/\${*}` });
    expect(await rig.verdict(nobody, 'read', 'public/*')).to.include({ allowed: true });
    expect(await rig.verdict(nobody, 'read', 'public/x')).to.include({ allowed: false });
    rig.bucket.config.policy = { text: JSON.stringify({ Version: '2008-10-17', Statement: [home] }), names: {} };
    rig.changed();
    expect(await rig.verdict(ann, 'read', 'home/ann/x')).to.include({ allowed: false });
    expect(await rig.verdict(ann, 'read', `home/\${aws:username}/x`)).to.include({ allowed: true });
  });

  it('allow nothing at all when nobody can read them any more', async () => {
    const rig = testAuthority();
    rig.policy(ALL);
    rig.bucket.config.policy = { text: '{"Statement": "of a later version"}', names: {} };
    rig.changed();
    for (const who of [ann, owner, nobody]) expect(await rig.verdict(who, 'read', 'k')).to.include({ allowed: false });
    expect(await rig.verdict(owner, 'bucket.policy.write')).to.include({ allowed: true });
  });
});

describe('conditions of policies', () => {
  /** What a statement under a condition decides; asked twice, for tags are loaded only when they are asked for. */
  const holds = async (
    Condition: object,
    who = ann,
    more: { action?: 'read' | 'list' | 'write'; key?: string; about?: object; tags?: Record<string, string> } = {},
  ) => {
    const { action = 'read', key = 'k', about, tags } = more;
    const rig = testAuthority();
    if (tags !== undefined) rig.objects.set(key, { tags });
    rig.policy({ ...ALL, Action: 's3:*', Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/*'], Condition });
    return (await rig.verdict(who, action, key, about as never)).allowed;
  };
  const from = (remoteAddress: string) => whoIs({ id: 8, role: 'guest' }, 's3', { remoteAddress });
  const saying = (headers: Record<string, string>, secure = true) => whoIs({ id: 8, role: 'guest' }, 's3', { headers, secure });

  it('compare addresses', async () => {
    const inside = { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'] } };
    for (const [address, expected] of [
      ['10.9.8.7', true],
      ['11.0.0.1', false],
      ['2001:db8:1::1', true],
      ['2001:db9::1', false],
      ['192.0.2.7', true],
      ['192.0.2.8', false],
    ] as const)
      expect(await holds(inside, from(address)), address).to.equal(expected);
    expect(await holds({ NotIpAddress: inside.IpAddress }, from('10.9.8.7'))).to.equal(false);
    expect(await holds({ NotIpAddress: inside.IpAddress }, from('11.0.0.1'))).to.equal(true);
  });

  it('compare transport, user agent and referer', async () => {
    expect(await holds({ Bool: { 'aws:SecureTransport': 'true' } }, saying({}))).to.equal(true);
    expect(await holds({ Bool: { 'aws:SecureTransport': true } }, saying({}, false))).to.equal(false);
    const older = { NumericLessThan: { 's3:TlsVersion': '1.3' } };
    const over = (tlsVersion?: string) => ({
      ...ann,
      context: { remoteAddress: '', secure: true, tlsVersion, header: () => undefined },
    });
    expect(await holds(older, over('1.2'))).to.equal(true);
    expect(await holds(older, over('1.3'))).to.equal(false);
    expect(await holds(older, over())).to.equal(false);
    expect(await holds({ StringLike: { 'aws:UserAgent': 'aws-cli/*' } }, saying({ 'user-agent': 'aws-cli/2.1' }))).to.equal(true);
    expect(await holds({ StringLike: { 'AWS:useragent': 'aws-cli/*' } }, saying({ 'user-agent': 'curl' }))).to.equal(false);
    const referer = { StringLike: { 'aws:Referer': ['http://example.com/*', 'https://example.com/*'] } };
    expect(await holds(referer, saying({ referer: 'https://example.com/a' }))).to.equal(true);
    expect(await holds(referer, saying({}))).to.equal(false);
  });

  it('compare what a list asks for', async () => {
    const prefix = { StringEquals: { 's3:prefix': ['', 'home/'], 's3:delimiter': '/' } };
    expect(await holds(prefix, ann, { action: 'list', key: 'home/', about: { delimiter: '/' } })).to.equal(true);
    expect(await holds(prefix, ann, { action: 'list', key: 'home/', about: { delimiter: '' } })).to.equal(false);
    expect(await holds(prefix, ann, { action: 'list', key: 'other/', about: { delimiter: '/' } })).to.equal(false);
    const few = { NumericLessThanEquals: { 's3:max-keys': '10' } };
    expect(await holds(few, ann, { action: 'list', key: '', about: { maxKeys: 10 } })).to.equal(true);
    expect(await holds(few, ann, { action: 'list', key: '', about: { maxKeys: 11 } })).to.equal(false);
  });

  it('compare tags, of the object that is there and of the request', async () => {
    const existing = { StringEquals: { 's3:ExistingObjectTag/class': 'public' } };
    expect(await holds(existing, ann, { tags: { class: 'public' } })).to.equal(true);
    expect(await holds(existing, ann, { tags: { class: 'secret' } })).to.equal(false);
    expect(await holds(existing, ann, { tags: { Class: 'public' } })).to.equal(false);
    expect(await holds(existing)).to.equal(false);
    const given = {
      StringEquals: { 's3:RequestObjectTag/team': 'a' },
      'ForAllValues:StringEquals': { 's3:RequestObjectTagKeys': ['team', 'cost'] },
    };
    expect(await holds(given, ann, { action: 'write', about: { tags: { team: 'a' } } })).to.equal(true);
    expect(await holds(given, ann, { action: 'write', about: { tags: { team: 'a', more: '' } } })).to.equal(false);
    expect(await holds(given, ann, { action: 'write', about: { tags: { team: 'b' } } })).to.equal(false);
  });

  it('compare dates, names and headers', async () => {
    // The clock of these tests says 2026-01-02T03:04:05Z.
    expect(await holds({ DateGreaterThan: { 'aws:CurrentTime': '2026-01-01T00:00:00Z' } })).to.equal(true);
    expect(await holds({ DateLessThan: { 'aws:CurrentTime': '2026-01-02T03:04:05Z' } })).to.equal(false);
    expect(await holds({ DateLessThanEquals: { 'aws:CurrentTime': '1767323045' } })).to.equal(true);
    expect(await holds({ StringEquals: { 'aws:username': 'ann' } })).to.equal(true);
    expect(await holds({ StringEqualsIgnoreCase: { 'aws:username': 'ANN' } })).to.equal(true);
    expect(await holds({ StringNotEquals: { 'aws:username': 'ann' } })).to.equal(false);
    expect(await holds({ ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:user/a*' } })).to.equal(true);
    expect(await holds({ ArnLike: { 'aws:PrincipalArn': 'arn:*:user/ann' } }).catch(() => 'refused')).to.equal('refused');
    expect(
      await holds(
        { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } },
        saying({ 'x-amz-acl': 'bucket-owner-full-control' }),
      ),
    ).to.equal(true);
    expect(await holds({ StringEquals: { 's3:VersionId': 'abc' } }, ann, { about: { version: 'abc' } })).to.equal(true);
    expect(await holds({ StringEquals: { 'aws:PrincipalType': 'Anonymous' } }, nobody)).to.equal(true);
  });

  it('know what is not there: absent fails, a negation holds, IfExists holds, Null asks', async () => {
    const bare = saying({});
    expect(await holds({ StringEquals: { 'aws:Referer': 'x' } }, bare)).to.equal(false);
    expect(await holds({ StringNotEquals: { 'aws:Referer': 'x' } }, bare)).to.equal(true);
    expect(await holds({ StringEqualsIfExists: { 'aws:Referer': 'x' } }, bare)).to.equal(true);
    expect(await holds({ StringEqualsIfExists: { 'aws:Referer': 'x' } }, saying({ referer: 'y' }))).to.equal(false);
    expect(await holds({ Null: { 'aws:Referer': 'true' } }, bare)).to.equal(true);
    expect(await holds({ Null: { 'aws:Referer': 'false' } }, bare)).to.equal(false);
    expect(await holds({ Null: { 'aws:Referer': 'false' } }, saying({ referer: 'y' }))).to.equal(true);
    expect(await holds({ 'ForAllValues:StringEquals': { 's3:RequestObjectTagKeys': 'x' } })).to.equal(true);
    expect(await holds({ 'ForAnyValue:StringEquals': { 's3:RequestObjectTagKeys': 'x' } })).to.equal(false);
    expect(await holds({ StringEquals: { 'aws:SourceVpc': 'vpc-1' } })).to.equal(false);
    // Where there is no request, nothing is known of it.
    const job = { ...ann, context: undefined } as never;
    expect(await holds({ Bool: { 'aws:SecureTransport': 'false' } }, job)).to.equal(false);
  });

  it('must all hold, and of several values one', async () => {
    const both = { StringEquals: { 'aws:username': ['bob', 'ann'] }, Bool: { 'aws:SecureTransport': 'true' } };
    expect(await holds(both)).to.equal(true);
    expect(await holds(both, whoIs({ id: 8, role: 'guest', name: 'ann' } as never, 's3', { secure: false }))).to.equal(false);
  });
});

describe('public policies', () => {
  const open = (change: object) =>
    compileBucketPolicy(JSON.stringify({ Version: '2012-10-17', Statement: [{ ...ALL, ...change }] }), 'b', {}).public;
  it('are those that anybody may use from anywhere', () => {
    const cases: [object, boolean][] = [
      [{}, true],
      [{ Principal: { AWS: '*' } }, true],
      [{ Principal: { AWS: '000000000008' } }, false],
      [{ Effect: 'Deny' }, false],
      [{ Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }, false],
      [{ Condition: { IpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '0.0.0.0/1'] } } }, true],
      [{ Condition: { NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }, true],
      [{ Condition: { StringEquals: { 'aws:PrincipalAccount': '000000000008' } } }, false],
      [{ Condition: { StringLike: { 'aws:PrincipalAccount': '*' } } }, true],
      [{ Condition: { StringEquals: { 'aws:username': `\${aws:username}` } } }, true],
      [{ Condition: { StringLike: { 'aws:Referer': 'https://example.com/*' } } }, true],
    ];
    for (const [change, expected] of cases) expect(open(change), JSON.stringify(change)).to.equal(expected);
  });
});
