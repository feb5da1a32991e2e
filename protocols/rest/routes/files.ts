import { sendNothing } from '../answer.ts';
import { readFile } from '../file-read.ts';
import { removeFile } from '../file-remove.ts';
import { writeFile } from '../file-write.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';

const READ_HEADERS = {
  'If-Match': 'RFC 9110',
  'If-None-Match': 'RFC 9110',
  'If-Modified-Since': 'RFC 9110, compared with `mtime`',
  'If-Unmodified-Since': 'RFC 9110, compared with `mtime`',
};
const PATH = '/files/{bucket}/{key}';

export const fileRoutes = [
  route({
    method: 'head',
    path: PATH,
    operation: 'HeadFile',
    actions: ['read', 'list'],
    summary: 'The head of a GET.',
    query: schema.FileQuery,
    headers: READ_HEADERS,
    answers: { 200: { description: 'Size, type and validators as headers.' } },
    handle: readFile,
  }),
  route({
    method: 'get',
    path: PATH,
    operation: 'GetFile',
    actions: ['read', 'list'],
    summary: 'Downloads a file; lists a folder (a key that is empty or ends in `/`, or that only a folder has).',
    query: schema.FileQuery,
    headers: { ...READ_HEADERS, Range: 'RFC 9110, also several', 'If-Range': 'RFC 9110' },
    answers: {
      200: { description: "The file's bytes, or the folder's listing.", schema: schema.Listing },
      206: { description: 'The ranges asked for.', schema: 'bytes' },
    },
    handle: readFile,
  }),
  route({
    method: 'put',
    path: PATH,
    operation: 'PutFile',
    actions: ['write', 'create'],
    summary: 'Uploads a file, or makes a folder (a key that ends in `/`, without a body). All or nothing.',
    query: schema.PutQuery,
    upload: true,
    headers: {
      'X-Mtime': 'Modification time: milliseconds since 1970, or ISO 8601 with a zone',
      'If-Match': 'RFC 9110',
      'If-None-Match': 'RFC 9110; `*` never overwrites',
      'Repr-Digest': 'RFC 9530: sha-256, md5, sha, crc32c; refused if the bytes differ',
      'Content-MD5': 'base64; refused if the bytes differ',
      'X-Checksum-SHA256': 'hex or base64; refused if the bytes differ',
    },
    answers: {
      200: { description: 'Replaced.', schema: schema.Entry },
      201: { description: 'New.', schema: schema.Entry },
    },
    handle: writeFile,
  }),
  route({
    method: 'delete',
    path: PATH,
    operation: 'RemoveFile',
    actions: ['delete'],
    summary: 'Removes a file, or (a key that ends in `/`) a folder.',
    query: schema.RemoveQuery,
    headers: { 'If-Match': 'RFC 9110' },
    answers: { 204: { description: 'Removed.' } },
    async handle(x, input) {
      await removeFile(x, input);
      sendNothing(x.res);
    },
  }),
];
