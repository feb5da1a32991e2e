import type { Part, Upload } from '#contracts/upload-store';
import type { Address } from '#core/address';
import { nameOf } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { allowBody, contentLength, requestBytes } from '#http/body';
import { answer, readXml } from '../answer.ts';
import { checksumsOf, parseOcChecksum } from '../digests.ts';
import { DavError } from '../errors.ts';
import { type Exchange, locateBelowRoot } from '../exchange.ts';
import { lockedAt } from '../locked-at.ts';
import { attributesOf, clientTime } from '../methods/put.ts';
import { openMultistatus } from '../multistatus.ts';
import { ownCloudHeaders } from '../owncloud.ts';
import { encodeSegment } from '../paths.ts';
import { readPreconditions } from '../preconditions.ts';
import { parseDestination, parseOverwrite, single } from '../request-headers.ts';
import { findEntry } from '../resource.ts';
import type { NextcloudDeps } from './deps.ts';

/** `/remote.php/dav/uploads/USER/ID[/NAME]`, taken apart. */
export interface UploadPath {
  id: string;
  /** null: the upload itself. */
  name: string | null;
}

/** What is not an upload of a multipart door is kept under keys of this name, which no client of a drive types. */
const KEY_PREFIX = '.nextcloud-uploads/';
const ASSEMBLED = '.file';
const PARTS_MAX = 10_000;
const PART_NUMBER_MAX = 2_147_483_647;
/** Numbers from here on are of parts that are named by their bytes; their clients send more than a step at a time. */
const BY_BYTES = 1_073_741_824;
const STEP_BYTES = 65_536;
const ID = /^[\w.-]{1,200}$/;

/**
 * Uploads in parts, version 2 and the one before: MKCOL makes one, PUT sends a part (in any order, again if need be), PROPFIND tells what is there, MOVE
 * of `.file` makes the file. Underneath they are the uploads that S3 has, so they outlive restarts, and expire like those.
 */
export async function serveUpload(x: Exchange, deps: NextcloudDeps, home: Bucket, path: UploadPath): Promise<void> {
  if (!ID.test(path.id)) throw new CloudStoreError('invalid_argument', 'This is no name for an upload.');
  const { method } = x.req;
  if (path.name === null) {
    if (method === 'MKCOL') return begin(x, deps, home, path.id);
    const { upload, at } = await find(x, deps, home, path.id);
    if (method === 'PROPFIND') return list(x, deps, at, upload, path.id);
    if (method !== 'DELETE') throw notAllowed('MKCOL, PROPFIND, DELETE');
    await deps.uploads.abort(x.who, at, upload.id);
    return answer(x.res, 204);
  }
  const { upload, at } = await find(x, deps, home, path.id);
  if (path.name === ASSEMBLED && method === 'MOVE') return assemble(x, deps, at, upload);
  if (path.name === ASSEMBLED || method !== 'PUT') throw notAllowed(path.name === ASSEMBLED ? 'MOVE' : 'PUT');
  await putPart(x, deps, at, upload, path.name);
}

function keyOf(id: string): string {
  return KEY_PREFIX + id;
}

async function begin(x: Exchange, deps: NextcloudDeps, home: Bucket, id: string): Promise<void> {
  if ((await findUpload(x, deps, home, id)) !== null)
    throw new DavError(405, 'The upload exists.', { condition: 'resource-must-be-null' });
  await deps.uploads.begin(x.who, { bucket: home.id, key: keyOf(id) }, { attributes: {} });
  answer(x.res, 201);
}

async function findUpload(x: Exchange, { uploads }: NextcloudDeps, home: Bucket, id: string): Promise<Upload | null> {
  const key = keyOf(id);
  const [found] = await uploads.list(x.who, home.id, key, null, 1);
  return found?.key === key ? found : null;
}

async function find(x: Exchange, deps: NextcloudDeps, home: Bucket, id: string): Promise<{ upload: Upload; at: Address }> {
  const upload = await findUpload(x, deps, home, id);
  if (upload === null) throw new CloudStoreError('upload_not_found', 'There is no such upload.');
  return { upload, at: { bucket: upload.bucket, key: upload.key } };
}

async function putPart(x: Exchange, deps: NextcloudDeps, at: Address, upload: Upload, name: string): Promise<void> {
  const number = numberOf(name);
  const size = contentLength(x.req);
  const own = parseOcChecksum(x.req.headers);
  allowBody(x.req, x.res);
  await deps.uploads.writePart(x.who, at, upload.id, number, requestBytes(x.req), {
    ...(size === undefined ? {} : { size }),
    ...(own === null ? {} : { expect: { [own.name]: own.value } }),
    numberMax: PART_NUMBER_MAX,
    signal: x.cx.signal,
  });
  answer(x.res, 201);
}

/**
 * A part's name is its number, or the first and last byte of it; either way parts go in the order of these. Which of the two it was can be told from the
 * number, and where the part begins, nearly.
 * @throws invalid_argument
 */
