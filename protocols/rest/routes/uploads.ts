import { CloudStoreError } from '#core/errors';
import { sendJson, sendNothing } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { RestError } from '../problems.ts';
import { entryJson } from '../represent.ts';
import { route } from '../route.ts';
import { Entry } from '../schema.ts';
import * as schema from '../schemas/uploads.ts';
import { TUS_BYTES_MAX, TUS_CHECKSUMS, TUS_EXTENSIONS, TUS_VERSION } from '../tus/headers.ts';
import {
  appendUpload,
  beginTus,
  createUpload,
  finishConditions,
  uploadId,
  uploadJson,
  uploadOffset,
  uploadsOf,
} from '../tus/uploads.ts';

const TUS_HEADERS = { 'Tus-Resumable': 'Always 1.0.0.' };
const UPLOADS_PAGE = 100;

/** tus 1.0, and what its clients do not ask: which uploads are under way, and how one ends. */
export const uploadRoutes = [
  route({
    method: 'options',
    path: '/uploads',
    operation: 'UploadOptions',
    actions: { none: 'what the protocol can is no secret' },
    summary: 'What of tus this gateway does.',
    open: true,
    answers: { 204: { description: 'As headers.' } },
    async handle({ res }) {
      sendNothing(res, {
        'Tus-Resumable': TUS_VERSION,
        'Tus-Version': TUS_VERSION,
        'Tus-Extension': TUS_EXTENSIONS,
        'Tus-Max-Size': String(TUS_BYTES_MAX),
        'Tus-Checksum-Algorithm': TUS_CHECKSUMS,
      });
    },
  }),
  route({
    method: 'post',
    path: '/uploads',
    operation: 'CreateUpload',
    actions: ['write'],
    summary: 'Begins a resumable upload (tus 1.0), or joins partial ones.',
    query: schema.UploadQuery,
    upload: true,
    headers: {
      ...TUS_HEADERS,
      'Upload-Length': 'Bytes of the file',
      'Upload-Defer-Length': '1: the length comes with a later PATCH',
      'Upload-Metadata':
        'bucket, key, and where they are known filetype and mtime; digest (sha-256 or sha-256-8mib) where a Repr-Digest will come, before which there is no file; values in base64',
      'Upload-Concat': 'partial, or final; and the addresses of partial uploads',
      'Upload-Checksum': 'Of the bytes that come along',
      'If-Match': 'RFC 9110, decided now and at the end',
      'If-None-Match': 'RFC 9110; `*` never overwrites',
    },
    answers: { 201: { description: 'Location names the upload.' } },
    handle: (x, { query }) => createUpload(x, query),
  }),
  route({
    method: 'get',
    path: '/uploads',
    operation: 'ListUploads',
    actions: ['account.read'],
    summary: "The caller's uploads that have not ended, from whichever device, newest first.",
    query: schema.UploadListQuery,
    answers: { 200: { description: 'A page.', schema: schema.UploadList } },
    async handle(x, { query }) {
      const limit = query.limit ?? UPLOADS_PAGE;
      const page = await uploadsOf(x).list(x.who, query.cursor ?? null, limit);
      const uploads = [];
      for (const upload of page) uploads.push(await uploadJson(x, upload, null).catch(notMine));
      sendJson(x.res, 200, {
        uploads: uploads.filter((one) => one !== null),
        next: page.length === limit ? (page.at(-1)?.id ?? null) : null,
      });
    },
  }),
  route({
    method: 'head',
    path: '/uploads/{id}',
    operation: 'UploadOffset',
    actions: ['write'],
    summary: 'How many bytes are there (tus 1.0).',
    headers: TUS_HEADERS,
    answers: { 200: { description: 'As headers.' } },
    handle: uploadOffset,
  }),
  route({
    method: 'get',
    path: '/uploads/{id}',
    operation: 'GetUpload',
    actions: ['write'],
    summary: 'The state of an upload, and the file that it made.',
    answers: { 200: { description: 'The upload.', schema: schema.UploadState } },
    async handle(x) {
      const uploads = uploadsOf(x);
      const upload = await uploads.find(x.who, uploadId(x.path));
      sendJson(x.res, 200, await uploadJson(x, upload, await uploads.made(x.who, upload)));
    },
  }),
  route({
    method: 'patch',
    path: '/uploads/{id}',
    operation: 'AppendUpload',
    changes: { none: 'Upload-Offset is its condition' },
    actions: ['write'],
    summary: 'Sends bytes from an offset on (tus 1.0); the last ones make the file.',
    upload: true,
    headers: {
      ...TUS_HEADERS,
      'Upload-Offset': 'Where the body begins',
      'Upload-Checksum': 'Of this body; one that differs is not kept',
      'Upload-Length': 'Of an upload that was begun without',
      'Repr-Digest':
        'sha-256 of the whole file (RFC 9530), or sha-256-8mib: that of the SHA-256 sums of each 8 MiB; with the last bytes, or behind them without any. If what is stored in the end has another, it is no file',
    },
    answers: { 204: { description: 'Upload-Offset says how much is there.' } },
    handle: appendUpload,
  }),
  route({
    method: 'post',
    path: '/uploads/{id}',
    operation: 'OverrideUpload',
    actions: ['write'],
    summary: 'PATCH and DELETE for clients that cannot send them (X-HTTP-Method-Override).',
    upload: true,
    headers: { ...TUS_HEADERS, 'X-HTTP-Method-Override': 'PATCH or DELETE' },
    answers: { 204: { description: 'As that method.' } },
    async handle(x) {
      const method = x.req.headers['x-http-method-override'];
      if (method === 'PATCH') return appendUpload(x);
      if (method === 'DELETE') return removeUpload(x);
      throw new RestError('method_not_allowed', 'X-HTTP-Method-Override is PATCH or DELETE here.', {
        headers: { Allow: 'HEAD, GET, PATCH, DELETE, POST, OPTIONS' },
      });
    },
  }),
  route({
    method: 'delete',
    path: '/uploads/{id}',
    operation: 'RemoveUpload',
    changes: { none: 'it ends what has no other state' },
    actions: ['write'],
    summary: 'Gives an upload up (tus 1.0).',
    headers: TUS_HEADERS,
    answers: { 204: { description: 'Removed.' } },
    handle: removeUpload,
  }),
  route({
    method: 'post',
    path: '/uploads/{id}/finish',
    operation: 'FinishUpload',
    actions: ['write'],
    summary:
      'Makes the file of an upload that has all its bytes, where its end was refused: under another name, or over what is there.',
    body: schema.FinishUpload,
    answers: { 200: { description: 'The file.', schema: Entry } },
    async handle(x, { body }) {
      const uploads = uploadsOf(x);
      const upload = await uploads.find(x.who, uploadId(x.path));
      const conditions = finishConditions(body);
      const { info } = await uploads.finish(x.who, upload.id, {
        ...(body.key === undefined ? {} : { key: body.key }),
        ...(conditions === undefined ? {} : { conditions }),
      });
      const name = await x.deps.buckets.nameFor(x.who, await x.deps.buckets.get(x.who, upload.bucket));
      sendJson(x.res, 200, entryJson(name, info), { ETag: `"${info.etag}"` });
    },
  }),
];

async function removeUpload(x: Exchange): Promise<void> {
  beginTus(x);
  await uploadsOf(x).remove(x.who, uploadId(x.path));
  sendNothing(x.res);
}

/** Of a bucket that the caller may no longer see. */
function notMine(error: unknown): null {
  if (error instanceof CloudStoreError) return null;
  throw error;
}
