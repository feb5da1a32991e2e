import type { IncomingHttpHeaders } from 'node:http';
import type { Acl } from '#core/acl';
import type { Address } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { ObjectAttributes, ObjectInfo } from '#core/object';
import { aclOfHeaders } from '../acl.ts';
import type { Exchange } from '../exchange.ts';

/**
 * The list that a new object gets by its request's headers, refused before its bytes are taken. null: it needs none of its own. Who gives others something by
 * it must be allowed to set lists.
 */
export async function newObjectAcl(
  x: Exchange,
  { bucket, at }: { bucket: Bucket; at: Address },
  headers: IncomingHttpHeaders = x.req.headers,
): Promise<Acl | null> {
  const request = aclOfHeaders(headers);
  const acl = x.deps.access.newObjectAcl(x.who, bucket, request);
  const own = request === null || ('canned' in request && OWN.has(request.canned));
  if (acl !== null && !own) await x.deps.authorizer.require(x.who, 'acl.write', bucket, at.key);
  return acl;
}

const OWN: ReadonlySet<string> = new Set(['private', 'bucket-owner-read', 'bucket-owner-full-control']);

/** Before the answer leaves. Until then the object is private. */
export async function keepAcl(x: Exchange, { versionId }: Pick<ObjectInfo, 'versionId'>, acl: Acl | null): Promise<void> {
  if (acl !== null) await x.deps.access.setNewObjectAcl(versionId, acl);
}

/** An upload in parts remembers its list until it is complete. */
export function withAcl(attributes: ObjectAttributes, acl: Acl | null): ObjectAttributes {
  return acl === null ? attributes : { ...attributes, extra: { ...attributes.extra, 's3.acl': JSON.stringify(acl) } };
}

export function aclOfUpload({ extra }: ObjectAttributes): Acl | null {
  const text = extra?.['s3.acl'];
  return text === undefined ? null : (JSON.parse(text) as Acl);
}
