import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectAttributes } from '#core/object';
import { allowBody, contentLength, readBody, requestBytes } from '#http/body';
import { parseConditions } from '#http/conditional-headers';
import { sendJson } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { type Located, locate } from './place.ts';
import { entryJson, fileJson } from './represent.ts';
import { declaredDigests, parseTime } from './request-values.ts';
import type { PutQuery } from './schema.ts';

/** PUT: atomic; an aborted, short or wrong body leaves what was there. */
export async function writeFile(x: Exchange, { query }: { query: z.output<typeof PutQuery> }): Promise<void> {
  const { headers } = x.req;
  // RFC 9110 §14.5: a server that does not know how to write a part must not take the part for the whole.
  if (headers['content-range'] !== undefined) throw new CloudStoreError('invalid_argument', 'PUT writes whole files.');
  const mtime = declaredTime(headers, query.mtime);
  const expect = declaredDigests(headers);
  const located = await locate(x, '/files/', query.key);
  if (located.folder) return makeFolder(x, located);
  const size = contentLength(x.req);
  const { info, created } = await x.deps.namespace.put(x.who, located.at, requestBytes(x.req, x.res), {
    ...(size === undefined ? {} : { size }),
    ...(mtime === undefined ? {} : { mtime }),
    attributes: attributesOf(headers),
    conditions: parseConditions(headers),
    expect,
    ...(expect.sha256 === undefined ? {} : { checksumOf: checksumOf(expect.sha256) }),
    etag: 'opaque',
    signal: x.cx.signal,
  });
  sendJson(x.res, created ? 201 : 200, fileJson(located.name, info), { ETag: `"${info.etag}"` });
}

/** Making a folder that is there already changes nothing, as with any PUT, unless `If-None-Match: *` asks for a new one. */
async function makeFolder(x: Exchange, { name, at }: Located): Promise<void> {
  if (at.key === '') throw new CloudStoreError('invalid_key', 'The bucket is there already.');
  allowBody(x.req, x.res);
  const body = await readBody(x.req, 1).catch((error: unknown) => {
    throw isCloudStoreError(error, 'too_large') ? bodyOfFolder() : error;
  });
  if (body.length > 0) throw bodyOfFolder();
  const { namespace } = x.deps;
  try {
    sendJson(x.res, 201, entryJson(name, await namespace.makeDirectory(x.who, at)));
  } catch (error) {
    if (!isCloudStoreError(error, 'already_exists')) throw error;
    const mustBeNew = parseConditions(x.req.headers).ifNoneMatch === '*';
    const entry = mustBeNew ? null : await namespace.directory(x.who, at).catch(() => null);
    if (entry === null) throw error;
    sendJson(x.res, 200, entryJson(name, entry));
  }
}

function bodyOfFolder(): CloudStoreError {
  return new CloudStoreError('invalid_argument', 'A folder has no body.');
}

/** What was announced and has come so is kept, and told by every door. */
function checksumOf(sha256: Buffer): () => NonNullable<ObjectAttributes['checksum']> {
  return () => ({ algorithm: 'sha256', value: sha256.toString('base64'), type: 'FULL_OBJECT' });
}

function declaredTime(headers: IncomingHttpHeaders, inQuery: string | undefined): number | undefined {
  const header = headers['x-mtime'];
  const text = typeof header === 'string' ? header : inQuery;
  return text === undefined ? undefined : parseTime(text.trim());
}

function attributesOf(headers: IncomingHttpHeaders): ObjectAttributes {
  const attributes: ObjectAttributes = {};
  const language = headers['content-language'];
  const disposition = headers['content-disposition'];
  const cacheControl = headers['cache-control'];
  if (headers['content-type'] !== undefined) attributes.contentType = headers['content-type'];
  if (headers['content-encoding'] !== undefined) attributes.contentEncoding = headers['content-encoding'];
  if (typeof language === 'string') attributes.contentLanguage = language;
  if (disposition !== undefined) attributes.contentDisposition = disposition;
  // Browsers send `no-cache` of their own with a reload; it says nothing about the file.
  if (cacheControl !== undefined && cacheControl !== 'no-cache') attributes.cacheControl = cacheControl;
  return attributes;
}
