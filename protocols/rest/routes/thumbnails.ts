import { z } from 'zod';
import { THUMBNAIL_SIZES, type ThumbnailSize } from '#contracts/thumbnails';
import { CloudStoreError } from '#core/errors';
import { parseEtags } from '#http/conditional-headers';
import { locate } from '../place.ts';
import { RestError } from '../problems.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';

const SIZE = 256;

const ThumbnailQuery = schema.KeyQuery.extend({
  size: z
    .enum(THUMBNAIL_SIZES.map(String) as [string, ...string[]])
    .optional()
    .meta({ description: `Pixels of the longer side; ${SIZE} by default.` }),
  v: schema.etag.optional().meta({ description: "The file's ETag: the answer may then be kept for good." }),
});

export const thumbnailRoutes = [
  route({
    method: 'get',
    path: '/thumbnails/{bucket}/{key}',
    operation: 'GetThumbnail',
    actions: ['read'],
    summary: 'A small picture of an image, as WebP.',
    query: ThumbnailQuery,
    headers: { 'If-None-Match': 'RFC 9110' },
    answers: { 200: { description: 'The picture.', schema: 'bytes' } },
    async handle(x, { query }) {
      const { thumbnails, namespace } = x.deps;
      if (thumbnails === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
      const { at, folder } = await locate(x, '/thumbnails/', query.key);
      if (folder) throw noThumbnail();
      const size = Number(query.size ?? SIZE) as ThumbnailSize; // the schema lets no other through
      const read = await namespace.get(x.who, at);
      const etag = thumbnails.etag(read, size);
      if (etag === null) throw noThumbnail();
      const headers = {
        ETag: `"${etag}"`,
        'Cache-Control': query.v === read.info.etag ? 'private, max-age=31536000, immutable' : 'private, no-cache',
        'X-Content-Type-Options': 'nosniff',
        'Cross-Origin-Resource-Policy': 'same-origin',
      };
      const known = x.req.headers['if-none-match'];
      if (typeof known === 'string' && parseEtags(known).includes(etag)) {
        x.res.writeHead(304, headers).end();
        return;
      }
      const picture = await thumbnails.get(read, size, x.cx.signal);
      if (picture === null) throw noThumbnail();
      x.res.writeHead(200, { ...headers, 'Content-Type': 'image/webp', 'Content-Length': picture.length }).end(picture);
    },
  }),
];

function noThumbnail(): RestError {
  return new RestError('no_thumbnail', 'This is no image that can be made small.');
}
