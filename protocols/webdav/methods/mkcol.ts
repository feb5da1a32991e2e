import { isCloudStoreError } from '#core/errors';
import { answer } from '../answer.ts';
import { DavError } from '../errors.ts';
import { type Exchange, locate } from '../exchange.ts';
import { folderKey, type Place } from '../paths.ts';
import { readPreconditions } from '../preconditions.ts';
import { findEntry } from '../resource.ts';

/** RFC 4918 §9.3. At the top a new bucket is made, where the caller may. */
export async function mkcol(x: Exchange): Promise<void> {
  const { headers } = x.req;
  // RFC 4918 §9.3: a body that we do not understand must not be ignored.
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
    throw new DavError(415, 'MKCOL takes no body.');
  }
  if (x.target.kind !== 'place') throw new DavError(405, 'The collection exists.', { condition: 'resource-must-be-null' });
  if (x.target.root) await makeBucket(x, x.target);
  else await makeFolder(x);
  answer(x.res, 201);
}

async function makeBucket(x: Exchange, place: Place): Promise<void> {
  await x.deps.buckets.create(x.who, place.bucket);
}

async function makeFolder(x: Exchange): Promise<void> {
  const located = await locate(x);
  const { lockTokens } = await readPreconditions(x, located);
  const at = { bucket: located.bucket.id, key: folderKey(located.place) };
  try {
    await x.deps.namespace.makeDirectory(x.who, at, { requireParent: true, lockTokens });
  } catch (error) {
    // A file of this name is in the way: the URL is mapped, which is 405 whatever the core calls it.
    const clash = isCloudStoreError(error, 'name_clash') || isCloudStoreError(error, 'not_a_directory');
    if (clash && (await findEntry(x, located)) !== null)
      throw new DavError(405, 'A file of this name exists.', { condition: 'resource-must-be-null' });
    throw error;
  }
}
