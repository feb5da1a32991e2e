import type { FolderChange } from '#contracts/metadata-store';
import { nameOf, type ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { DirectoryInfo } from '#core/object';
import type { Asked } from './asked.ts';
import type { Exchange } from './exchange.ts';
import { type ListingChange, patchListing } from './listing-patch.ts';
import { displayNameOf, hrefName, type Place } from './paths.ts';
import { contextOf } from './properties/context.ts';
import type { PropertyContext } from './properties/property.ts';

/**
 * Makes of a kept listing that of the folder as it is now, where what changed in between is known: then a change costs the next listing what changed, not the
 * whole folder again. Only for what `keptName` names: nothing in it hangs on more than its entry and the caller.
 * @returns it, lent; null: nothing was made, or what is of many blocks and is kept now
 */
export function renewListing(
  x: Exchange,
  { renderer }: Pick<Asked, 'renderer'>,
  { bucket, place }: { bucket: Bucket; place: Place },
  folder: DirectoryInfo,
  name: string,
): Buffer | null {
  const { listings, namespace } = x.deps;
  const before = listings.etagOf(name);
  if (before === undefined || before === folder.etag) return null;
  const changes = namespace.peekChanges(x.who, { bucket: bucket.id, key: folder.key }, before);
  if (changes === null) return null;
  const scope = { buckets: [bucket], place, key: folder.key, below: true };
  const known = { locks: [], quota: null, head: null, ownerName: x.who.principal.name };
  const context = contextOf(x, renderer.needs, scope, known);
  const entries = changes.flatMap((change) => entryOf(change) ?? []);
  if (context.prepare([folder, ...entries]) !== undefined) return null;
  const href = `${place.href}/`;
  const self = renderer.response(folder, displayNameOf(place, folder.key), href, context);
  const told = changes.map((change) => changeOf(change, folder.key, href, renderer, context));
  const blocks = listings.look(name, before);
  if (blocks === null || told.some((change) => change === null)) return null;
  const patched = patchListing(blocks, self, told as ListingChange[], listings.buffers);
  if (patched === null) return null;
  listings.put(name, { etag: folder.etag, blocks: patched });
  const [only, another] = patched;
  if (another === undefined) return only ?? null;
  for (const block of patched) if (!blocks.includes(block)) listings.back(block);
  return null;
}

function entryOf(change: FolderChange) {
  return change.kind === 'object' ? change.info : change.kind === 'prefix' ? change.directory : null;
}

function changeOf(
  change: FolderChange,
  folder: ObjectKey,
  above: string,
  renderer: Asked['renderer'],
  context: PropertyContext,
): ListingChange | null {
  if (change.kind === 'prefix') {
    const name = nameOf(change.prefix.slice(folder.length));
    const href = `${above}${hrefName(name)}/`;
    return change.directory === null
      ? null
      : { href, response: renderer.response(change.directory, name, href, context), beside: null };
  }
  const name = (change.kind === 'object' ? change.info.key : change.key).slice(folder.length);
  const href = above + hrefName(name);
  const response = change.kind === 'object' ? renderer.response(change.info, name, href, context) : null;
  // A folder of the same name shows under another while it lies beside a file.
  return { href, response, beside: [`${above}${hrefName(name)}/`, `${above}${hrefName(name, true)}/`] };
}
