import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { answer, assertNoBody } from '../answer.ts';
import { DavError } from '../errors.ts';
import { type Exchange, type Located, locate, locateBelowRoot } from '../exchange.ts';
import { lockedAt } from '../locked-at.ts';
import { ownCloudHeaders } from '../owncloud.ts';
import { folderKey } from '../paths.ts';
import { readPreconditions } from '../preconditions.ts';
import { type Depth, parseDepth, parseDestination, parseOverwrite } from '../request-headers.ts';
import { getEntry } from '../resource.ts';

/** RFC 4918 §9.8. Rows are copied, never bytes, within one owner's domain. */
export async function copy(x: Exchange): Promise<void> {
  await transfer(x, 'copy', parseDepth(x.req.headers, ['0', 'infinity'], 'infinity'));
}

/** RFC 4918 §9.9: one transaction. */
export async function move(x: Exchange): Promise<void> {
  await transfer(x, 'move', parseDepth(x.req.headers, ['0', 'infinity'], 'infinity'));
}

async function transfer(x: Exchange, kind: 'copy' | 'move', depth: Depth): Promise<void> {
  await assertNoBody(x);
  const overwrite = parseOverwrite(x.req.headers);
  const target = parseDestination(x.req.headers, x.mount, x.deps.publicHosts);
  const source = await sourceOf(x, kind);
  const destination = await locateBelowRoot(x, target);
  const entry = await getEntry(x, source);
  if (kind === 'move' && entry.kind === 'directory' && depth === '0')
    throw new CloudStoreError('invalid_argument', 'A collection is moved with Depth infinity.');
  assertApart(source, destination);
  const preconditions = await readPreconditions(x, source);
  const from = { bucket: entry.bucket, key: entry.key };
  const to = {
    bucket: destination.bucket.id,
    key: entry.kind === 'directory' ? folderKey(destination.place) : destination.place.key,
  };
  const options = { overwrite, requireParent: true, ...preconditions };
  try {
    const { created, entry: arrived } =
      kind === 'move'
        ? await x.deps.namespace.move(x.who, from, to, { ...options, keepParent: true })
        : await x.deps.namespace.copy(x.who, from, to, { ...options, depth0: depth === '0' });
    answer(x.res, created ? 201 : 204, ownCloudHeaders(x, arrived));
  } catch (error) {
    if (!overwrite && (isCloudStoreError(error, 'already_exists') || isCloudStoreError(error, 'name_clash'))) throw taken();
    throw isCloudStoreError(error, 'locked') ? lockedAt(x, [destination, source], error) : error;
  }
}

/** A folder that somebody shared is copied whole, but never moved away. */
async function sourceOf(x: Exchange, kind: 'copy' | 'move'): Promise<Located> {
  const { target } = x;
  const shared = target.kind === 'place' && target.within !== undefined && target.within.prefix !== '';
  return kind === 'copy' && shared ? locate(x) : locateBelowRoot(x);
}

/** @throws DavError 403 when one holds the other, or both are one */
function assertApart(source: Located, destination: Located): void {
  if (source.bucket.id !== destination.bucket.id) return;
  const from = folderKey(source.place);
  const to = folderKey(destination.place);
  if (from.startsWith(to) || to.startsWith(from)) {
    throw new DavError(403, 'The source and the destination are the same, or one lies within the other.');
  }
}

function taken(): CloudStoreError {
  return new CloudStoreError('precondition_failed', 'The destination exists.', { details: { condition: 'Overwrite' } });
}
