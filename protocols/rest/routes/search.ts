import { CloudStoreError } from '#core/errors';
import { sendJson } from '../answer.ts';
import { locateKey } from '../place.ts';
import { entryJson } from '../represent.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/search.ts';

const LIMIT = 50;

export const searchRoutes = [
  route({
    method: 'get',
    path: '/search',
    operation: 'Search',
    actions: ['read', 'list'],
    summary: 'Files and folders by name, in everything that the caller may read.',
    query: schema.SearchQuery,
    answers: { 200: { description: 'A page.', schema: schema.SearchPage } },
    async handle(x, { query }) {
      const { search } = x.deps;
      if (search === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
      const { q: text, bucket: name, prefix, kind, cursor, limit = LIMIT } = query;
      if (prefix !== undefined && prefix !== '' && (name === undefined || !prefix.endsWith('/'))) {
        throw new CloudStoreError('invalid_argument', 'A prefix is a folder of a bucket, and ends in a slash.');
      }
      const place = name === undefined ? null : await locateKey(x, name, prefix ?? '');
      const page = await search.find(x.who, {
        text,
        limit,
        ...(place === null ? {} : { bucket: place.bucket, prefix: place.at.key }),
        ...(kind === undefined ? {} : { kind }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      const entries = await Promise.all(
        page.entries.map(async ({ bucket, entry }) => entryJson(await x.deps.buckets.nameFor(x.who, bucket), entry)),
      );
      sendJson(x.res, 200, { entries, next: page.next, complete: page.complete });
    },
  }),
];
