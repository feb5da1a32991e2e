import type { PutOptions } from '#contracts/namespace';
import { nameOf, type ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import { bytesOf, collect } from '#core/stream';
import { abandonBody, allowBody, requestBytes } from '#http/body';
import { parseConditions } from '#http/conditional-headers';
import { checksumsOf, expectedDigests } from '../digests.ts';
import { DavError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { attributesOf, clientTime } from '../methods/put.ts';
import { ocIdOf } from '../owncloud.ts';
import { encodeSegment, parsePath } from '../paths.ts';
import { permissions } from '../properties/owncloud.ts';
import { rightsOn } from '../rights.ts';
import type { NextcloudDeps } from './deps.ts';
import { boundaryOf, type Part, partsOf } from './multipart.ts';

export const BULK_PATH = '/remote.php/dav/bulk';

/** Smaller files are read into memory and stored side by side, so that they share commits; others one after another, as they come. */
const TOGETHER_BYTES_MAX = 262_144;
const TOGETHER_MAX = 16;

/** What became of one file, under the path that the client gave it. */
type Outcome = Record<string, string | boolean>;

/**
 * Many small files in one request: each a part with `X-File-Path`, `X-File-MD5` and its length. Each is stored for itself, and told for itself. A body that
 * breaks is 400 with what was stored until then.
 */
export async function serveBulk(x: Exchange, deps: NextcloudDeps, home: Bucket): Promise<void> {
  if (x.req.method !== 'POST') throw new DavError(405, 'Files are sent here.', { headers: { Allow: 'POST' } });
  const boundary = boundaryOf(x.req.headers['content-type']);
  allowBody(x.req, x.res);
  const outcomes = new Map<string, Outcome>();
  const running = new Map<string, Promise<void>>();
  let status = 200;
  try {
    for await (const part of partsOf(requestBytes(x.req), boundary)) {
      const path = part.headers['x-file-path'] ?? '';
      // The same path twice is stored twice, in order.
      await running.get(path);
      if (part.length > TOGETHER_BYTES_MAX) {
        outcomes.set(path, await storeOne(x, deps, home, part));
        continue;
      }
      const body = await collect(part.body, TOGETHER_BYTES_MAX, tooLong);
      const stored = storeOne(x, deps, home, { ...part, body: bytesOf(body) }).then((outcome) => {
        outcomes.set(path, outcome);
        running.delete(path);
      });
      // Its turn to be waited for comes later; until then a failure must not go unheard.
      stored.catch(() => undefined);
      running.set(path, stored);
      if (running.size >= TOGETHER_MAX) await Promise.race(running.values());
    }
  } catch (error) {
    if (!isCloudStoreError(error, 'invalid_argument') && !isCloudStoreError(error, 'incomplete_body')) throw error;
    status = 400;
    abandonBody(x.req, x.res);
  } finally {
    await Promise.all(running.values());
  }
  const body = Buffer.from(JSON.stringify(Object.fromEntries(outcomes)));
  x.res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': body.length }).end(body);
}

/** Never rejects but for what breaks the whole request. */
async function storeOne(x: Exchange, deps: NextcloudDeps, home: Bucket, part: Part): Promise<Outcome> {
  try {
    const info = await put(x, deps, home, part);
    return {
      error: false,
      etag: info.etag,
      'OC-ETag': info.etag,
      fileid: ocIdOf(info),
      'OC-FileID': ocIdOf(info),
      'X-OC-MTime': 'accepted',
      permissions: permissions(await rightsOn(x, home, info.key), false, false),
    };
  } catch (error) {
    if (isCloudStoreError(error, 'incomplete_body') || x.cx.signal.aborted) throw error;
    if (!isCloudStoreError(error)) x.cx.log.error({ err: error, requestId: x.cx.requestId }, 'nextcloud: a file of many failed');
    return { error: true, message: isCloudStoreError(error) ? error.message : 'The file could not be stored.' };
  }
}

async function put(
  x: Exchange,
  { namespace }: NextcloudDeps,
  home: Bucket,
  { headers, length, body }: Part,
): Promise<ObjectInfo> {
  const key = keyOf(x, headers['x-file-path'] ?? '');
  const md5 = /^(?:MD5:)?([0-9a-f]{32})$/i.exec(headers['x-file-md5'] ?? '')?.[1];
  if (md5 === undefined) throw new CloudStoreError('invalid_argument', 'A part says the MD5 of its bytes.');
  const mtime = clientTime({ 'x-oc-mtime': headers['x-file-mtime'] ?? headers['x-oc-mtime'] });
  const options: PutOptions = {
    size: length,
    ...(mtime === undefined ? {} : { mtime }),
    expect: { ...expectedDigests({ 'oc-checksum': headers['oc-checksum'] }), md5: Buffer.from(md5, 'hex') },
    attributes: { ...attributesOf({}, nameOf(key)), ...checksumsOf({ 'oc-checksum': headers['oc-checksum'] ?? `MD5:${md5}` }) },
    conditions: parseConditions({ 'if-match': headers['if-match'], 'if-none-match': headers['if-none-match'] }),
    requireParent: true,
    etag: 'opaque',
    signal: x.cx.signal,
  };
  return (await namespace.put(x.who, { bucket: home.id, key }, body, options)).info;
}

/** The path is plain text, from the root of the user's files. @throws invalid_argument */
function keyOf(x: Exchange, path: string): ObjectKey {
  const segments = path.split('/').filter((segment) => segment !== '');
  const target = parsePath(x.mount, [x.mount.base, ...segments.map(encodeSegment)].join('/'));
  if (target?.kind !== 'place' || target.root || target.folder || path.endsWith('/'))
    throw new CloudStoreError('invalid_argument', 'X-File-Path is no path of a file.');
  return target.key;
}

function tooLong(): CloudStoreError {
  return new CloudStoreError('invalid_argument', 'A part is longer than it says.');
}
