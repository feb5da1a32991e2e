import type { OpenLink } from '#contracts/links';
import { nameOf } from '#core/address';
import { CloudStoreError } from '#core/errors';
import { sendJson, sendNothing } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { parseTime } from '../request-values.ts';
import { declaredLength, parseMetadata } from './headers.ts';
import {
  announce,
  appendTo,
  attributesOf,
  beginTus,
  type Ending,
  offsetOf,
  promisesSum,
  sendCreated,
  uploadsOf,
} from './uploads.ts';

/** tus for strangers: what comes into a drop folder in pieces. Nobody but who has the link and the upload's address goes on with it. */
export async function beginDrop(x: Exchange, open: OpenLink, root: string): Promise<void> {
  beginTus(x);
  const metadata = String(x.req.headers['upload-metadata'] ?? '');
  const fields = parseMetadata(metadata);
  const name = fields.key ?? fields.filename;
  const length = declaredLength(x.req.headers);
  if (name === undefined || length === null)
    throw new CloudStoreError(
      'invalid_argument',
      'An upload into a folder of a link says its name, as key in Upload-Metadata, and its length.',
    );
  const upload = await open.drops.begin(name, {
    length,
    metadata,
    attributes: attributesOf(fields),
    summed: promisesSum(fields),
    ...(fields.mtime === undefined ? {} : { mtime: parseTime(fields.mtime) }),
  });
  await announce(x, upload);
  sendCreated(x, upload, null, root);
}

export async function dropOffset(x: Exchange, open: OpenLink, id: string): Promise<void> {
  beginTus(x);
  await open.drops.find(id);
  await uploadsOf(x).settle(id);
  await offsetOf(x, await open.drops.find(id), endingOf(x, open));
}

export async function appendDrop(x: Exchange, open: OpenLink, id: string): Promise<void> {
  beginTus(x);
  await appendTo(x, await open.drops.find(id), endingOf(x, open));
}

/** What became of it: of the file just the name that was free. */
export async function sendDrop(x: Exchange, open: OpenLink, id: string): Promise<void> {
  const upload = await open.drops.find(id);
  const made = await uploadsOf(x).made(x.who, upload);
  sendJson(x.res, 200, {
    id: upload.id,
    offset: upload.received,
    length: upload.length ?? 0,
    digest: uploadsOf(x).announced(upload),
    entry: made === null ? null : { name: nameOf(made.key), size: made.size },
  });
}

export async function removeDrop(x: Exchange, open: OpenLink, id: string): Promise<void> {
  beginTus(x);
  await open.drops.remove(id);
  sendNothing(x.res);
}

function endingOf(x: Exchange, open: OpenLink): Ending {
  return {
    signal: AbortSignal.any([x.cx.signal, open.signal]),
    finish: async ({ id }) => (await open.drops.finish(id)).info,
  };
}
