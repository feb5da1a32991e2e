import type { OpenLink } from '#contracts/links';
import { nameOf } from '#core/address';
import { type CloudStoreError, isCloudStoreError } from '#core/errors';
import { allowBody, contentLength, requestBytes } from '#http/body';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { CONTENT_TYPE_DEFAULT } from '../file-headers.ts';
import { decodeCursor, encodeCursor, sendFile } from '../file-read.ts';
import { RestError } from '../problems.ts';
import { publicEntry } from '../public-entry.ts';
import { isoTime } from '../represent.ts';
import { parseTime } from '../request-values.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';
import * as links from '../schemas/links.ts';
import { pathWithin, setTicket, ticketsOf, tokenOf } from '../visit.ts';
import { sendZip } from '../zip.ts';

const WHY = 'The token in the path is what may.';
const TICKET_HEADERS = { 'X-Link-Ticket': 'What unlocking gave, where cookies are not kept' };

/** What a stranger with a link may do. No account, and no cookie of one. */
export const publicRoutes = [
  route({
    method: 'get',
    path: '/public/{token}',
    operation: 'GetPublicLink',
    actions: { none: WHY },
    summary: 'What a share link is to.',
    open: true,
    headers: TICKET_HEADERS,
    answers: { 200: { description: 'The link as its visitors see it.', schema: links.PublicLink } },
    handle: (x) =>
      visit(x, async (open) => {
        const { link } = open;
        const { folder } = open;
        const left = (max: number | null, used: number): number | null => (max === null ? null : Math.max(0, max - used));
        const file = folder ? undefined : publicEntry(open, await x.deps.namespace.stat(open.who, link.at));
        sendJson(x.res, 200, {
          kind: folder ? 'folder' : 'file',
          mode: link.mode,
          name: link.label ?? nameOf(link.at.key),
          expires: link.expires === null ? null : isoTime(link.expires),
          downloadsLeft: left(link.downloadsMax, link.downloads),
          bytesLeft: left(link.bytesMax, link.bytes),
          filesLeft: left(link.filesMax, link.files),
          ...(file === undefined ? {} : { file }),
        });
      }),
  }),
  route({
    method: 'post',
    path: '/public/{token}/unlock',
    operation: 'UnlockPublicLink',
    actions: { none: WHY },
    summary: "Exchanges the link's password for a ticket, which is also set as a cookie of this link's paths only.",
    open: true,
    body: links.Unlock,
    answers: { 200: { description: 'The ticket.', schema: links.UnlockedLink } },
    handle: (x, { body }) =>
      translated(async () => {
        const ticket = await x.deps.links.unlock(tokenOf(x), body.password, visitOf(x));
        setTicket(x, 'unlocked', ticket);
        sendJson(x.res, 200, { ticket: ticket.value, expires: isoTime(ticket.expires) });
      }),
  }),
  route({
    method: 'get',
    path: '/public/{token}/list/{key}',
    operation: 'ListPublicFolder',
    actions: { none: WHY },
    summary: 'One level of a shared folder.',
    open: true,
    query: schema.FileQuery.pick({ cursor: true, limit: true }),
    headers: TICKET_HEADERS,
    answers: { 200: { description: 'In byte order of names.', schema: links.PublicListing } },
    handle: (x, { query }) =>
      visit(x, async (open) => {
        if (!open.folder) throw new RestError('link_refuses', 'This link is to one file.');
        const path = pathWithin(x, 'list');
        const prefix = open.keyOf(path === '' || path.endsWith('/') ? path : `${path}/`);
        const page = await x.deps.namespace.list(open.who, {
          bucket: open.link.at.bucket,
          prefix,
          delimiter: '/',
          after: query.cursor === undefined ? '' : prefix + decodeCursor(query.cursor),
          limit: query.limit ?? schema.LIMIT_MAX,
          directories: true,
        });
        const entries = page.entries.filter((entry) => entry.kind === 'prefix' || entry.info.key !== prefix);
        sendJson(x.res, 200, {
          entries: entries.map((entry) =>
            entry.kind === 'object'
              ? publicEntry(open, entry.info)
              : { kind: 'folder', path: open.pathOf(entry.prefix), name: nameOf(entry.prefix) },
          ),
          next: page.next === null ? null : encodeCursor(page.next.slice(prefix.length)),
        });
      }),
  }),
  ...(['get', 'head'] as const).map((method) =>
    route({
      method,
      path: '/public/{token}/files/{key}',
      operation: method === 'get' ? 'GetPublicFile' : 'HeadPublicFile',
      actions: { none: WHY },
      summary:
        'The bytes of a shared file; of a link to a file the path is empty. Counts as a download once for each visitor and version.',
      open: true,
      query: schema.FileQuery.pick({ download: true }),
      headers: { ...TICKET_HEADERS, Range: 'RFC 9110' },
      answers: {
        200: { description: "The file's bytes.", schema: 'bytes' },
        206: { description: 'The ranges asked for.', schema: 'bytes' },
      },
      handle: (x, { query }) =>
        visit(x, async (open) => {
          const save = query.download ?? false;
          if (save && open.link.mode === 'view')
            throw new RestError('link_refuses', 'This link is for looking at, not for saving.');
          const at = { bucket: open.link.at.bucket, key: open.keyOf(pathWithin(x, 'files')) };
          const read = await x.deps.namespace.get(open.who, at);
          if (method === 'get') {
            const ticket = await open.download(read.info);
            if (ticket !== null) setTicket(x, `counted-${read.info.versionId}`, ticket);
          }
          await sendFile(x, read, save, open.signal);
        }),
    }),
  ),
  route({
    method: 'get',
    path: '/public/{token}/zip',
    operation: 'GetPublicZip',
    actions: { none: WHY },
    summary: 'A shared folder with all below as one archive. Counts as one download.',
    open: true,
    headers: TICKET_HEADERS,
    answers: { 200: { description: 'The archive.', schema: 'bytes' } },
    handle: (x) =>
      visit(x, async (open) => {
        const { at, mode, label } = open.link;
        if (mode !== 'download' || !open.folder) throw new RestError('link_refuses', 'This link is to no folder to download.');
        const bucket = await x.deps.buckets.get(open.who, at.bucket);
        const ticket = await open.download({ key: at.key, versionId: 'zip' });
        if (ticket !== null) setTicket(x, 'counted-zip', ticket);
        // The name of a whole bucket is not the visitor's to know.
        const name = label ?? (nameOf(at.key) || 'files');
        const asked = [{ bucket: bucket.name, key: at.key }];
        await sendZip({ ...x, who: open.who }, asked, { ended: open.signal, name });
      }),
  }),
  route({
    method: 'put',
    path: '/public/{token}/files/{key}',
    operation: 'DropPublicFile',
    actions: { none: WHY },
    summary: 'Puts a new file into a drop folder. What is there is never replaced: another name is found, and told.',
    open: true,
    query: schema.PutQuery.pick({ mtime: true }),
    upload: true,
    headers: TICKET_HEADERS,
    answers: { 201: { description: 'Stored.', schema: links.Dropped } },
    handle: (x, { query }) =>
      visit(x, async (open) => {
        const size = contentLength(x.req);
        const body = async function* () {
          allowBody(x.req, x.res);
          yield* requestBytes(x.req);
        };
        const { info } = await open.drop(pathWithin(x, 'files'), body(), {
          ...(size === undefined ? {} : { size }),
          ...(query.mtime === undefined ? {} : { mtime: parseTime(query.mtime) }),
          attributes: { contentType: x.req.headers['content-type'] ?? CONTENT_TYPE_DEFAULT },
          signal: AbortSignal.any([x.cx.signal, open.signal]),
        });
        sendJson(x.res, 201, { name: nameOf(info.key), size: info.size });
      }),
  }),
];

