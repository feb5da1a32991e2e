import type { Entry, UploadState } from './api.ts';
import type { Client } from './client.ts';
import { ApiError } from './problem.ts';
import type { OpenReading } from './reading.ts';
import { type Answer, type Sender, senderOf } from './sender.ts';

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
  /** Bytes sent at once. Default all there are, where the platform tells how far they have come, and less where a proxy does not let as many through. */
  pieceBytes?: number;
  /** How often to try again in a row, when the gateway cannot be reached. Default 10. */
  retries?: number;
  signal?: AbortSignal;
  /**
   * Adds the file up while it is sent (`readingBy`); the gateway holds what it has stored against the sum, and refuses the end (`upload_checksum_mismatch`) when
   * they differ: then nothing is stored, else the file has its `checksum`. Of an upload that goes on, what was sent before is read too, and counts.
   */
  reading?: OpenReading;
  /** So many bytes were added up, while nothing but their sum is waited for. */
  onChecked?(bytes: number): void;
  /** Bytes that have left this program; `stored` of them are durable. */
  onProgress?(progress: UploadProgress): void;
  /** The upload has a name on the gateway now, under which it can be gone on with. Also told of one that was aborted while it was made. */
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
/** Where nothing tells how far a piece has come, smaller ones do. */
const UNSEEN_PIECE_BYTES = 16 * MIB;
/** Of a request that broke off nothing was kept: a proxy gathers it whole, or takes none so large. What is tried next, and next. */
const SMALLER_PIECE_BYTES = [64 * MIB, 16 * MIB, 4 * MIB, MIB];
/** The sum keeps so far ahead of what was sent: near enough that the disk is read once, and at the end nothing waits for it. */
const AHEAD_BYTES = 32 * MIB;
const WAIT_MS = 500;
const WAIT_MS_MAX = 30_000;
const TUS = { 'Tus-Resumable': '1.0.0' };

