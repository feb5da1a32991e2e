import type { Link } from '../../../clients/typescript/index.ts';
import { allPages } from '../admin/all-pages.ts';
import type { Place } from '../api/client.ts';
import { client } from '../api/session.ts';

/** Links at a place and below it, as far as the caller may manage them. */
function linksBelow({ bucket, key }: Place): Promise<Link[]> {
  return allPages((page) => client.call('ListLinks', { query: { bucket, key, ...page } }));
}

/** Links to just this place. */
export async function linksOf(place: Place): Promise<Link[]> {
  return (await linksBelow(place)).filter((link) => link.key === place.key);
}

/** Links by which somebody gets to a place now: its own, and those of the folders that it lies in. */
export async function linksTo({ bucket, key }: Place): Promise<Link[]> {
  const now = Date.now();
  const leads = (link: Link): boolean =>
    link.key === key || ((link.key === '' || link.key.endsWith('/')) && key.startsWith(link.key));
  const open = (link: Link): boolean =>
    !link.disabled &&
    (link.expires === null || Date.parse(link.expires) > now) &&
    (link.mode === 'drop' || link.downloadsMax === null || link.downloads < link.downloadsMax);
  return (await linksBelow({ bucket, key: '' })).filter((link) => leads(link) && open(link));
}
