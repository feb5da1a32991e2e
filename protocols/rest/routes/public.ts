import type { OpenLink } from '#contracts/links';
import { nameOf } from '#core/address';
import { type CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import { contentLength, requestBytes } from '#http/body';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { CONTENT_TYPE_DEFAULT } from '../file-headers.ts';
import { decodeCursor, encodeCursor, sendFile } from '../file-read.ts';
import { RestError } from '../problems.ts';
import { publicEntry } from '../public-entry.ts';
import { isoTime } from '../represent.ts';
import { declaredDigests, parseTime } from '../request-values.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';
import * as links from '../schemas/links.ts';
import { appendDrop, beginDrop, dropOffset, removeDrop, sendDrop } from '../tus/drops.ts';
import { pathWithin, setCounted, setTicket, ticketsOf, tokenOf } from '../visit.ts';
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
          const begins = (): Promise<void> => count(x, open, read.info);
          await sendFile(x, read, save, { ended: open.signal, begins });
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
        const { downloads, downloadsMax } = open.link;
        const begins = (): Promise<void> => count(x, open, { key: at.key, versionId: 'zip' });
        // Who has none left is refused before a large folder is looked through.
        const usedUp = downloadsMax !== null && downloads >= downloadsMax;
        if (usedUp) await begins();
        // The name of a whole bucket is not the visitor's to know.
        const name = label ?? (nameOf(at.key) || 'files');
        const asked = [{ bucket: await x.deps.buckets.nameFor(open.who, bucket), key: at.key }];
        await sendZip({ ...x, who: open.who }, asked, { ended: open.signal, name, ...(usedUp ? {} : { begins }) });
      }),
  }),
  route({
    method: 'put',
    path: '/public/{token}/files/{key}',
    operation: 'DropPublicFile',
    changes: { none: 'it overwrites nothing' },
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
        const { info } = await open.drop(pathWithin(x, 'files'), requestBytes(x.req, x.res), {
          ...(size === undefined ? {} : { size }),
          ...(query.mtime === undefined ? {} : { mtime: parseTime(query.mtime) }),
          attributes: { contentType: x.req.headers['content-type'] ?? CONTENT_TYPE_DEFAULT },
          expect: declaredDigests(x.req.headers),
          signal: AbortSignal.any([x.cx.signal, open.signal]),
        });
        sendJson(x.res, 201, { name: nameOf(info.key), size: info.size });
      }),
  }),
  route({
    method: 'post',
    path: '/public/{token}/uploads',
    operation: 'BeginDrop',
    actions: { none: WHY },
    summary: 'Begins a resumable upload (tus 1.0) into a drop folder. Room is taken for all of it.',
    open: true,
    upload: true,
    headers: {
      ...TICKET_HEADERS,
      'Tus-Resumable': 'Always 1.0.0.',
      'Upload-Length': 'Bytes of the file',
      'Upload-Metadata':
        'key, the name that is wanted, and where they are known filetype, mtime and digest, as for /uploads; values in base64',
    },
    answers: { 201: { description: 'Location names the upload.' } },
    handle: (x) =>
      visit(x, (open) => beginDrop({ ...x, who: open.who }, open, `/api/v1/public/${encodeURIComponent(tokenOf(x))}/uploads`)),
  }),
  route({
    method: 'head',
    path: '/public/{token}/uploads/{id}',
    operation: 'DropOffset',
    actions: { none: WHY },
    summary: 'How many bytes are there (tus 1.0).',
    open: true,
    headers: TICKET_HEADERS,
    answers: { 200: { description: 'As headers.' } },
    handle: (x) => visit(x, (open) => dropOffset({ ...x, who: open.who }, open, dropId(x))),
  }),
  route({
    method: 'get',
    path: '/public/{token}/uploads/{id}',
    operation: 'GetDrop',
    actions: { none: WHY },
    summary: 'The state of an upload into a drop folder, and the name of the file that it made.',
    open: true,
    headers: TICKET_HEADERS,
    answers: { 200: { description: 'The upload.', schema: links.DropState } },
    handle: (x) => visit(x, (open) => sendDrop({ ...x, who: open.who }, open, dropId(x))),
  }),
  route({
    method: 'patch',
    path: '/public/{token}/uploads/{id}',
    operation: 'AppendDrop',
    changes: { none: 'Upload-Offset is its condition' },
    actions: { none: WHY },
    summary: 'Sends bytes from an offset on (tus 1.0); the last ones make the file, under a name that is free then.',
    open: true,
    upload: true,
    headers: {
      ...TICKET_HEADERS,
      'Upload-Offset': 'Where the body begins',
      'Repr-Digest': 'As for /uploads',
    },
    answers: { 204: { description: 'Upload-Offset says how much is there.' } },
    handle: (x) => visit(x, (open) => appendDrop({ ...x, who: open.who }, open, dropId(x))),
  }),
  route({
    method: 'delete',
    path: '/public/{token}/uploads/{id}',
    operation: 'RemoveDrop',
    changes: { none: 'it ends what has no other state' },
    actions: { none: WHY },
    summary: 'Gives an upload into a drop folder up, and its room back (tus 1.0).',
    open: true,
    headers: TICKET_HEADERS,
    answers: { 204: { description: 'Removed.' } },
    handle: (x) => visit(x, (open) => removeDrop({ ...x, who: open.who }, open, dropId(x))),
  }),
];

/** Counts a download of what is about to be sent. @throws link_used_up */
async function count(x: Exchange, open: OpenLink, what: Pick<ObjectInfo, 'key' | 'versionId'>): Promise<void> {
  const ticket = await open.download(what);
  if (ticket !== null) setCounted(x, what.versionId, ticket);
}

/** The last segment of `/public/{token}/uploads/{id}`. */
function dropId({ path }: Exchange): string {
  return path.split('/').at(-1) ?? '';
}

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