/** Sends a file in one request; whatever breaks, the gateway is asked how much it has, and only the rest is sent. */
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
  let pieceBytes = options.pieceBytes ?? (sender.seen ? Number.POSITIVE_INFINITY : UNSEEN_PIECE_BYTES);
  /** In a row, without a byte that came through. */
  let failures = 0;
  /** Where the piece that broke off began. */
  let broken: number | null = null;
  /** The sum is waited for, and nothing else is left to do. */
  let waiting = false;
  /** On its way: nobody can call it back. */
  let creating: Promise<unknown> = Promise.resolve();
  /** The gateway makes no file of the bytes before it has their sum. */
  let promised = options.reading !== undefined;
  const reading =
    options.reading?.(source, (bytes) => {
      if (waiting) options.onChecked?.(bytes);
    }) ?? null;

  const progress = (sent: number): void => options.onProgress?.({ sent: Math.min(sent, total), stored, total });

  async function run(): Promise<Entry> {
    const retries = options.retries ?? 10;
    let known = false;
    for (;;) {
      signal.throwIfAborted();
      if (pausing !== null) await unlessStopped(pausing.promise);
      try {
        if (id === null) await create();
        else if (!known) await ask();
        known = true;
        if (stored < total) await sendPiece();
        if (stored >= total && id !== null) return await finished(id);
      } catch (error) {
        signal.throwIfAborted();
        known = false;
        if (pausing !== null) {
          broken = null;
          continue;
        }
        if (!(error instanceof ApiError && goesOn(error))) throw error;
        // A browser does not tell that it cannot read a file from that it cannot send it.
        if (error.status === 0) await source.slice(0, 1).arrayBuffer();
        if (++failures > retries) throw error;
        const wait = Math.min(WAIT_MS_MAX, Math.max(WAIT_MS * 2 ** (failures - 1), (error.retryAfterSeconds ?? 0) * 1000));
        await sleep(wait, signal);
      }
    }

    function goesOn({ passing, code, status }: ApiError): boolean {
      if (passing || code === 'upload_offset_mismatch' || code === 'incomplete_body') return true;
      // The gateway's own refusal of the file has a code of its own.
      return status === 413 && code === 'http_413' && smaller() !== undefined;
    }
  }

  function smaller(): number | undefined {
    return SMALLER_PIECE_BYTES.find((bytes) => bytes < Math.min(pieceBytes, total));
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
    const headers = {
      ...TUS,
      'Upload-Length': String(total),
      'Upload-Metadata': Object.entries(fields)
        .map(([name, value]) => `${name} ${base64(value)}`)
        .join(','),
      ...(options.ifMatch === undefined ? {} : { 'If-Match': `"${options.ifMatch}"` }),
      ...(options.ifNoneMatch === undefined ? {} : { 'If-None-Match': '*' }),
    };
    // Without the signal: whoever stops now has to learn what there is to be given up, or gone on with.
    const made = client.request('POST', root, { headers }).then((response) => {
      id = (response.headers.get('location') ?? '').split('/').at(-1) ?? null;
      stored = Number(response.headers.get('upload-offset') ?? 0);
      if (id !== null) options.onCreated?.(id);
    });
    creating = made.catch(() => undefined);
    await unlessStopped(made);
  }

  async function ask(): Promise<void> {
    const response = await client.request('HEAD', `${root}/${id}`, { headers: TUS, signal });
    stored = Number(response.headers.get('upload-offset'));
    promised = /(^|,)\s*digest\b/.test(response.headers.get('upload-metadata') ?? '');
    if (broken !== null && stored > broken) failures = 0;
    else if (broken !== null) pieceBytes = smaller() ?? pieceBytes;
    broken = null;
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
    const from = stored;
    const to = Math.min(total, from + pieceBytes);
    // Of a whole file of the disk a browser passes on where it lies; a part of one it carries all the way there.
    const body = from === 0 && to === total ? source : source.slice(from, to);
    const onSent = (sent: number): void => {
      reading?.follow(Math.min(to, from + sent) + AHEAD_BYTES);
      progress(from + sent);
    };
    onSent(0);
    // Who has promised no sum gives it along with the last bytes, which make the file.
    const sum = promised || to < total ? null : await summed();
    broken = from;
    const response = await patch(from, body, onSent, sum);
    broken = null;
    failures = 0;
    stored = Number(response.headers.get('upload-offset'));
    progress(stored);
  }

  function patch(from: number, body: Blob, onSent: (bytes: number) => void, sum: string | null): Promise<Answer> {
    piece = new AbortController();
    return sender.send({
      method: 'PATCH',
      path: `${root}/${id}`,
      headers: { ...TUS, 'Upload-Offset': String(from), 'Content-Type': 'application/offset+octet-stream', ...digestHeader(sum) },
      body,
      signal: AbortSignal.any([signal, piece.signal]),
      onSent,
    });
  }

  async function finished(of: string): Promise<Entry> {
    // The gateway has waited for it, though all bytes are there.
    if (reading !== null && promised) await patch(total, new Blob([]), () => undefined, await summed());
    const state =
      options.link === undefined ? await client.call('GetUpload', { path: { id: of }, signal }) : await dropped(options.link, of);
    if (state.entry === null)
      throw new ApiError('The upload has all its bytes and no file.', { status: 409, code: 'upload_unfinished' });
    if (reading !== null) await assertAnnounced(state.digest);
    progress(total);
    return state.entry;
  }

  /** Of the whole file, which is read to its end. @throws what `signal` says */
  function summed(): Promise<string | null> {
    waiting = true;
    return unlessStopped(
      Promise.resolve(reading?.sum() ?? null).finally(() => {
        waiting = false;
      }),
    );
  }

  /** What it comes to, for as long as somebody waits. @throws what `signal` says */
  function unlessStopped<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
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
      await creating;
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
