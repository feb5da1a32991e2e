import type { Client, Entry, Upload } from '../../../clients/typescript/index.ts';
import { senderOf } from '../../../clients/typescript/sender.ts';
import { api, type Place, placePath } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { client } from '../api/session.ts';
import { hexOf } from '../drive/checksum.tsx';
import { typeOfName } from '../drive/kinds.ts';
import { forgetUpload, rememberedUpload, rememberUpload } from './remembered.ts';
import { sums } from './sum.ts';

export interface Sent {
  /** SHA-256 in hex, of what was read here and of what the gateway has stored. */
  sha256: string;
  /** Where it was to go; in a drop folder, the name that was free. */
  name: string;
}

export interface Sending {
  /** In a drop folder: as `folderOfLink` calls it, and the name. */
  place: Place;
  /** Into the drop folder of this link, as nobody. */
  drop?: { client: Client; link: string };
  file: File;
  overwrite: boolean;
  signal: AbortSignal;
  onProgress: (sentBytes: number) => void;
  /** The gateway has made it, and it was called off by then. */
  onLate?: () => void;
  /** All is sent, and so much of it was added up: the gateway waits for the sum. */
  onChecked?: (bytes: number) => void;
}

/** Up to this size a file goes with its sum, in one request; larger ones are gone on with where they break off. */
const WHOLE_BYTES_MAX = 8 * 1024 * 1024;
/** From here on a question whether it is there already costs less than sending it to be refused. */
const ASKED_BYTES_MIN = 256 * 1024;
const RETRIES = 1_000;

/**
 * One file. Whatever breaks, what is there already is not sent again, also not after the tab, the browser or the gateway has
 * died: then the same file, chosen again, goes on.
 * @throws ApiError (precondition_failed: the name is taken), AbortError
 */
export function send(sending: Sending): Promise<Sent> {
  return goesOn(sending.file) ? sendResumably(sending) : sendWhole(sending);
}

/** Whether what breaks off goes on where it was; else it is sent anew. */
export function goesOn(file: File): boolean {
  return file.size > WHOLE_BYTES_MAX;
}

/** With its own SHA-256, so that the gateway refuses any other bytes. */
async function sendWhole(sending: Sending): Promise<Sent> {
  const { drop, file, overwrite, signal } = sending;
  const digest = await digestOf(file);
  signal.throwIfAborted();
  const sent = { sha256: hexOf(digest), name: file.name };
  if (drop !== undefined || overwrite) return { ...sent, ...(await put(sending, digest)) };
  if (file.size >= ASKED_BYTES_MIN && (await isThere(sending, digest))) return sent;
  try {
    await put(sending, digest);
  } catch (error) {
    if (!isApiError(error, 'precondition_failed') || !(await isThere(sending, digest))) throw error;
  }
  return sent;
}

/** These very bytes of this very time: they were sent before a tab died, or the answer to them was lost. */
async function isThere({ place, file }: Sending, digest: string): Promise<boolean> {
  try {
    const there = await api.stat(place);
    if (there.kind !== 'file' || there.size !== file.size || Date.parse(there.mtime) !== file.lastModified) return false;
    return there.checksum?.algorithm === 'sha256' && there.checksum.value === digest;
  } catch (error) {
    // Who may only add is not told.
    if (isApiError(error, 'not_found', 'access_denied')) return false;
    throw error;
  }
}

async function put({ place, drop, file, overwrite, signal, onProgress }: Sending, digest: string): Promise<Partial<Sent>> {
  const { path, query } = placePath('/files', place);
  const into = query.key === undefined ? path : `${path}?key=${encodeURIComponent(query.key)}`;
  const answer = await senderOf(drop?.client ?? client).send({
    method: 'PUT',
    path: drop === undefined ? into : `/public/${drop.link}/files/${segments(place.key)}?mtime=${file.lastModified}`,
    headers: {
      'Content-Type': file.type || typeOfName(file.name),
      'X-Mtime': String(file.lastModified),
      ...(overwrite || drop !== undefined ? {} : { 'If-None-Match': '*' }),
      'Repr-Digest': `sha-256=:${digest}:`,
    },
    body: file,
    signal,
    onSent: onProgress,
  });
  return drop === undefined ? {} : ((await (answer as Response).json()) as { name: string });
}

function segments(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}

/** Added up while it is sent; the gateway makes no file before it has the sum, and none where what it has stored adds up to something else. */
async function sendResumably(sending: Sending): Promise<Sent> {
  const { place, drop, file, overwrite, signal, onProgress, onChecked } = sending;
  const resume = rememberedUpload(place, file);
  const upload = (from: string | null): Upload =>
    (drop?.client ?? client).upload({
      ...place,
      ...(drop === undefined ? {} : { link: drop.link }),
      source: file,
      contentType: file.type || typeOfName(file.name),
      ...(overwrite || drop !== undefined ? {} : { ifNoneMatch: '*' }),
      ...(from === null ? {} : { resume: from }),
      retries: RETRIES,
      signal,
      reading: sums.reading,
      onProgress: ({ sent }) => onProgress(sent),
      ...(onChecked === undefined ? {} : { onChecked }),
      onCreated: (id) => {
        rememberUpload(place, file, id, signal.aborted);
        if (signal.aborted) sending.onLate?.();
      },
    });
  let entry: Entry;
  try {
    entry = await upload(resume).done;
  } catch (error) {
    // Of what was begun nothing is to be gone on with.
    if (isApiError(error, 'upload_checksum_mismatch')) forgetUpload(place, file);
    if (signal.aborted || resume === null) throw error;
    const ended = drop === undefined && hasStatus(error, 409, 412) ? await end(resume, sending) : null;
    // What was begun may have run out on the gateway, or have become a file meanwhile.
    if (ended === null && !hasStatus(error, 404, 409, 410)) throw error;
    if (ended === null) forgetUpload(place, file);
    entry = ended ?? (await upload(null).done);
  }
  forgetUpload(place, file);
  return { sha256: hexOf(entry.kind === 'file' ? (entry.checksum?.value ?? '') : ''), name: entry.name };
}

/**
 * Of an upload whose bytes are all there, and whose name was taken: under the name that it is to have by now, or over what is there. None of it is sent again.
 * null: bytes are missing, or they are another file's.
 */
async function end(id: string, { place: { key }, overwrite, signal }: Sending): Promise<Entry | null> {
  try {
    return await client.call('FinishUpload', { path: { id }, body: { key, overwrite }, signal });
  } catch (error) {
    if (isApiError(error, 'conflict', 'not_found', 'upload_not_found')) return null;
    throw error;
  }
}

/** An answer to HEAD has no code. */
function hasStatus(error: unknown, ...statuses: number[]): boolean {
  return isApiError(error) && statuses.includes(error.status);
}

async function digestOf(file: File): Promise<string> {
  return btoa(String.fromCharCode(...new Uint8Array(await sums.sha256(await file.arrayBuffer()))));
}
