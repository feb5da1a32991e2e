import type { History } from '#contracts/history';
import type { KeptVersion } from '#contracts/history-store';
import { type Address, nameOf } from '#core/address';
import { isCloudStoreError } from '#core/errors';
import type { DirectoryInfo } from '#core/object';
import { parseRange } from '#core/range';
import { sendBody } from '#http/body';
import { answerRanges } from '#http/range-response';
import { bareDirectory } from './bare-directory.ts';
import { DavError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { representationHeaders } from './methods/get.ts';
import { hrefName } from './paths.ts';
import { CONTENT_TYPE_DEFAULT } from './properties/content.ts';

const PAGE = 1000;

/** What lies in the trash at a path: a file, or a folder below which something was deleted. */
export type Deleted = { kind: 'folder'; at: Address } | { kind: 'file'; info: KeptVersion };

/** @param at without a trailing slash @param folder the path says that it means the folder @throws DavError 404 */
export async function findDeleted(x: Exchange, history: History, at: Address, folder: boolean): Promise<Deleted> {
  if (at.key === '') return { kind: 'folder', at };
  if (!folder) {
    const file = await unlessHidden(history.deleted(x.who, at));
    if (file !== null) return { kind: 'file', info: file };
  }
  const below = { bucket: at.bucket, key: `${at.key}/` };
  const page = await history.trash(x.who, { bucket: below.bucket, prefix: below.key, after: '', limit: 1 });
  if (page.entries.length === 0) throw new DavError(404, 'Nothing of this name lies in the trash.');
  return { kind: 'folder', at: below };
}

/** What lies directly in a folder of the trash, with its name and how an href says it; a folder's `modified` is when it was deleted. */
export async function* deletedBelow(
  x: Exchange,
  history: History,
  { bucket, key }: Address,
): AsyncGenerator<[entry: KeptVersion | DirectoryInfo, name: string, hrefName: string]> {
  let file = '';
  for (let after: string | null = ''; after !== null; ) {
    const page = await history.trash(x.who, { bucket, prefix: key, after, limit: PAGE });
    for (const entry of page.entries) {
      if (entry.kind === 'file') {
        const name = entry.info.key.slice(key.length);
        file = entry.info.key;
        yield [entry.info, name, hrefName(name)];
        continue;
      }
      const name = nameOf(entry.prefix.slice(key.length));
      const folder: DirectoryInfo = { ...bareDirectory(bucket, entry.prefix), modified: entry.deleted, created: entry.deleted };
      yield [folder, name, `${hrefName(name, file === entry.prefix.slice(0, -1))}/`];
    }
    after = page.next;
  }
}

/** GET and HEAD of a version that is kept. It does not change: a range is always of the same bytes. */
export async function sendVersion(x: Exchange, history: History, { bucket, key, versionId }: KeptVersion): Promise<void> {
  const read = await history.read(x.who, { bucket, key }, versionId);
  const headers = representationHeaders(read.info);
  if (x.req.method === 'HEAD') {
    x.res.writeHead(200, { ...headers, 'Content-Length': read.info.size }).end();
    return;
  }
  const { signal } = x.cx;
  const contentType = headers['Content-Type'] ?? CONTENT_TYPE_DEFAULT;
  const asked = parseRange(x.req.headers.range);
  const boundary = asked !== null && asked.length > 1 ? x.deps.random(18).toString('base64url') : '';
  const ranged = answerRanges(read, asked, { contentType, boundary, signal });
  await sendBody(x.res, ranged.body(), signal, () => void x.res.writeHead(ranged.status, { ...headers, ...ranged.headers }));
}

/** null for what is not there, or not for the caller. */
export async function unlessHidden<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (isCloudStoreError(error) && ['not_found', 'access_denied', 'bucket_not_found'].includes(error.code)) return null;
    throw error;
  }
}
