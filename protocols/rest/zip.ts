import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { type Address, nameOf, parentOf } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import { sendBody } from '#http/body';
import type { Exchange } from './exchange.ts';
import { attachment } from './file-headers.ts';
import { locateKey } from './place.ts';
import { createZipNames, safeSegment } from './zip-names.ts';

/** What goes into one archive; more is refused before a byte is sent. */
export const ZIP_ENTRIES_MAX = 100_000;
const PAGE = 1000;
/** Compressing again what is compressed costs time and saves nothing. */
const STORED_TYPES =
  /^(image\/(?!svg|bmp|x-portable|tiff)|video\/|audio\/(?!x?-?wav)|application\/(zip|gzip|x-7z|x-rar|vnd\.rar|zstd|x-xz|x-bzip|pdf|epub|java-archive|vnd\.(openxmlformats|oasis|apple|android)))/i;
const STORED_NAMES =
  /\.(jpe?g|png|gif|webp|avif|heic|mp[34]|m4[av]|mov|mkv|webm|og[gv]|opus|flac|zip|gz|tgz|7z|rar|zst|xz|bz2|br|pdf|docx|xlsx|pptx|od[tsp]|epub|jar|apk)$/i;

/**
 * A folder must not be out of reach for one file in it that only its client can read (S3's SSE-C), or that a rule keeps from the caller: a note says what is
 * missing.
 */
const SEALED_TEXT = 'This file lies under a key that only its owner has, and is read by S3 with that key.';
const MISSING_NAME = ' (not in this archive).txt';
const SEALED_NOTE = Buffer.from(`${SEALED_TEXT}\n`);
const DENIED_NOTE = Buffer.from('The rules of the bucket do not let you read this file.\n');

interface ZipItem {
  /** In the archive; a folder's ends in `/`. */
  name: string;
  at: Address;
  size: number;
  mtime: number;
  etag: string | null;
  stored: boolean;
  /** In its place: why it is not in the archive. */
  note?: Buffer;
}

/**
 * Sends files and folders as one archive, as it is made: nothing is held but the list of names. With only stored entries its length is told beforehand.
 * A file that cannot be read breaks the connection: a torn archive must not look whole. One that has gone since the list was made counts as such.
 */
export async function sendZip(
  x: Exchange,
  asked: readonly { bucket: string; key: string }[],
  options: {
    name?: string;
    store?: boolean;
    /** A further reason to stop, besides that the client goes away. */
    ended?: AbortSignal;
    /** Awaited when all that belongs into it is known, before the first byte leaves; what it throws is the answer. */
    begins?(): Promise<void>;
  } = {},
): Promise<void> {
  const items = await gather(x, asked, options.store === true);
  await options.begins?.();
  const zip = new ZipFile();
  const { namespace } = x.deps;
  const failed = new AbortController();
  const signal = AbortSignal.any([x.cx.signal, failed.signal, ...(options.ended === undefined ? [] : [options.ended])]);
  let failure: unknown = null;
  const fail = (error: unknown): void => {
    failure ??= error;
    failed.abort();
    (zip.outputStream as Readable).destroy(error instanceof Error ? error : new Error(String(error)));
  };
  zip.on('error', fail);
  for (const item of items) {
    const head = { mtime: new Date(item.mtime), forceDosTimestamp: false };
    if (item.name.endsWith('/')) {
      zip.addEmptyDirectory(item.name, head);
      continue;
    }
    if (item.note !== undefined) {
      zip.addBuffer(item.note, item.name, { ...head, compress: false });
      continue;
    }
    zip.addReadStreamLazy(item.name, { ...head, compress: !item.stored, size: item.size }, (ready) => {
      const conditions = item.etag === null ? {} : { conditions: { ifMatch: [item.etag] } };
      namespace.get(x.who, item.at, conditions).then(
        (read) => ready(null, Readable.from(read.body(undefined, signal), { objectMode: false }).on('error', fail)),
        (error: unknown) => {
          fail(error);
          ready(error, null as never); // the archive has failed: nobody reads the stream that is not there
        },
      );
    });
  }
  const length = await new Promise<number>((resolve) => zip.end(undefined, resolve as () => void)); // the types forget the argument
  if (x.cx.signal.aborted) return;
  const name = safeSegment(options.name ?? archiveName(asked));
  x.res.writeHead(200, {
    'Content-Type': 'application/zip',
    'Content-Disposition': attachment(`${name}.zip`),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(length >= 0 ? { 'Content-Length': length } : {}),
  });
  try {
    await sendBody(x.res, zip.outputStream as Readable, signal);
  } finally {
    failed.abort();
  }
  if (failure !== null && !x.cx.signal.aborted) throw failure;
}

/** Every file and folder that is asked for, once, in order. @throws not_found, too_large (details.entriesMax), customer_key_needed (a file by itself) */
async function gather(x: Exchange, asked: readonly { bucket: string; key: string }[], store: boolean): Promise<ZipItem[]> {
  const names = createZipNames();
  const items: ZipItem[] = [];
  const add = (path: string, at: Address, info: ObjectInfo | null, denied = false): void => {
    if (items.length >= ZIP_ENTRIES_MAX) {
      throw new CloudStoreError('too_large', `An archive holds at most ${ZIP_ENTRIES_MAX} entries.`);
    }
    const sealed = info?.attributes.customerKey === undefined ? undefined : SEALED_NOTE;
    const note = denied ? DENIED_NOTE : sealed;
    items.push({
      ...(note === undefined ? {} : { note }),
      name: names.take(note === undefined ? path : `${path}${MISSING_NAME}`),
      at,
      size: info?.size ?? 0,
      mtime: info?.mtime ?? x.deps.clock.now(),
      etag: info?.etag ?? null,
      stored: store || info === null || isPacked(info),
    });
  };
  for (const { bucket: bucketName, key } of asked) {
    const { bucket, at, folder } = await locateKey(x, bucketName, key);
    if (!folder) {
      const entry = await x.deps.namespace.entry(x.who, at);
      if (entry.kind === 'object') {
        if (entry.attributes.customerKey !== undefined) throw new CloudStoreError('customer_key_needed', SEALED_TEXT);
        add(nameOf(key), at, entry);
        continue;
      }
    }
    const root = folder ? at.key : `${at.key}/`;
    // A folder's own name stays; of a bucket, what is in it.
    const cut = root === '' ? 0 : parentOf(root).length;
    await x.deps.namespace.directory(x.who, { bucket: bucket.id, key: root });
    let after = '';
    for (;;) {
      x.cx.signal.throwIfAborted();
      const page = await x.deps.namespace.list(x.who, { bucket: bucket.id, prefix: root, delimiter: '', after, limit: PAGE });
      for (const entry of page.entries) {
        if (entry.kind !== 'object') continue;
        const { info } = entry;
        if (info.key === root && root === '') continue;
        const isFile = !info.key.endsWith('/');
        const denied = isFile && !(await x.deps.authorizer.decide(x.who, 'read', bucket, info.key)).allowed;
        add(info.key.slice(cut), { bucket: bucket.id, key: info.key }, isFile ? info : null, denied);
      }
      if (page.next === null) break;
      after = page.next;
    }
  }
  return items;
}

function isPacked({ key, attributes }: ObjectInfo): boolean {
  return attributes.contentEncoding !== undefined || STORED_TYPES.test(attributes.contentType ?? '') || STORED_NAMES.test(key);
}

function archiveName(asked: readonly { bucket: string; key: string }[]): string {
  const [only] = asked;
  if (only === undefined || asked.length > 1) return 'files';
  return only.key === '' ? only.bucket : nameOf(only.key);
}
