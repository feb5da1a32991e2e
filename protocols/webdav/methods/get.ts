import type { ObjectRead } from '#contracts/namespace';
import { isCloudStoreError } from '#core/errors';
import type { EntryInfo, ObjectInfo } from '#core/object';
import { parseRange } from '#core/range';
import { sendBody } from '#http/body';
import { httpDate, parseConditions, rangeApplies } from '#http/conditional-headers';
import { carriable } from '#http/not-modified';
import { answerRanges } from '#http/range-response';
import { assertNoBody } from '../answer.ts';
import { bareDirectory } from '../bare-directory.ts';
import { answeredDigest, OC_CHECKSUMS, wantedDigest } from '../digests.ts';
import { type Exchange, type Located, locate } from '../exchange.ts';
import { answerFolder, answerFrontDoor } from '../folder-head.ts';
import { readPreconditions } from '../preconditions.ts';
import { CONTENT_TYPE_DEFAULT } from '../properties/content.ts';
import { getEntry } from '../resource.ts';
import { desktopTime, isDesktop } from '../times.ts';

/** GET and HEAD (RFC 9110 §9.3, §14). A collection has no representation of its own. */
export async function get(x: Exchange): Promise<void> {
  await assertNoBody(x);
  if (x.target.kind !== 'place') return answerFolder(x, bareDirectory(0, ''));
  const located = await locate(x);
  if (x.req.headers.if !== undefined) await readPreconditions(x, located);
  const read = await open(x, located);
  if ('kind' in read) {
    const door = x.mount.bucket !== null && x.target.root && x.req.method === 'GET';
    return door ? answerFrontDoor(x) : answerFolder(x, read);
  }
  const { info } = read;
  const wanted = wantedDigest(x.req.headers);
  const headers = { ...representationHeaders(info), ...(wanted === null ? {} : await answeredDigest(wanted, read, x.cx.signal)) };
  if (isDesktop(x.req.headers['user-agent'])) headers['Last-Modified'] = httpDate(desktopTime(info.mtime));
  if (x.req.method === 'HEAD') {
    x.res.writeHead(200, { ...headers, 'Content-Length': info.size }).end();
    return;
  }
  const { range } = x.req.headers;
  const requests =
    range !== undefined && rangeApplies(x.req.headers, { etag: info.etag, modified: info.mtime }) ? parseRange(range) : null;
  const contentType = headers['Content-Type'] ?? CONTENT_TYPE_DEFAULT;
  const boundary = requests !== null && requests.length > 1 ? x.deps.random(18).toString('base64url') : '';
  const { signal } = x.cx;
  const ranged = answerRanges(read, requests, { contentType, boundary, signal });
  await sendBody(x.res, ranged.body(), signal, () => void x.res.writeHead(ranged.status, { ...headers, ...ranged.headers }));
}

/** What goes with the bytes, and with a 304. */
export function representationHeaders(info: ObjectInfo): Record<string, string> {
  const { contentType, contentEncoding, contentLanguage, contentDisposition, cacheControl, expires } = info.attributes;
  const headers: Record<string, string> = {
    ETag: `"${info.etag}"`,
    'Last-Modified': httpDate(info.mtime),
    'Accept-Ranges': 'bytes',
    'Content-Type': carriable(contentType) ?? CONTENT_TYPE_DEFAULT,
    // A drive holds what others put there; a browser that is led here must not run it in our name.
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': 'sandbox',
  };
  const given = {
    'Content-Encoding': contentEncoding,
    'Content-Language': contentLanguage,
    'Content-Disposition': contentDisposition,
    'Cache-Control': cacheControl,
    Expires: expires,
    'OC-Checksum': info.attributes.extra?.[OC_CHECKSUMS],
  };
  for (const [name, text] of Object.entries(given)) {
    const value = carriable(text);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

/** The plain key first: one look-up for nearly every GET. Only when nothing is there is it asked whether it is a folder. */
async function open(x: Exchange, located: Located): Promise<ObjectRead | EntryInfo> {
  const { place, bucket } = located;
  if (place.root || place.folder || place.key === '') return getEntry(x, located);
  try {
    const conditions = parseConditions(x.req.headers);
    return await x.deps.namespace.get(x.who, { bucket: bucket.id, key: place.key }, { conditions, conditionTime: 'mtime' });
  } catch (error) {
    if (!isCloudStoreError(error, 'not_found')) throw error;
    return getEntry(x, located);
  }
}
