import { expect } from 'chai';
import { compileBucketPolicy } from '#auth/policy-statements';
import type { Action } from '#contracts/authorizer';
import type { Bucket } from '#core/bucket';
import { whoIs } from '../../support/authority.ts';

const USER = ['$', '{aws:username}'].join('');

describe('a policy asked about a folder with all below it', () => {
  const who = whoIs({ id: 9, role: 'guest', name: 'bob' } as never);
  const arn = (key: string): string => `arn:aws:s3:::b/${key}`;
  function asked(effect: 'Allow' | 'Deny', resource: object, key: string, below = true, action: Action = 'read'): boolean {
    const statement = { Effect: effect, Principal: '*', Action: 's3:GetObject', ...resource };
    const policy = compileBucketPolicy(JSON.stringify({ Version: '2012-10-17', Statement: [statement] }), 'b', {});
    const about = below ? ({ below: true } as const) : undefined;
    const question = { who, action, bucket: { id: 1, name: 'b' } as Bucket, key, about, nowMs: 0, object: null };
    return (effect === 'Allow' ? policy.allows(question) : policy.denies(question)) !== null;
  }

  it('denies what it may deny there, and nothing beside it', () => {
    const denied = (pattern: string, key: string): boolean => asked('Deny', { Resource: arn(pattern) }, key);
    for (const pattern of ['f/*', 'f/s/*', 'f/s', 'f/?', '*/s', '*', 'f*', `${USER}/s`, `f/${USER}`])
      expect(denied(pattern, 'f/'), pattern).to.equal(true);
    for (const pattern of ['g/*', 'f', 'ff/*', 'e*', `g/${USER}`]) expect(denied(pattern, 'f/'), pattern).to.equal(false);
    for (const pattern of ['g/*', 'f']) expect(denied(pattern, ''), pattern).to.equal(true);
    expect(asked('Deny', { Resource: arn('f/s/*') }, 'f/', false), 'the folder alone').to.equal(false);
    const except = (...patterns: string[]): boolean => asked('Deny', { NotResource: patterns.map(arn) }, 'f/');
    expect([except('f/*'), except('*'), except('f/s/*'), except('f/'), except('g/*')]).to.deep.equal([
      false,
      false,
      true,
      true,
      true,
    ]);
  });
  it('allows only what it allows of all there', () => {
    const allowed = (...patterns: string[]): boolean => asked('Allow', { Resource: patterns.map(arn) }, 'f/');
    expect([allowed('f/*'), allowed('g/x', '*'), allowed('?/*')]).to.deep.equal([true, true, true]);
    expect([allowed('f/'), allowed('*/'), allowed('f/s/*'), allowed('f/', 'f/s/*')]).to.deep.equal([false, false, false, false]);
    expect(asked('Allow', { Resource: arn('f/') }, 'f/', false), 'the folder alone').to.equal(true);
    const except = (...patterns: string[]): boolean => asked('Allow', { NotResource: patterns.map(arn) }, 'f/');
    expect([except('g/*'), except('f/s/*'), except('f/s')]).to.deep.equal([true, false, false]);
  });
});