function visitOf(x: Exchange) {
  return { protocol: 'rest' as const, requestId: x.cx.requestId, context: x.cx, tickets: ticketsOf(x) };
}

async function visit(x: Exchange, work: (open: OpenLink) => Promise<void>): Promise<void> {
  await translated(async () => {
    const open = await x.deps.links.open(tokenOf(x), visitOf(x));
    // Whoever the maker is: with that account the visit ends.
    const { id, name, role } = open.who.principal!;
    x.cx.principal = { id, name, role };
    x.cx.user = `link ${open.link.id}`;
    try {
      await work(open);
    } finally {
      open.close();
    }
  });
}

/** What is wrong with the link, in words of its own: a page tells them apart. Rights that its maker lost look like a link that is gone. */
async function translated(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isCloudStoreError(error)) throw error;
    throw told(error) ?? error;
  }
}

function told({ code, message, details }: CloudStoreError): RestError | null {
  if (details.link === 'password') return new RestError('link_password', message);
  if (details.link === 'expired') return new RestError('link_expired', message);
  if (details.link === 'used up') return new RestError('link_used_up', message);
  if (details.link === 'elsewhere') return new RestError('link_refuses', message);
  if (code === 'access_denied') return new RestError('link_refuses', 'This link does not let you do this.');
  if (code === 'bucket_not_found') return new RestError('link_refuses', 'What this link was to is not there any more.');
  return null;
}
