/**
 * What a decision costs with 10,000 grants and a policy of 200 statements in force, beside one with nothing but an owner.
 *   node test/bench/authority.ts [--grants=10000] [--statements=200] [--rounds=200000]
 * Prints nanoseconds of CPU a decision, and the ratio to the owner's.
 */

import { createAuthorizer } from '#auth/authorizer';
import type { AuthorityStore } from '#contracts/authority-store';
import type { Bucket } from '#core/bucket';
import type { Grant } from '#core/grant';
import type { Who } from '#core/principal';
import { flag } from './common.ts';

const grants = Number(flag('grants') ?? 10_000);
const statements = Number(flag('statements') ?? 200);
const rounds = Number(flag('rounds') ?? 200_000);
const ofOne = Math.floor(grants / 2);
const given = Array.from({ length: grants }, (_, index): Grant => {
  const id = index < ofOne ? 8 : 1000 + index;
  return { subject: { kind: 'user', id }, bucket: 1, prefix: `team/folder-${index}/`, role: 'editor' };
});
const policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: Array.from({ length: statements }, (_, index) => ({
    Effect: index % 2 === 0 ? 'Allow' : 'Deny',
    Principal: index % 4 === 0 ? '*' : { AWS: '000000000009' },
    Action: 's3:GetObject',
    Resource: `arn:aws:s3:::b/p-${index}/*`,
  })),
});
const config = { policy: { text: policy, names: {} }, publicAccessBlock: { removed: true } };
const authority = { load: async () => ({ revision: 1, config, grants: given }) } as Partial<AuthorityStore> as AuthorityStore;
const signals = { publish: async () => undefined, subscribe: () => () => undefined };
const authorizer = createAuthorizer({ authority, signals, clock: { now: () => Date.now() } });
const context = { remoteAddress: '192.0.2.1', secure: true, header: () => undefined };
const who = (id: number): Who => ({ principal: { id, name: `u${id}`, role: 'member' }, protocol: 's3', requestId: '', context });
const bucket = (revision: number): Bucket =>
  ({ id: 1, name: 'b', owner: 7, config: {}, authority: revision }) as unknown as Bucket;

async function cost(what: string, by: Who, at: Bucket, key: string, base?: number): Promise<number> {
  await authorizer.decide(by, 'read', at, key);
  for (let i = 0; i < rounds / 10; i++) authorizer.decide(by, 'read', at, key);
  const before = process.cpuUsage();
  for (let i = 0; i < rounds; i++) authorizer.decide(by, 'read', at, key);
  const { user, system } = process.cpuUsage(before);
  const each = ((user + system) * 1000) / rounds;
  process.stdout.write(
    `${what}: ${each.toFixed(0)} ns${base === undefined ? '' : `, ${(each / base).toFixed(1)} times the owner's`}\n`,
  );
  return each;
}

const base = await cost('an owner, nothing granted', who(7), bucket(0), 'a/b/c');
await cost('an owner, all in force', who(7), bucket(1), 'a/b/c', base);
await cost(`one of ${grants} grants`, who(8), bucket(1), `team/folder-${ofOne - 1}/a/b`, base);
await cost('the last statement that allows', who(10), bucket(1), `p-${statements - 4}/a`, base);
await cost('nothing allows', who(10), bucket(1), 'q/a', base);
