import { isCloudStoreError } from '#core/errors';
import type { DirectoryInfo } from '#core/object';
import { parseConditions } from '#http/conditional-headers';
import { answer, readXml } from '../answer.ts';
import { DavError } from '../errors.ts';
import { type Exchange, locate } from '../exchange.ts';
import { ownCloudHeaders } from '../owncloud.ts';
import { folderKey, type Place } from '../paths.ts';
import { assertConditions, readPreconditions } from '../preconditions.ts';
import { type PatchPlan, planPatch } from '../properties/patch.ts';
import { propstats } from '../properties/propstats.ts';
import { findEntry } from '../resource.ts';
import { isDav, XML_HEAD } from '../xml-element.ts';

/** RFC 4918 §9.3, RFC 5689. At the top a new bucket is made, where the caller may. */
export async function mkcol(x: Exchange): Promise<void> {
  const plan = await readPlan(x);
  const fixed = x.mount.bucket !== null || (x.target.kind === 'place' && x.target.within !== undefined);
  if (x.target.kind !== 'place' || (x.target.root && fixed)) {
    throw new DavError(405, 'The collection exists.', { condition: 'resource-must-be-null' });
  }
  if (plan !== null && !plan.possible) {
    answer(x.res, 424, {}, `${XML_HEAD}<d:mkcol-response xmlns:d="DAV:">${propstats(plan.steps, false)}</d:mkcol-response>\n`);
    return;
  }
  // What a removal would remove is not there yet.
  const properties = Object.fromEntries(
    Object.entries(plan?.properties ?? {}).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
  const made = x.target.root ? await makeBucket(x, x.target, properties) : await makeFolder(x, properties);
  answer(x.res, 201, ownCloudHeaders(x, made));
}

/**
 * The properties of RFC 5689's body, planned as a PROPPATCH's; null without a body.
 * @throws DavError 415 for a body of another kind (RFC 4918 §9.3: one that we do not understand must not be ignored), 403 for a kind of collection
 *   that does not exist here
 */
async function readPlan(x: Exchange): Promise<PatchPlan | null> {
  const { headers } = x.req;
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return null;
  if (!/^\s*(?:text|application)\/xml\s*(?:;|$)/i.test(headers['content-type'] ?? ''))
    throw new DavError(415, 'MKCOL takes a body of XML only.');
  const body = await readXml(x);
  if (body === null) return null;
  if (!isDav(body, 'mkcol')) throw new DavError(415, 'The body is no mkcol element.');
  const types = body.children
    .filter((action) => isDav(action, 'set'))
    .flatMap(({ children }) => children.filter((prop) => isDav(prop, 'prop')))
    .flatMap(({ children }) => children.filter((property) => isDav(property, 'resourcetype')));
  if (
    types.length === 0 ||
    types.some(({ children }) => children.length !== 1 || !children.every((type) => isDav(type, 'collection')))
  ) {
    throw new DavError(403, 'Only plain collections are made here.', { condition: 'valid-resourcetype' });
  }
  return planPatch(body, 'directory', { without: ['resourcetype'] });
}

async function makeBucket(x: Exchange, place: Place, properties: Record<string, string>): Promise<DirectoryInfo> {
  const { buckets, namespace } = x.deps;
  const conditions = parseConditions(x.req.headers);
  if (conditions.ifMatch !== undefined && (await bucketIsMissing(x))) assertConditions(conditions, null);
  const { id } = await buckets.create(x.who, place.bucket);
  const at = { bucket: id, key: '' };
  if (Object.keys(properties).length > 0) await namespace.annotate(x.who, at, { properties });
  return namespace.directory(x.who, at);
}

async function bucketIsMissing(x: Exchange): Promise<boolean> {
  try {
    await locate(x);
    return false;
  } catch (error) {
    if (isCloudStoreError(error, 'bucket_not_found')) return true;
    throw error;
  }
}

async function makeFolder(x: Exchange, properties: Record<string, string>): Promise<DirectoryInfo> {
  const located = await locate(x);
  const { lockTokens, conditions } = await readPreconditions(x, located);
  // What is there already is 405, whatever the conditions say (RFC 9110 §13.2.1).
  if (conditions.ifMatch !== undefined && (await findEntry(x, located)) === null) assertConditions(conditions, null);
  const at = { bucket: located.bucket.id, key: folderKey(located.place) };
  try {
    return await x.deps.namespace.makeDirectory(x.who, at, { requireParent: true, lockTokens, properties });
  } catch (error) {
    // A file of this name is in the way: the URL is mapped, which is 405 whatever the core calls it.
    const clash = isCloudStoreError(error, 'name_clash') || isCloudStoreError(error, 'not_a_directory');
    if (clash && (await findEntry(x, located)) !== null)
      throw new DavError(405, 'A file of this name exists.', { condition: 'resource-must-be-null' });
    throw error;
  }
}
