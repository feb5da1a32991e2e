import type { S3Client } from './client.ts';
import { documentsOf } from './documents.ts';
import { guide } from './pages.ts';
import { expectStatus, type Lab } from './suite.ts';
import type { Element } from './xml.ts';

export const BLOCK = guide('access-control-block-public-access');
export const ACL = guide('acl-overview');
export const OWNERSHIP = guide('about-object-ownership');
export const POLICIES = guide('bucket-policies');
export const KEYS = guide('amazon-s3-policy-keys');
export const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers';
export const AUTHENTICATED = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers';
export const nobody = { auth: 'none' as const };

export const blockOf = (s3: S3Client) => documentsOf(s3, 'publicAccessBlock', 'PublicAccessBlockConfiguration');
export const ownershipOf = (s3: S3Client) => documentsOf(s3, 'ownershipControls', 'OwnershipControls');
export const putPolicy = (s3: S3Client, bucket: string, policy: unknown) =>
  s3.send('PUT', `/${bucket}`, { query: 'policy=', body: typeof policy === 'string' ? policy : JSON.stringify(policy) });
export const arn = (bucket: string, key = '') => `arn:aws:s3:::${bucket}${key}`;

/** A bucket that says nothing about the public. */
export async function openBucket({ s3, newBucket }: Lab): Promise<string> {
  const bucket = await newBucket();
  // An endpoint that has no such thing blocks nothing, and may take its removal for the bucket's.
  if ((await blockOf(s3).get(bucket)).status === 200) expectStatus(await blockOf(s3).remove(bucket), 204);
  return bucket;
}

/** One whose lists count. */
export async function listedBucket(lab: Lab, ownership = 'ObjectWriter'): Promise<string> {
  const bucket = await openBucket(lab);
  const rule = `<Rule><ObjectOwnership>${ownership}</ObjectOwnership></Rule>`;
  expectStatus(await ownershipOf(lab.s3).put(bucket, rule), 200);
  return bucket;
}

export const idOf = async (s3: S3Client) => deep((await s3.send('GET', '/')).xml(), 'ID');

/** Of the first element of this name, however deep; '' when there is none. */
export function deep(element: Element, name: string): string {
  if (element.name === name) return element.text;
  for (const child of element.children) {
    const found = deep(child, name);
    if (found !== '') return found;
  }
  return '';
}

export function grantsOf(acl: Element): Element[] {
  return acl.child('AccessControlList')?.all('Grant') ?? [];
}

export function statement(bucket: string, change: object = {}): object {
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: arn(bucket, '/*'), ...change }],
  };
}
