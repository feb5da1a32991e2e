import type { Entry, UploadState } from './api.ts';
import type { Client } from './client.ts';
import { ApiError } from './problem.ts';
import { createReading, type Sha256 } from './reading.ts';
import { type Sender, senderOf } from './sender.ts';

export interface UploadOptions {
  bucket: string;
  key: string;
  /** Into the drop folder of the share link of this token: `bucket` is nobody's to know, `key` the name that is wanted; of the file its name and size are told. */
  link?: string;
  /** The bytes: a File of a browser, or a Blob (in Node `fs.openAsBlob`, which reads as it is asked). */
  source: Blob;
  contentType?: string;
  /** Modification time; default that of the File. ms since the epoch. */
  mtime?: number;
  /** Only if the file has this ETag now. */
  ifMatch?: string;
  /** `*`: only if nothing is there. */
  ifNoneMatch?: '*';
  /** Goes on with an upload of before, also of another device or after a restart; only what is missing is sent. */
  resume?: string;
  /** Bytes sent at once. */
  pieceBytes?: number;
  /** How often to try again in a row, when the gateway cannot be reached. Default 10. */
  retries?: number;
  signal?: AbortSignal;
  /**
   * Adds the file up while it is sent, by this SHA-256 of a buffer; the gateway holds what it has stored against it, and refuses the end (`upload_checksum_mismatch`)
   * when they differ: then nothing is stored, else the file has its `checksum`. Of an upload that goes on, what was sent before is read too, and counts.
   */
  sha256?: Sha256;
  /** Bytes of an upload of before that were read for the digest, before sending goes on. */
  onChecked?(bytes: number): void;
  /** Bytes that have left this program; `stored` of them are durable. */
  onProgress?(progress: UploadProgress): void;
  /** The upload has a name on the gateway now, under which it can be gone on with. */
  onCreated?(id: string): void;
}

export interface UploadProgress {
  sent: number;
  stored: number;
  total: number;
}

export interface Upload {
  /** The file. @throws ApiError; what `signal` says. The upload stays on the gateway, to be gone on with. */
  readonly done: Promise<Entry>;
  /** null before it was created. */
  readonly id: string | null;
  /** Stops sending until `go`. */
  pause(): void;
  go(): void;
  /** Stops it, and removes what was sent from the gateway. */
  cancel(): Promise<void>;
}

const MIB = 1 << 20;
const PIECE_BYTES = 64 * MIB;
/** Where nothing tells how far a piece has come, smaller ones do. */
const UNSEEN_PIECE_BYTES = 16 * MIB;
/** The last request brings the sum of all bytes, its own too, so it has few: nothing else waits for them to be added. */
const LAST_PIECE_BYTES = 4 * MIB;
const WAIT_MS = 500;
const WAIT_MS_MAX = 30_000;
const TUS = { 'Tus-Resumable': '1.0.0' };

