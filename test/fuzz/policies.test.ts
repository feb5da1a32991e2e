import { expect } from 'chai';
import fc from 'fast-check';
import { createMatcher, tokensOf } from '#auth/policy-pattern';
import { type CompiledPolicy, compileBucketPolicy } from '#auth/policy-statements';
import { ACTIONS, type Action } from '#core/actions';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import { whoIs } from '../support/authority.ts';
import { FUZZ_TIMEOUT_MS, fuzzRuns, fuzzSeed } from '../support/fuzz.ts';

const runs = fuzzRuns(500);
const bucket = { id: 1, name: 'b', owner: 7 } as Bucket;

/** A policy is compiled, or refused as malformed; nothing else may come out. */
function compiledOrRefused(text: string): CompiledPolicy | null {
  try {
    return compileBucketPolicy(text, 'b', { ann: 8 });
  } catch (error) {
    if (isCloudStoreError(error, 'invalid_argument') && error.details.policy === true) return null;
    throw error;
  }
}

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
const maybeMany = <T>(one: fc.Arbitrary<T>) => fc.oneof(one, fc.array(one, { maxLength: 4 }));
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  oneOf('*', '?', 'a*b', `\${aws:username}`, `\${*}`, `\${`, 'true', '10.0.0.0/8', '2026-01-01', '7'),
);
const condition = fc.dictionary(
  oneOf(
    'StringLike',
    'StringEquals',
    'StringNotLikeIfExists',
    'IpAddress',
    'NotIpAddress',
    'Bool',
    'Null',
    'NumericLessThan',
    'DateGreaterThan',
    'ForAllValues:StringLike',
    'ForAnyValue:StringEquals',
    'ArnLike',
    'Same',
  ),
  fc.dictionary(
    oneOf(
      'aws:SourceIp',
      'aws:username',
      's3:prefix',
      's3:ExistingObjectTag/a',
      's3:RequestObjectTagKeys',
      'aws:Referer',
      'aws:what',
    ),
    maybeMany(text),
    { maxKeys: 2 },
  ),
  { maxKeys: 2 },
);
const statement = fc.record(
  {
    Sid: fc.string({ maxLength: 5 }),
    Effect: oneOf('Allow', 'Deny'),
    Principal: fc.oneof(
      oneOf<unknown>(
        '*',
        { AWS: '*' },
        { AWS: ['arn:aws:iam:::user/ann', '000000000008'] },
        { CanonicalUser: '8'.padStart(64, '0') },
      ),
      fc.jsonValue(),
    ),
    Action: maybeMany(
      fc.oneof({ weight: 20, arbitrary: oneOf('s3:*', 's3:Get*', 's3:GetObject', '*') }, { weight: 1, arbitrary: text }),
    ),
    Resource: maybeMany(
      fc.oneof(
        oneOf('arn:aws:s3:::b', 'arn:aws:s3:::b/*', 'arn:aws:s3:::*'),
        text.map((tail) => `arn:aws:s3:::b/${tail}`),
      ),
    ),
    Condition: condition,
  },
  { requiredKeys: ['Effect', 'Principal', 'Action', 'Resource'] },
);
const document = fc.record({ Version: oneOf('2012-10-17', '2008-10-17'), Statement: maybeMany(statement) });

describe(`bucket policies, fuzzed (CLOUDSTORE_TEST_SEED=${fuzzSeed})`, function () {
  this.timeout(FUZZ_TIMEOUT_MS);

  it('any text is compiled or refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"Statement":${json}}`),
        ),
        (given) => void compiledOrRefused(given),
      ),
      runs,
    );
  });

  it('any document that looks like one is compiled or refused, and what is compiled decides without a fault', () => {
    const callers = [
      whoIs(null),
      whoIs({ id: 8, role: 'guest', name: 'ann' } as never),
      whoIs({ id: 9, role: 'member', name: '*' } as never),
    ];
    const actions = Object.keys(ACTIONS) as Action[];
    let compiled = 0;
    fc.assert(
      fc.property(document, fc.string({ maxLength: 20 }), fc.nat(), (policy, key, pick) => {
        const found = compiledOrRefused(JSON.stringify(policy));
        if (found === null) return;
        compiled++;
        const action = actions[pick % actions.length] as Action;
        for (const who of callers) {
          const question = { who, action, bucket, key, about: {}, nowMs: 0, object: null };
          const denied = found.denies(question);
          const allowed = found.allows(question);
          expect(denied === null || !denied.allowed).to.equal(true);
          if (allowed !== null) expect(found.reaches(who.principal, false)).to.equal(true);
        }
      }),
      runs,
    );
    expect(compiled).to.be.greaterThan(0);
  });

  it('a mutated byte of a good document never gives a fault', () => {
    const good = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Principal: { AWS: ['*'] },
          Action: ['s3:Get*'],
          Resource: [`arn:aws:s3:::b/\${aws:username}/*`],
          Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
        },
      ],
    });
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.string({ maxLength: 3 }),
        fc.nat(3),
        (at, put, cut) => void compiledOrRefused(good.slice(0, at) + put + good.slice(at + cut)),
      ),
      runs,
    );
  });

  it('patterns agree with regular expressions', () => {
    const letters = fc.string({ unit: oneOf('a', 'b', '*', '?'), maxLength: 12 });
    fc.assert(
      fc.property(letters, fc.string({ unit: oneOf('a', 'b', '😀'), maxLength: 12 }), (pattern, given) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su');
        expect(createMatcher(tokensOf(pattern))(given)).to.equal(expression.test(given));
      }),
      runs,
    );
  });

  it('no pattern that fits in a policy goes back: what would take a century is answered', () => {
    for (const pattern of ['a*'.repeat(5000), '*a'.repeat(5000), 'a?*'.repeat(3000), `${'*?a'.repeat(3000)}b`]) {
      expect(createMatcher(tokensOf(pattern))('a'.repeat(1024))).to.equal(false);
    }
  });
});
