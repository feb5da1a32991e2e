import { createHash } from 'node:crypto';
import { dispose } from '#core/stream';
import { sendJson } from '../answer.ts';
import { locate } from '../place.ts';
import { entryJson, isoTime } from '../represent.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';
import { transfer } from '../transfer.ts';

export const treeRoutes = [
  route({
    method: 'get',
    path: '/stat/{bucket}/{key}',
    operation: 'Stat',
    actions: ['read'],
    summary: 'What lies at a key, as JSON. With a trailing slash only a folder counts.',
    query: schema.StatQuery,
    answers: { 200: { description: 'The file or folder.', schema: schema.Entry } },
    async handle(x, { query }) {
      const { name, at, folder } = await locate(x, '/stat/', query.key);
      const { namespace } = x.deps;
      const entry = folder ? await namespace.directory(x.who, at) : await namespace.entry(x.who, at);
      const json = entryJson(name, entry);
      if (query.verified !== true || json.kind !== 'file' || entry.kind !== 'object' || entry.content === null)
        return sendJson(x.res, 200, json);
      const verified = await x.deps.integrity?.verifiedAt(entry.content, entry.modified);
      sendJson(x.res, 200, { ...json, verified: verified == null ? null : isoTime(verified) });
    },
  }),
  route({
    method: 'get',
    path: '/checksum/{bucket}/{key}',
    operation: 'Checksum',
    actions: ['read'],
    summary: 'The SHA-256 of a file, made of what is stored: every byte of it is read.',
    query: schema.KeyQuery,
    answers: { 200: { description: 'Its SHA-256.', schema: schema.Checksum } },
    async handle(x, { query }) {
      const { at } = await locate(x, '/checksum/', query.key);
      const read = await x.deps.namespace.get(x.who, at);
      const hash = createHash('sha256');
      for await (const piece of read.body(undefined, x.cx.signal)) {
        hash.update(piece);
        dispose(piece);
      }
      sendJson(x.res, 200, { algorithm: 'sha256', value: hash.digest('base64') }, { ETag: `"${read.info.etag}"` });
    },
  }),
  route({
    method: 'post',
    path: '/move',
    operation: 'Move',
    actions: ['delete', 'write', 'read'],
    summary: 'Moves or renames a file, or (both keys end in `/`) a folder, in one step.',
    body: schema.Transfer,
    answers: {
      200: { description: 'What was there has been replaced.', schema: schema.Transferred },
      201: { description: 'Moved.', schema: schema.Transferred },
    },
    async handle(x, { body }) {
      const moved = await transfer(x, body, 'move');
      sendJson(x.res, moved.created ? 201 : 200, moved);
    },
  }),
  route({
    method: 'post',
    path: '/copy',
    operation: 'Copy',
    actions: ['read', 'write', 'delete'],
    summary: 'Copies a file, or (both keys end in `/`) a folder, without moving its bytes.',
    body: schema.Transfer,
    answers: {
      200: { description: 'What was there has been replaced.', schema: schema.Transferred },
      201: { description: 'Copied.', schema: schema.Transferred },
    },
    async handle(x, { body }) {
      const moved = await transfer(x, body, 'copy');
      sendJson(x.res, moved.created ? 201 : 200, moved);
    },
  }),
];
