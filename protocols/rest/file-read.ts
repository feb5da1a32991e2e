import type { z } from 'zod';
import type { ObjectRead } from '#contracts/namespace';
import { checkConditions } from '#core/conditions';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import { parseRange, type RangeRequest } from '#core/range';
import { sendBody } from '#http/body';
import { parseConditions, rangeApplies } from '#http/conditional-headers';
import { answerRanges } from '#http/range-response';
import type { Exchange } from './exchange.ts';
import { CONTENT_TYPE_DEFAULT, fileHeaders } from './file-headers.ts';
import { sendListing, varyByEncoding } from './listing.ts';
import { type Located, locate } from './place.ts';
import { listedJson } from './represent.ts';
import { type FileQuery, LIMIT_MAX } from './schema.ts';

type Query = z.output<typeof FileQuery>;

/** GET and HEAD of a file or a folder. The plain key first: one look-up for nearly every GET. */
export async function readFile(x: Exchange, { query }: { query: Query }): Promise<void> {
  const located = await locate(x, '/files/', query.key);
  if (located.folder) return listFolder(x, located, query);
  let read: ObjectRead;
  try {
    const conditions = parseConditions(x.req.headers);
    read = await x.deps.namespace.get(x.who, located.at, { conditions, conditionTime: 'mtime' });
  } catch (error) {
    if (!isCloudStoreError(error, 'not_found')) throw error;
    const entry = await x.deps.namespace.entry(x.who, located.at);
    if (entry.kind === 'object') throw error;
    return listFolder(x, { ...located, at: { bucket: entry.bucket, key: entry.key }, folder: true }, query);
  }
  await sendFile(x, read, query.download ?? false);
}

interface Sending {
  /** A further reason to stop, besides that the client goes away. */
  ended?: AbortSignal;
  /** Awaited when the answer is known to have bytes, before the first leaves; what it throws is the answer. */
  begins?(): Promise<void>;
}

export async function sendFile(x: Exchange, read: ObjectRead, download: boolean, { ended, begins }: Sending = {}): Promise<void> {
  const { info } = read;
  const { req, res, cx } = x;
  const signal = ended === undefined ? cx.signal : AbortSignal.any([cx.signal, ended]);
  const common = fileHeaders(info, download);
  if (req.method === 'HEAD') {
    res.writeHead(200, { ...common, 'Content-Length': info.size }).end();
    return;
  }
  const { status, headers, body } = answerRanges(read, askedRanges(x, info), {
    contentType: common['Content-Type'] ?? CONTENT_TYPE_DEFAULT,
    boundary: x.deps.random(18).toString('hex'),
    signal,
  });
  await begins?.();
  await sendBody(res, body(), signal, () => void res.writeHead(status, { ...common, ...headers }));
}

/** null: the whole. */
function askedRanges({ req }: Exchange, { etag, mtime }: ObjectInfo): RangeRequest[] | null {
  return rangeApplies(req.headers, { etag, modified: mtime }) ? parseRange(req.headers.range) : null;
}

async function listFolder(x: Exchange, { name, at }: Located, query: Query): Promise<void> {
  const { namespace } = x.deps;
  const directory = await namespace.directory(x.who, at);
  varyByEncoding(x);
  checkConditions(parseConditions(x.req.headers), { ...directory, cacheControl: 'no-store' }, 'read');
  if (x.req.method === 'HEAD') {
    x.res.writeHead(200, { ETag: `"${directory.etag}"`, 'Content-Type': 'application/json; charset=utf-8' }).end();
    return;
  }
  const page = await namespace.list(x.who, {
    bucket: at.bucket,
    prefix: at.key,
    delimiter: query.recursive ? '' : '/',
    after: query.cursor === undefined ? '' : decodeCursor(query.cursor),
    limit: query.limit ?? LIMIT_MAX,
    directories: query.recursive !== true,
  });
  const entries = page.entries
    // The folder's own marker is not in it.
    .filter((entry) => entry.kind === 'prefix' || entry.info.key !== at.key)
    .map((entry) => listedJson(name, entry));
  await sendListing(x, { entries, next: page.next === null ? null : encodeCursor(page.next) }, directory.etag);
}

/** Opaque to clients: how far a listing came may one day be more than a key. */
export function encodeCursor(after: string): string {
  return Buffer.from(after, 'utf8').toString('base64url');
}

/** @throws invalid_argument */
export function decodeCursor(cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  const text = bytes.toString('utf8');
  if (encodeCursor(text) !== cursor || text.includes('\0'))
    throw new CloudStoreError('invalid_argument', 'The cursor is not one of ours.');
  return text;
}
