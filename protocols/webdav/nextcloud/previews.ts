import type { ObjectRead } from '#contracts/namespace';
import { THUMBNAIL_SIZES, type ThumbnailSize } from '#contracts/thumbnails';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { parseEtags } from '#http/conditional-headers';
import { answer } from '../answer.ts';
import { DavError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { parsePath } from '../paths.ts';
import { single } from '../request-headers.ts';
import type { NextcloudDeps } from './deps.ts';
import type { FileIds } from './file-ids.ts';

const BY_ID = /^\/index\.php\/(?:core\/preview(?:\.png)?|apps\/files_trashbin\/preview)$/;
const BY_PATH = /^\/index\.php\/apps\/files\/api\/v1\/thumbnail\/(-?\d{1,5})\/(-?\d{1,5})(\/.+)$/;

export function isPreviewPath(path: string): boolean {
  return BY_ID.test(path) || BY_PATH.test(path);
}

/**
 * Small pictures: by the file's id (`/index.php/core/preview`, and of the trash), or by its path (`/core/preview.png?file=`,
 * `/apps/files/api/v1/thumbnail/WIDTH/HEIGHT/PATH`). One as large as asked for at least, where there is one; 404 tells clients to show a symbol.
 */
export async function servePreview(x: Exchange, deps: NextcloudDeps, ids: FileIds, home: Bucket, path: string): Promise<void> {
  if (x.req.method !== 'GET' && x.req.method !== 'HEAD')
    throw new DavError(405, 'A picture is read.', { headers: { Allow: 'GET, HEAD' } });
  const { searchParams } = new URL(x.req.url ?? '/', 'http://localhost');
  const named = BY_PATH.exec(path);
  const width = Number(named?.[1] ?? searchParams.get('x') ?? 32);
  const height = Number(named?.[2] ?? searchParams.get('y') ?? 32);
  if (!Number.isInteger(width) || !Number.isInteger(height))
    throw new CloudStoreError('invalid_argument', 'A size is a whole number of pixels.');
  const read = await readOf(x, deps, ids, home, path, named?.[3] ?? fileParameter(searchParams));
  const size = sizeFor(Math.max(width, height));
  const etag = deps.thumbnails.etag(read, size);
  if (etag === null) throw noPicture();
  const headers = { ETag: `"${etag}"`, 'Cache-Control': 'private, max-age=86400', 'X-Content-Type-Options': 'nosniff' };
  const known = single(x.req.headers['if-none-match']);
  if (known !== undefined && parseEtags(known).includes(etag)) return answer(x.res, 304, headers);
  const picture = await pictureOf(x, deps, read, size);
  x.res.writeHead(200, { ...headers, 'Content-Type': 'image/webp', 'Content-Length': picture.length });
  x.res.end(x.req.method === 'HEAD' ? undefined : picture);
}

/** By path only where no id is given. */
function fileParameter(parameters: URLSearchParams): string | null {
  const file = parameters.get('file');
  if (file === null || parameters.has('fileId')) return null;
  return `/${file.split('/').filter(Boolean).map(encodeURIComponent).join('/')}`;
}

async function readOf(
  x: Exchange,
  { namespace, history }: NextcloudDeps,
  ids: FileIds,
  home: Bucket,
  path: string,
  file: string | null,
): Promise<ObjectRead> {
  if (file !== null) {
    const target = parsePath(x.mount, x.mount.base + file);
    if (target?.kind !== 'place' || target.root || target.folder) throw noPicture();
    return namespace.get(x.who, { bucket: home.id, key: target.key });
  }
  const text = new URL(x.req.url ?? '/', 'http://localhost').searchParams.get('fileId') ?? '';
  if (!/^\d{1,15}$/.test(text)) throw new CloudStoreError('invalid_argument', 'A fileId is a number.');
  if (!path.endsWith('/files_trashbin/preview')) {
    const { bucket, key } = await ids.find(x, home, Number(text));
    return namespace.get(x.who, { bucket, key });
  }
  const at = ids.deleted(home, Number(text));
  if (at === null) throw noPicture();
  const { versionId } = await history.deleted(x.who, at);
  return history.read(x.who, at, versionId);
}

/** Where the pictures' library is missing there are none; while too many are made the client comes again. */
async function pictureOf(x: Exchange, { thumbnails }: NextcloudDeps, read: ObjectRead, size: ThumbnailSize): Promise<Buffer> {
  try {
    const picture = await thumbnails.get(read, size, x.cx.signal);
    if (picture !== null) return picture;
  } catch (error) {
    if (isCloudStoreError(error, 'unavailable'))
      throw new CloudStoreError('rate_limited', 'Too many pictures are being made.', { details: { retryAfterSeconds: 2 } });
    if (!isCloudStoreError(error, 'not_implemented')) throw error;
  }
  throw noPicture();
}

function sizeFor(pixels: number): ThumbnailSize {
  return THUMBNAIL_SIZES.find((size) => size >= pixels) ?? 1024;
}

function noPicture(): CloudStoreError {
  return new CloudStoreError('not_found', 'Of this there is no picture.');
}
