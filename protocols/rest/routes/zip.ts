import type { z } from 'zod';
import { CloudStoreError } from '#core/errors';
import { sendJson } from '../answer.ts';
import { parsePlace } from '../paths.ts';
import { locateKey } from '../place.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/batch.ts';
import { sendZip } from '../zip.ts';

const PREPARED_MS = 10 * 60 * 1000;

interface Prepared extends z.output<typeof schema.Zip> {
  principal: number;
}

export const zipRoutes = [
  route({
    method: 'post',
    path: '/zip',
    operation: 'Zip',
    streams: true,
    actions: ['read', 'list'],
    summary: 'Files and folders as one archive, streamed; a folder with all below, at most 100,000 entries.',
    body: schema.Zip,
    answers: { 200: { description: 'The archive. Its length is told where nothing in it is compressed.', schema: 'bytes' } },
    handle: (x, { body }) => sendZip(x, body.items, body.name === undefined ? {} : { name: body.name }),
  }),
  route({
    method: 'post',
    path: '/zip/prepare',
    operation: 'PrepareZip',
    actions: ['read', 'list'],
    summary: 'The same as an address that a browser can open.',
    body: schema.Zip,
    answers: { 200: { description: 'Where the archive is.', schema: schema.ZipPrepared } },
    async handle(x, { body }) {
      const { principal } = x.who;
      if (principal === null) throw new CloudStoreError('unauthenticated', 'An access token is required.');
      for (const { bucket, key } of body.items) {
        const { bucket: found, folder } = await locateKey(x, bucket, key);
        await x.deps.authorizer.require(x.who, folder ? 'list' : 'read', found, key);
      }
      const id = x.deps.random(16).toString('hex');
      const prepared: Prepared = { ...body, principal: principal.id };
      await store(x.deps.cache).set(`zip:${id}`, Buffer.from(JSON.stringify(prepared)), PREPARED_MS);
      sendJson(x.res, 200, { path: `/zip/prepared/${id}`, expiresInSeconds: PREPARED_MS / 1000 });
    },
  }),
  route({
    method: 'get',
    path: '/zip/prepared/{id}',
    operation: 'GetPreparedZip',
    actions: ['read', 'list'],
    summary: 'The archive that was prepared.',
    answers: { 200: { description: 'The archive.', schema: 'bytes' } },
    async handle(x) {
      const found = await store(x.deps.cache).get(`zip:${parsePlace(x.path.slice('/zip/prepared/'.length)).bucket}`);
      const prepared: Prepared | null = found === null ? null : JSON.parse(found.toString()); // our own
      if (prepared === null || prepared.principal !== x.who.principal?.id) {
        throw new CloudStoreError('not_found', 'There is no such archive any more; prepare it again.');
      }
      await sendZip(x, prepared.items, prepared.name === undefined ? {} : { name: prepared.name });
    },
  }),
];

function store<T>(cache: T | undefined): T {
  if (cache === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
  return cache;
}
