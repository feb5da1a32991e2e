import { createHash } from 'node:crypto';
import PQueue from 'p-queue';
import type { ObjectRead } from '#contracts/namespace';
import type { Seal } from '#contracts/seal';
import type { ThumbnailMaker, ThumbnailSize, ThumbnailStore, Thumbnails } from '#contracts/thumbnails';
import { encodeContentRef, INLINE_BYTES_MAX } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { collect } from '#core/stream';

export interface ThumbnailsDeps {
  thumbnails: ThumbnailStore;
  maker: ThumbnailMaker;
  seal: Seal;
}

/** Larger files are not read for a picture. */
const IMAGE_BYTES_MAX = 64 << 20;
const HEAD_BYTES = 32;
/** One is made while the next ones are read: more would only lie in memory until it is their turn. */
const READ_AT_ONCE = 3;
/** More than a screen shows; beyond it a client asks again. */
const WAITING_MAX = 200;

/** The contract is Thumbnails: cached by content and sealed, because a picture of a secret is one. Nothing is also kept, so that a bomb is looked at once. */
export function createThumbnails({ thumbnails, maker, seal }: ThumbnailsDeps): Thumbnails {
  const making = new Map<string, Promise<Buffer | null>>();
  const turns = new PQueue({ concurrency: READ_AT_ONCE });

  async function make(read: ObjectRead, content: Buffer, size: ThumbnailSize): Promise<Buffer | null> {
    const made = await fresh(read, size);
    await thumbnails.put(content, size, seal.seal(made ?? Buffer.alloc(0), aboutOf(content, size)));
    return made;
  }

  async function fresh(read: ObjectRead, size: ThumbnailSize): Promise<Buffer | null> {
    const { size: bytes } = read.info;
    if (bytes < HEAD_BYTES || bytes > IMAGE_BYTES_MAX) return null;
    const head = await collect(read.body({ start: 0, end: HEAD_BYTES - 1 }), HEAD_BYTES, tooLong);
    if (!isImage(head)) return null;
    if (turns.size >= WAITING_MAX) throw new CloudStoreError('unavailable', 'Many thumbnails are being made; ask again.');
    return turns.add(async () => maker.make(await collect(read.body(), IMAGE_BYTES_MAX, tooLong), size));
  }

  return {
    etag(read, size) {
      const content = idOf(read);
      return content === null ? null : `${content.toString('hex').slice(0, 32)}-${size}`;
    },
    async get(read, size, signal) {
      const content = await keptUnder(read);
      if (content === null) return null;
      const sealed = await thumbnails.find(content, size);
      const known = sealed === null ? null : seal.open(sealed, aboutOf(content, size));
      if (known !== null) return known.length === 0 ? null : known;
      signal.throwIfAborted();
      // Many who open one folder wait for one picture.
      const name = aboutOf(content, size);
      let one = making.get(name);
      if (one === undefined) {
        one = make(read, content, size).finally(() => making.delete(name));
        making.set(name, one);
      }
      return one;
    },
  };
}

function idOf({ info }: ObjectRead): Buffer | null {
  return info.content === null ? null : createHash('sha256').update(encodeContentRef(info.content)).digest();
}

/** What lies in its row is sealed anew each time, so that of equal ones only the bytes are the same. */
async function keptUnder(read: ObjectRead): Promise<Buffer | null> {
  const { content } = read.info;
  if (content?.kind !== 'inline') return idOf(read);
  const bytes = await collect(read.body(), INLINE_BYTES_MAX, tooLong);
  return createHash('sha256').update(`inline ${content.domain} `).update(bytes).digest();
}

function aboutOf(content: Buffer, size: number): string {
  return `thumbnail ${content.toString('hex')} ${size}`;
}

/** By what the bytes begin with, whatever name and type they were stored under. SVG is none: it is a program. */
export function isImage(head: Uint8Array): boolean {
  const text = Buffer.from(head).toString('latin1');
  return (
    text.startsWith('\xff\xd8\xff') ||
    text.startsWith('\x89PNG\r\n\x1a\n') ||
    text.startsWith('GIF8') ||
    (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') ||
    /^.{4}ftyp(avif|avis|mif1)/s.test(text) ||
    text.startsWith('II*\0') ||
    text.startsWith('MM\0*')
  );
}

function tooLong(): CloudStoreError {
  return new CloudStoreError('corrupt', 'An object is longer than its row says.');
}
