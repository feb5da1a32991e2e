import type { z } from 'zod';
import type { Resumable } from '#contracts/resumable-store';
import type { Resumables } from '#contracts/resumables';
import type { Conditions } from '#core/conditions';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectAttributes, ObjectInfo } from '#core/object';
import { contentLength, requestBytes } from '#http/body';
import { httpDate, parseConditions } from '#http/conditional-headers';
import type { Exchange } from '../exchange.ts';
import { splitTarget } from '../paths.ts';
import { locateKey } from '../place.ts';
import { RestError } from '../problems.ts';
import { entryJson, fileJson, isoTime } from '../represent.ts';
import { parseTime } from '../request-values.ts';
import type * as schema from '../schemas/uploads.ts';
import {
  announcedSum,
  assertVersion,
  byteCount,
  declaredChecksum,
  declaredLength,
  parseConcat,
  parseMetadata,
  TUS_VERSION,
} from './headers.ts';

const ROOT = '/api/v1/uploads';
const PATCH_TYPE = /^application\/offset\+octet-stream$/i;

/** @throws not_implemented where this gateway has none */
export function uploadsOf({ deps }: Exchange): Resumables {
  if (deps.resumables === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
  return deps.resumables;
}

/** How an upload ends that has all its bytes, and when whoever sends has to stop. */
export interface Ending {
  signal: AbortSignal;
  finish(upload: Resumable): Promise<ObjectInfo>;
}

function ending(x: Exchange): Ending {
  return { signal: x.cx.signal, finish: async ({ id }) => (await uploadsOf(x).finish(x.who, id)).info };
}

export function uploadId(path: string): string {
  return path.split('/')[2] ?? '';
}

/** Every answer says which protocol it is of, refusals too. */
export function beginTus(x: Exchange): void {
  x.res.setHeader('Tus-Resumable', TUS_VERSION);
  assertVersion(x.req.headers);
}

/** POST: creation, with the first bytes where they come along; or a whole of partial ones. */
export async function createUpload(x: Exchange, query: { bucket?: string | undefined; key?: string | undefined }): Promise<void> {
  beginTus(x);
  const { headers } = x.req;
  const text = headers['upload-metadata'];
  const metadata = typeof text === 'string' ? text : '';
  const fields = parseMetadata(metadata);
  const concat = parseConcat(headers, idOf);
  const [bucketName, key] = [query.bucket ?? fields.bucket, query.key ?? fields.key ?? fields.filename];
  if (bucketName === undefined || key === undefined) {
    throw new CloudStoreError(
      'invalid_argument',
      'An upload says where it goes: bucket and key, in Upload-Metadata or in the query.',
    );
  }
  const { at, folder } = await locateKey(x, bucketName, key);
  if (folder) throw new CloudStoreError('invalid_key', 'An upload is a file: its key does not end in a slash.');
  const common = {
    conditions: parseConditions(headers),
    attributes: attributesOf(fields),
    metadata,
    concat: typeof headers['upload-concat'] === 'string' ? headers['upload-concat'] : null,
    ...(fields.mtime === undefined ? {} : { mtime: parseTime(fields.mtime) }),
  };
  const uploads = uploadsOf(x);
  if (concat.kind === 'final') {
    if (headers['upload-length'] !== undefined)
      throw new CloudStoreError('invalid_argument', 'A final upload has the length of its parts.');
    const { upload, result } = await uploads.join(x.who, at, concat.ids, { ...common, kind: 'final', length: null });
    return sendCreated(x, upload, result.info);
  }
  const upload = await uploads.begin(x.who, at, {
    ...common,
    kind: concat.kind,
    length: declaredLength(headers),
    summed: concat.kind === 'whole' && promisesSum(fields),
  });
  x.res.setHeader('Location', `${ROOT}/${upload.id}`);
  await announce(x, upload);
  const comes = PATCH_TYPE.test(headers['content-type'] ?? '') && contentLength(x.req) !== 0;
  const now = comes ? await append(x, upload, 0, x.cx.signal) : upload;
  sendCreated(x, now, await ended(x, now, ending(x)));
}

export function sendCreated(x: Exchange, upload: Resumable, info: ObjectInfo | null, root = ROOT): void {
  x.res
    .writeHead(201, {
      Location: `${root}/${upload.id}`,
      'Cache-Control': 'no-store',
      'Upload-Offset': upload.received,
      ...expiry(x, upload),
      ...(info === null ? {} : { ETag: `"${info.etag}"` }),
      'Content-Length': 0,
    })
    .end();
}

/** HEAD: how much is there. Whoever still sends to it is told to stop, so that the number stays true. */
export async function uploadOffset(x: Exchange): Promise<void> {
  beginTus(x);
  const uploads = uploadsOf(x);
  const id = uploadId(x.path);
  await uploads.settle(id);
  await offsetOf(x, await uploads.find(x.who, id), ending(x));
}

export async function offsetOf(x: Exchange, upload: Resumable, ending: Ending): Promise<void> {
  // All bytes are there, but the gateway died before it made the file: a client that reads the offset takes it for done, so it has to be.
  await ended(x, upload, ending);
  x.res
    .writeHead(200, {
      'Cache-Control': 'no-store',
      'Upload-Offset': upload.received,
      ...(upload.length === null ? { 'Upload-Defer-Length': '1' } : { 'Upload-Length': upload.length }),
      ...(upload.metadata === '' ? {} : { 'Upload-Metadata': upload.metadata }),
      ...(upload.concat === null ? {} : { 'Upload-Concat': upload.concat }),
      ...expiry(x, upload),
    })
    .end();
}

/** PATCH: bytes from an offset on; the last ones make the file. */
export async function appendUpload(x: Exchange): Promise<void> {
  beginTus(x);
  await appendTo(x, await uploadsOf(x).find(x.who, uploadId(x.path)), ending(x));
}

export async function appendTo(x: Exchange, found: Resumable, ending: Ending): Promise<void> {
  const { headers } = x.req;
  if (!PATCH_TYPE.test(headers['content-type'] ?? '')) {
    throw new RestError('unsupported_media_type', 'The body must be application/offset+octet-stream.');
  }
  const offset = byteCount(headers, 'upload-offset');
  if (offset === undefined) throw new CloudStoreError('invalid_argument', 'Upload-Offset is missing.');
  let upload = found;
  const length = byteCount(headers, 'upload-length');
  if (length !== undefined && upload.length !== length) upload = await uploadsOf(x).setLength(x.who, upload.id, length);
  await announce(x, upload);
  if (upload.completedVersion === null || offset !== upload.received) upload = await append(x, upload, offset, ending.signal);
  const info = await ended(x, upload, ending);
  x.res
    .writeHead(204, {
      'Cache-Control': 'no-store',
      'Upload-Offset': upload.received,
      ...expiry(x, upload),
      ...(info === null ? {} : { ETag: `"${info.etag}"` }),
    })
    .end();
}

/** `Repr-Digest`: of the whole file, not of this body. With whichever request its sender knows it; the last one is soon enough. */
export async function announce(x: Exchange, upload: Resumable): Promise<void> {
  const sum = upload.kind === 'whole' ? announcedSum(x.req.headers) : null;
  if (sum !== null) await uploadsOf(x).announce(x.who, upload.id, sum);
}

async function append(x: Exchange, upload: Resumable, offset: number, signal: AbortSignal): Promise<Resumable> {
  const coming = contentLength(x.req);
  if (upload.length !== null && coming !== undefined && offset + coming > upload.length) {
    throw new CloudStoreError('too_large', 'The upload has more bytes than its length.', {
      details: { bytesMax: upload.length },
    });
  }
  const expect = declaredChecksum(x.req.headers);
  try {
    return await uploadsOf(x).append(x.who, upload.id, offset, requestBytes(x.req, x.res), {
      signal,
      ...(expect === undefined ? {} : { expect }),
    });
  } catch (error) {
    throw told(error);
  }
}

/** The core's refusals, in tus' words. */
function told(error: unknown): unknown {
  if (isCloudStoreError(error, 'checksum_mismatch')) {
    return new RestError('upload_checksum_mismatch', 'The bytes have another checksum; none of them is kept.');
  }
  if (!isCloudStoreError(error, 'conflict')) return error;
  const { received } = error.details;
  const headers: Record<string, string> = typeof received === 'number' ? { 'Upload-Offset': String(received) } : {};
  return new RestError('upload_offset_mismatch', error.message, { headers });
}

/** The file, when all bytes are there. @throws what refuses it: its name was taken meanwhile, its ETag is another one, … */
async function ended(x: Exchange, upload: Resumable, { finish }: Ending): Promise<ObjectInfo | null> {
  if (upload.completedVersion !== null) return uploadsOf(x).made(x.who, upload);
  if (!uploadsOf(x).complete(upload)) return null;
  try {
    return await finish(upload);
  } catch (error) {
    if (!isCloudStoreError(error, 'checksum_mismatch')) throw error;
    throw new RestError('upload_checksum_mismatch', error.message);
  }
}

/** What somebody else than tus' clients asks: the state as JSON. */
export async function uploadJson(
  x: Exchange,
  upload: Resumable,
  info: ObjectInfo | null,
): Promise<z.infer<typeof schema.UploadState>> {
  const name = await x.deps.buckets.nameFor(x.who, await x.deps.buckets.get(x.who, upload.bucket));
  const entry = info === null ? null : info.key.endsWith('/') ? entryJson(name, info) : fileJson(name, info);
  return {
    id: upload.id,
    bucket: name,
    key: upload.key,
    offset: upload.received,
    length: upload.length,
    created: isoTime(upload.created),
    touched: isoTime(upload.touched),
    expires: isoTime(expires(x, upload)),
    mtime: upload.mtime === undefined ? null : isoTime(upload.mtime),
    contentType: upload.attributes.contentType ?? null,
    digest: uploadsOf(x).announced(upload),
    entry,
  };
}

/** Its new conditions, as the caller answers the question what is to become of what is there. */
export function finishConditions(body: z.output<typeof schema.FinishUpload>): Conditions | undefined {
  if (body.ifMatch !== undefined) return { ifMatch: [body.ifMatch] };
  if (body.overwrite === undefined) return undefined;
  return body.overwrite ? {} : { ifNoneMatch: '*' };
}

function expiry(x: Exchange, upload: Resumable): Record<string, string> {
  return upload.completedVersion === null ? { 'Upload-Expires': httpDate(expires(x, upload)) } : {};
}

const DAY_MS = 24 * 3600 * 1000;

function expires({ deps }: Exchange, { touched }: Resumable): number {
  return touched + (deps.uploadDays ?? 7) * DAY_MS;
}

/** `digest` names what will come as `Repr-Digest`. */
export function promisesSum({ digest }: Record<string, string>): boolean {
  return digest === 'sha-256' || digest === 'sha-256-8mib';
}

/** `filetype` and `filename` are what Uppy and tus-js-client send. */
export function attributesOf(fields: Record<string, string>): ObjectAttributes {
  const type = fields.filetype ?? fields.contentType;
  return type === undefined || type === '' || !/^[\x20-\x7e]{1,255}$/.test(type) ? {} : { contentType: type };
}

function idOf(url: string): string | null {
  const { path } = splitTarget(url);
  const match = /^(?:\/api\/v1)?\/uploads\/([0-9a-f]{32})$/.exec(path);
  return match?.[1] ?? null;
}
