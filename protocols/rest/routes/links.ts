import type { z } from 'zod';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Link, LinkTerms } from '#core/link';
import { sendJson, sendNothing } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { partOf } from '../pages.ts';
import { locateKey } from '../place.ts';
import { isoTime } from '../represent.ts';
import { parseTime } from '../request-values.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/links.ts';

const ONE = '/links/{link}';

/** Share links, as their makers see them. */
export const linkRoutes = [
  route({
    method: 'get',
    path: '/links',
    operation: 'ListLinks',
    actions: ['share'],
    summary: "The caller's share links; with a place, all at and below it that the caller may manage.",
    query: schema.LinkQuery,
    answers: { 200: { description: 'By age.', schema: schema.LinkList } },
    async handle(x, { query }) {
      if (query.bucket === undefined && query.key !== undefined)
        throw new CloudStoreError('invalid_argument', 'A key needs its bucket.');
      const place = query.bucket === undefined ? null : (await locateKey(x, query.bucket, query.key ?? '')).at;
      const { links } = x.deps;
      const found = await links.list(x.who, ...(place === null ? [] : [{ bucket: place.bucket, prefix: place.key }]));
      const { page, next } = partOf(found, ({ id }) => [id], query);
      sendJson(x.res, 200, { items: await Promise.all(page.map((link) => linkJson(x, link))), next });
    },
  }),
  route({
    method: 'post',
    path: '/links',
    operation: 'CreateLink',
    actions: ['share'],
    summary: 'Shares a file or folder with whoever has the link.',
    body: schema.NewLink,
    answers: { 201: { description: 'The link with its token.', schema: schema.Link } },
    async handle(x, { body: { bucket, key, password, ...terms } }) {
      const { at } = await locateKey(x, bucket, key);
      const made = await x.deps.links.create(x.who, at, { ...termsOf(terms), ...(password === undefined ? {} : { password }) });
      sendJson(x.res, 201, { ...(await linkJson(x, made.link, bucket)), token: made.token });
    },
  }),
  route({
    method: 'get',
    path: ONE,
    operation: 'GetLink',
    state: { without: ['token', 'downloads', 'bytes', 'files', 'lastUsed'] },
    actions: ['share'],
    summary: 'One link; its maker is told its token again.',
    answers: { 200: { description: 'The link.', schema: schema.Link } },
    async handle(x) {
      const link = await x.deps.links.get(x.who, idOf(x));
      const token = link.maker === x.who.principal?.id ? { token: await x.deps.links.token(x.who, link.id) } : {};
      sendJson(x.res, 200, { ...(await linkJson(x, link)), ...token });
    },
  }),
  route({
    method: 'patch',
    path: ONE,
    operation: 'UpdateLink',
    changes: 'GetLink',
    actions: ['share'],
    summary: 'Changes the terms of a link, at once for who is in. A password of null takes it away.',
    body: schema.LinkPatch,
    answers: { 200: { description: 'The link.', schema: schema.Link } },
    async handle(x, { body: { password, ...terms } }) {
      const patch = { ...termsOf(terms), ...(password === undefined ? {} : { password }) };
      sendJson(x.res, 200, await linkJson(x, await x.deps.links.update(x.who, idOf(x), patch)));
    },
  }),
  route({
    method: 'delete',
    path: ONE,
    operation: 'RemoveLink',
    changes: 'GetLink',
    actions: ['share'],
    summary: 'Takes a link back; what is being downloaded through it ends.',
    answers: { 204: { description: 'Gone.' } },
    async handle(x) {
      await x.deps.links.remove(x.who, idOf(x));
      sendNothing(x.res);
    },
  }),
];

/** @throws not_found */
function idOf({ path }: Exchange): number {
  const id = Number(/^\/links\/(\d{1,9})$/.exec(path)?.[1]);
  if (!Number.isSafeInteger(id)) throw new CloudStoreError('not_found', 'No such link.');
  return id;
}

type TermsJson = Omit<z.output<typeof schema.LinkPatch>, 'password'>;

function termsOf({ expires, ...terms }: TermsJson): Partial<LinkTerms> {
  const given = Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined)) as Partial<LinkTerms>;
  return expires === undefined ? given : { ...given, expires: expires === null ? null : parseTime(expires) };
}

/** A bucket that the link's maker cannot see any more has no name for it: it is told by its number, as in scopes. */
async function bucketOf({ deps, who }: Exchange, id: number): Promise<string> {
  try {
    return await deps.buckets.nameFor(who, await deps.buckets.get(who, id));
  } catch (error) {
    if (isCloudStoreError(error, 'bucket_not_found')) return `#${id}`;
    throw error;
  }
}

async function linkJson(x: Exchange, link: Link, bucket?: string): Promise<z.infer<typeof schema.Link>> {
  const { at, expires, networks, created, lastUsed, ...rest } = link;
  const name = bucket ?? (await bucketOf(x, at.bucket));
  const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));
  const from = networks === null ? null : [...networks];
  return {
    ...rest,
    networks: from,
    bucket: name,
    key: at.key,
    expires: time(expires),
    created: isoTime(created),
    lastUsed: time(lastUsed),
  };
}
