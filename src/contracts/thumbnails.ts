import type { ObjectRead } from './namespace.ts';

export const THUMBNAIL_SIZES = [64, 256, 1024] as const;
export type ThumbnailSize = (typeof THUMBNAIL_SIZES)[number];

/** Small pictures of images, WebP. The caller has read the object already, so it may see it. */
export interface Thumbnails {
  /** Without quotes; changes with the content. null: it has no content. */
  etag(read: ObjectRead, size: ThumbnailSize): string | null;
  /**
   * At most `size` pixels wide and high, upright, without metadata. Made once for a content, however many files have it.
   * null: it is no image that can be made small (another kind of file, broken, too many pixels).
   * @throws unavailable when too many are being made, not_implemented where the library is not installed
   */
  get(read: ObjectRead, size: ThumbnailSize, signal: AbortSignal): Promise<Buffer | null>;
}

/** Rows of what was made. */
export interface ThumbnailStore {
  find(content: Buffer, size: number): Promise<Buffer | null>;
  put(content: Buffer, size: number, sealed: Buffer): Promise<void>;
  /** Removes some of what was made longer ago; gives how many. */
  expire(olderMs: number): Promise<number>;
}

/** Makes pictures small, in a process of its own: the library reads what strangers wrote. */
export interface ThumbnailMaker {
  /** null: it is none that can be made small. @throws unavailable, not_implemented */
  make(image: Buffer, size: number): Promise<Buffer | null>;
  close(): Promise<void>;
}
