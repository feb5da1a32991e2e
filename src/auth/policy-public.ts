import { isIPv6 } from 'node:net';
import type { Statement } from './policy-document.ts';

/**
 * Whether a statement is public as AWS means it: it allows somebody who is not named, and no condition fixes who or where that is. A value with a wildcard or
 * a variable fixes nothing, nor does a network that is broader than /8 (IPv6: /32) and not a private one.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
 */
export function isPublicStatement({ effect, principals, conditions }: Statement): boolean {
  if (effect !== 'Allow' || principals === null) return false;
  if (!principals.names.some(({ kind }) => kind === 'everybody')) return false;
  return !conditions.some(fixes);
}

const FIXING: ReadonlySet<string> = new Set([
  'aws:principalarn',
  'aws:principalaccount',
  'aws:principalorgid',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:userid',
  'aws:username',
  's3:dataaccesspointaccount',
  's3:dataaccesspointarn',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
]);

const EQUAL: ReadonlySet<string> = new Set(['StringEquals', 'StringEqualsIgnoreCase', 'StringLike', 'ArnEquals', 'ArnLike']);

function fixes({ operator, key, values }: Statement['conditions'][number]): boolean {
  if (values.length === 0) return true; // never holds
  if (key === 'aws:sourceip') return operator === 'IpAddress' && values.every((network) => !isBroad(network));
  return FIXING.has(key) && EQUAL.has(operator) && values.every((value) => !/[*?]|\$\{/.test(value));
}

function isBroad(network: string): boolean {
  const [address = '', bits] = network.split('/');
  if (bits === undefined) return false;
  if (isIPv6(address)) return Number(bits) < 32;
  return Number(bits) < 8; // the private networks are no broader
}