function numberOf(name: string): number {
  const first = /^(\d{1,16})-\d{1,16}$/.exec(name)?.[1];
  const number =
    first === undefined
      ? /^\d{1,16}$/.test(name)
        ? Number(name) + 1
        : Number.NaN
      : BY_BYTES + Math.floor(Number(first) / STEP_BYTES);
  if (number < (first === undefined ? BY_BYTES : PART_NUMBER_MAX)) return number;
  throw new CloudStoreError('invalid_argument', 'A part is named by its number, or by its first and last byte.');
}

/** Clients that go on with an upload ask which bytes are there. Parts show under names of the kind that the client gave them. */
async function list(x: Exchange, deps: NextcloudDeps, at: Address, upload: Upload, id: string): Promise<void> {
  await readXml(x);
  const { parts } = await deps.uploads.parts(x.who, at, upload.id, 0, PARTS_MAX);
  const base = `/remote.php/dav/uploads/${encodeSegment(x.who.principal.name)}/${encodeSegment(id)}/`;
  const out = openMultistatus(x);
  await out.add(responseOf(base, '<d:resourcetype><d:collection/></d:resourcetype>'));
  for (const { name, size } of namedParts(parts)) {
    await out.add(responseOf(base + name, `<d:resourcetype/><d:getcontentlength>${size}</d:getcontentlength>`));
  }
  await out.end();
}

/** Of parts named by bytes those at the beginning without a gap: where one behind a gap begins is not known to the byte, so it is sent again. */
function namedParts(parts: readonly Part[]): { name: string; size: number }[] {
  const named: { name: string; size: number }[] = [];
  let offset = 0;
  for (const { number, size } of parts) {
    if (number < BY_BYTES) named.push({ name: String(number - 1).padStart(5, '0'), size });
    else if (number !== BY_BYTES + Math.floor(offset / STEP_BYTES)) break;
    else named.push({ name: `${digits(offset)}-${digits(offset + size - 1)}`, size });
    offset += size;
  }
  return named;
}

/** Not every client tells how long the whole is. @throws invalid_argument for more parts than a file takes, and for a hole between them */
function assertWhole(parts: readonly Part[]): void {
  if (parts.length > PARTS_MAX) throw new CloudStoreError('invalid_argument', `A file is made of ${PARTS_MAX} parts at most.`);
  if (namedParts(parts).length < parts.length)
    throw new CloudStoreError('invalid_argument', 'The parts do not follow one another: one is missing, or two overlap.');
}

function digits(n: number): string {
  return String(n).padStart(16, '0');
}

function responseOf(href: string, inside: string): string {
  return `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${inside}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>\n`;
}

/** The file is made at once or not at all; what is wrong leaves the parts where they are, to be tried again. */
async function assemble(x: Exchange, deps: NextcloudDeps, at: Address, upload: Upload): Promise<void> {
  const { headers } = x.req;
  const target = parseDestination(headers, x.mount, x.deps.publicHosts);
  if (target.kind !== 'place' || target.root || target.folder) throw new DavError(409, 'The destination is no file.');
  const located = await locateBelowRoot(x, target);
  const { lockTokens, conditions } = await readPreconditions(x, located);
  const { parts } = await deps.uploads.parts(x.who, at, upload.id, 0, PARTS_MAX + 1);
  assertWhole(parts);
  const total = single(headers['oc-total-length']);
  const mtime = clientTime(headers);
  const own = parseOcChecksum(headers);
  const { key } = located.place;
  if ((await findEntry(x, located))?.kind === 'directory') throw new CloudStoreError('is_a_directory', 'A folder has this name.');
  try {
    const { info, created } = await deps.uploads.complete(
      x.who,
      at,
      upload.id,
      parts.map(({ number, etag }) => ({ number, etag })),
      {
        target: key,
        conditions: parseOverwrite(headers) ? conditions : { ...conditions, ifNoneMatch: '*' },
        lockTokens,
        requireParent: true,
        partBytesMin: 0,
        attributes: { ...attributesOf({}, nameOf(key)), ...checksumsOf(headers) },
        ...(total !== undefined && /^\d{1,15}$/.test(total) ? { size: Number(total) } : {}),
        ...(mtime === undefined ? {} : { mtime }),
        ...(own === null ? {} : { expect: { [own.name]: own.value } }),
      },
    );
    answer(x.res, created ? 201 : 204, {
      ...ownCloudHeaders(x, info),
      ...(mtime === undefined ? {} : { 'X-OC-Mtime': 'accepted' }),
    });
  } catch (error) {
    // A part is missing, or was lost on the way: the client starts over, as it does for no other answer.
    if (isCloudStoreError(error, 'invalid_part')) throw new CloudStoreError('invalid_argument', error.message);
    throw isCloudStoreError(error, 'locked') ? lockedAt(x, [located], error) : error;
  }
}

function notAllowed(methods: string): DavError {
  return new DavError(405, 'An upload does not know this method.', { headers: { Allow: methods } });
}
