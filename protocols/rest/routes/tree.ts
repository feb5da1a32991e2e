import type { z } from 'zod';
import type { CopyOptions } from '#contracts/namespace';
import { CloudStoreError } from '#core/errors';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { locate, locateKey } from '../place.ts';
import { entryJson, isoTime } from '../represent.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';

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
      const { bucket, at, folder } = await locate(x, '/stat/', query.key);
      const { namespace } = x.deps;
      const entry = folder ? await namespace.directory(x.who, at) : await namespace.entry(x.who, at);
      const json = entryJson(bucket.name, entry);
      if (query.verified !== true || json.kind !== 'file' || entry.kind !== 'object' || entry.content === null)
        return sendJson(x.res, 200, json);
      const verified = await x.deps.integrity?.verifiedAt(entry.content, entry.modified);
      sendJson(x.res, 200, { ...json, verified: verified == null ? null : isoTime(verified) });
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
    handle: (x, { body }) => transfer(x, body, 'move'),
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
    handle: (x, { body }) => transfer(x, body, 'copy'),
  }),
];

async function transfer(x: Exchange, body: z.output<typeof schema.Transfer>, verb: 'move' | 'copy'): Promise<void> {
  const from = await locateKey(x, body.from.bucket, body.from.key);
  const to = await locateKey(x, body.to.bucket, body.to.key);
  if (from.at.key === '' || to.at.key === '')
    throw new CloudStoreError('invalid_key', 'A bucket itself cannot be moved or copied.');
  if (from.folder !== to.folder) {
    throw new CloudStoreError('invalid_argument', 'A folder goes to a folder: both keys end in a slash, or neither.');
  }
  const options: CopyOptions = {
    overwrite: body.overwrite ?? false,
    ...(body.ifMatch === undefined ? {} : { conditions: { ifMatch: [body.ifMatch] } }),
  };
  const { namespace } = x.deps;
  const verdict =
    verb === 'move'
      ? await namespace.move(x.who, from.at, to.at, { ...options, keepParent: true })
      : await namespace.copy(x.who, from.at, to.at, options);
  const { created, count, entry } = verdict;
  sendJson(x.res, created ? 201 : 200, { created, count, entry: entryJson(to.bucket.name, entry) });
}
