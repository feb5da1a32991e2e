import { S3Error } from './errors.ts';

/** What a signed POST policy allows (AWS: "POST Policy"). */
export interface PostPolicy {
  /** ms since the epoch */
  expires: number;
  conditions: PostCondition[];
  /** Of the file, bytes. */
  length: { min: number; max: number } | null;
}

interface PostCondition {
  match: 'eq' | 'starts-with';
  /** Lower case, without `$`. */
  field: string;
  value: string;
}

const CONDITIONS_MAX = 500;
/** These need no condition. */
const FREE = new Set(['x-amz-signature', 'file', 'policy', 'awsaccesskeyid', 'signature']);

/** @throws InvalidPolicyDocument */
export function parsePolicy(base64: string): PostPolicy {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64')));
  } catch {
    throw invalid('Invalid JSON.');
  }
  if (!isRecord(document)) throw invalid('Invalid JSON.');
  const { expiration, conditions } = document;
  if (typeof expiration !== 'string') throw invalid('Policy missing expiration.');
  const expires = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(expiration) ? Date.parse(expiration) : Number.NaN;
  if (Number.isNaN(expires)) throw invalid(`Invalid 'expiration' value: '${expiration.slice(0, 100)}'`);
  if (!Array.isArray(conditions)) throw invalid('Policy missing conditions.');
  if (conditions.length > CONDITIONS_MAX) throw invalid('Too many conditions.');
  const policy: PostPolicy = { expires, conditions: [], length: null };
  for (const condition of conditions) read(condition, policy);
  return policy;
}

/**
 * Decides whether a form may be stored by its policy. `fields` has the request's bucket too: a policy that does not name it would hold for all buckets of its maker.
 * @throws AccessDenied, in AWS's words
 */
export function checkPolicy(policy: PostPolicy, fields: ReadonlyMap<string, string>, now: number): void {
  if (now > policy.expires) throw denied('Policy expired.');
  const named = new Set<string>();
  for (const { match, field, value } of policy.conditions) {
    named.add(field);
    const given = fields.get(field) ?? '';
    const holds =
      match === 'eq'
        ? given === value
        : field === 'content-type'
          ? given.split(',').every((one) => one.trim().startsWith(value))
          : given.startsWith(value);
    if (!holds) throw denied(`Policy Condition failed: ["${match}", "$${field}", "${value}"]`);
  }
  const extra = [...fields.keys()].filter((name) => !named.has(name) && !FREE.has(name) && !name.startsWith('x-ignore-'));
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(', ')}`);
}

function read(condition: unknown, policy: PostPolicy): void {
  if (Array.isArray(condition)) {
    const [kind, second, third] = condition;
    const match = typeof kind === 'string' ? kind.toLowerCase() : '';
    if (match === 'content-length-range') {
      const [min, max] = [second, third].map((one) => (/^\d{1,15}$/.test(String(one)) ? Number(one) : Number.NaN));
      if (min === undefined || max === undefined || !(min <= max) || condition.length !== 3)
        throw invalid('Invalid content-length-range.');
      policy.length =
        policy.length === null ? { min, max } : { min: Math.max(min, policy.length.min), max: Math.min(max, policy.length.max) };
      return;
    }
    if ((match !== 'eq' && match !== 'starts-with') || condition.length !== 3)
      throw invalid('Invalid Simple-Condition: unknown operation.');
    if (typeof second !== 'string' || !second.startsWith('$') || typeof third !== 'string')
      throw invalid('Invalid Simple-Condition.');
    policy.conditions.push({ match, field: second.slice(1).toLowerCase(), value: third });
    return;
  }
  if (!isRecord(condition)) throw invalid('Invalid Simple-Condition.');
  const entries = Object.entries(condition);
  if (entries.length !== 1)
    throw invalid('Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.');
  for (const [name, value] of entries) {
    if (typeof value !== 'string') throw invalid('Invalid Simple-Condition: value must be a string.');
    policy.conditions.push({ match: 'eq', field: name.toLowerCase(), value });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(why: string): S3Error {
  return new S3Error('InvalidPolicyDocument', `Invalid Policy: ${why}`);
}

function denied(why: string): S3Error {
  return new S3Error('AccessDenied', `Invalid according to Policy: ${why}`);
}