/** Sends a file piece by piece; whatever breaks, the gateway is asked how much it has, and only the rest is sent. */
export function startUpload(client: Client, options: UploadOptions): Upload {
  const { source } = options;
  const total = source.size;
  const stopped = new AbortController();
  const outer = options.signal;
  const signal = outer === undefined ? stopped.signal : AbortSignal.any([outer, stopped.signal]);
  const sender: Sender = senderOf(client);
  const root = options.link === undefined ? '/uploads' : `/public/${encodeURIComponent(options.link)}/uploads`;
  let id: string | null = options.resume ?? null;
  let stored = 0;
  let pausing: { promise: Promise<void>; end(): void } | null = null;
  let piece: AbortController | null = null;
  const reading = options.sha256 === undefined ? null : createReading(source, options.sha256, options.onChecked);

  const progress = (sent: number): void => options.onProgress?.({ sent: Math.min(sent, total), stored, total });

  async function run(): Promise<Entry> {
    const retries = options.retries ?? 10;
    let failures = 0;
    let known = false;
    for (;;) {
      signal.throwIfAborted();
      await pausing?.promise;
      try {
        if (id === null) await create();
        else if (!known) await ask();
        known = true;
        if (stored < total) await sendPiece();
        failures = 0;
        if (stored >= total && id !== null) return await finished(id);
      } catch (error) {
        signal.throwIfAborted();
        known = false;
        if (pausing !== null) continue;
        const again =
          error instanceof ApiError &&
          (error.passing || error.code === 'upload_offset_mismatch' || error.code === 'incomplete_body');
        if (!again || ++failures > retries) throw error;
        const wait = Math.min(WAIT_MS_MAX, Math.max(WAIT_MS * 2 ** (failures - 1), (error.retryAfterSeconds ?? 0) * 1000));
        await sleep(wait, signal);
      }
    }
  }

  async function create(): Promise<void> {
    const mtime = options.mtime ?? ('lastModified' in source ? Number(source.lastModified) : undefined);
    const fields: Record<string, string> = {
      ...(options.link === undefined ? { bucket: options.bucket } : {}),
      key: options.key,
      ...((options.contentType ?? source.type) === '' ? {} : { filetype: options.contentType ?? source.type }),
      ...(mtime === undefined ? {} : { mtime: String(mtime) }),
      ...(reading === null ? {} : { digest: 'sha-256-8mib' }),
    };
    const response = await client.request('POST', root, {
      headers: {
        ...TUS,
        'Upload-Length': String(total),
        'Upload-Metadata': Object.entries(fields)
          .map(([name, value]) => `${name} ${base64(value)}`)
          .join(','),
        ...(options.ifMatch === undefined ? {} : { 'If-Match': `"${options.ifMatch}"` }),
        ...(options.ifNoneMatch === undefined ? {} : { 'If-None-Match': '*' }),
      },
      signal,
    });
    id = (response.headers.get('location') ?? '').split('/').at(-1) ?? null;
    stored = Number(response.headers.get('upload-offset') ?? 0);
    if (id !== null) options.onCreated?.(id);
  }

  async function ask(): Promise<void> {
    const response = await client.request('HEAD', `${root}/${id}`, { headers: TUS, signal });
    stored = Number(response.headers.get('upload-offset'));
    const length = response.headers.get('upload-length');
    if (length !== null && Number(length) !== total) {
      throw new ApiError('The upload that is to go on was of another file: its size differs.', {
        status: 409,
        code: 'upload_differs',
        details: { length: Number(length), size: total },
      });
    }
    progress(stored);
  }

  async function sendPiece(): Promise<void> {
    const bytes = options.pieceBytes ?? (sender.seen ? PIECE_BYTES : UNSEEN_PIECE_BYTES);
    const from = stored;
    let to = Math.min(total, from + bytes);
    if (reading !== null && to === total && to - from > LAST_PIECE_BYTES) to -= LAST_PIECE_BYTES;
    await reading?.sending(from, to);
    const sum = reading === null || to < total ? null : await reading.sum();
    const body = source.slice(from, to);
    signal.throwIfAborted();
    piece = new AbortController();
    const response = await sender.send({
      method: 'PATCH',
      path: `${root}/${id}`,
      headers: { ...TUS, 'Upload-Offset': String(from), 'Content-Type': 'application/offset+octet-stream', ...digestHeader(sum) },
      body,
      signal: AbortSignal.any([signal, piece.signal]),
      onSent: (sent) => progress(from + sent),
    });
    stored = Number(response.headers.get('upload-offset'));
    progress(stored);
  }

  async function finished(of: string): Promise<Entry> {
    const state =
      options.link === undefined ? await client.call('GetUpload', { path: { id: of }, signal }) : await dropped(options.link, of);
    if (state.entry === null)
      throw new ApiError('The upload has all its bytes and no file.', { status: 409, code: 'upload_unfinished' });
    if (reading !== null) await assertAnnounced(state.digest);
    progress(total);
    return state.entry;
  }

  async function dropped(token: string, of: string): Promise<Pick<UploadState, 'entry' | 'digest'>> {
    const { entry, digest } = await client.call('GetDrop', { path: { token, id: of }, signal });
    // A visitor is told no more of it.
    return { digest, entry: entry === null ? null : ({ kind: 'file', bucket: '', key: entry.name, ...entry } as Entry) };
  }

  /** The answer to the last bytes may have been lost, and somebody else may have sent them. */
  async function assertAnnounced(known: { algorithm: string; value: string } | null): Promise<void> {
    const sum = await reading?.sum();
    if (known?.algorithm === 'sha-256-8mib' && known.value === sum) return;
    throw new ApiError('What is stored was not held against this file.', { status: 460, code: 'upload_checksum_mismatch' });
  }

  const done = run().finally(() => reading?.end());
  done.catch(() => undefined); // whoever waits for it is told; nobody need wait
  return {
    done,
    get id() {
      return id;
    },
    pause() {
      if (pausing !== null) return;
      let end = (): void => undefined;
      const promise = new Promise<void>((resolve) => (end = resolve));
      pausing = { promise, end };
      piece?.abort();
    },
    go() {
      pausing?.end();
      pausing = null;
    },
    async cancel() {
      stopped.abort(new DOMException('The upload was cancelled.', 'AbortError'));
      pausing?.end();
      await done.catch(() => undefined);
      if (id !== null) await client.request('DELETE', `${root}/${id}`, { headers: TUS });
    },
  };
}

function digestHeader(sum: string | null): Record<string, string> {
  return sum === null ? {} : { 'Repr-Digest': `sha-256-8mib=:${sum}:` };
}

function base64(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
