import type { BlobStore } from '#contracts/blob-store';
import type { ChunkPlace, Content } from '#contracts/content';
import type { Log } from '#contracts/log';
import type { ContentRef } from '#core/content-ref';
import { isCloudStoreError } from '#core/errors';
import { seededRandom } from '../support/random.ts';

/** A promise that was not kept. */
export class Broken extends Error {}

/** Everything that was acknowledged, and must be there from then on. */
export interface Kept {
  contents: { content: ContentRef; bytes: Buffer }[];
  records: { place: ChunkPlace; bytes: Buffer }[];
  /** Whether each blob is there; null: nobody was told. */
  blobs: Map<string, boolean | null>;
}

export interface Opened {
  log: Log;
  blobs: BlobStore;
  content: Content;
}

const POOL = seededRandom('bodies of schedules')(3 << 20);

/** The same bytes for the same number and size; others have nothing in common that a chunker could find in a small body. */
export function bodyOf(number: number, size: number): Buffer {
  const start = (number * 4099) % (POOL.length - size);
  return POOL.subarray(start, start + size);
}

export const blobOf = (name: string): Buffer => bodyOf(name.length * 31 + name.charCodeAt(name.length - 1), 100 + name.length);

/** Reads everything that was acknowledged. @throws Broken */
export async function checkKept({ contents, records, blobs }: Kept, opened: Opened, when: string): Promise<void> {
  for (const { place, bytes } of records) {
    await checkRecord(opened.log, place, bytes, when);
  }
  for (const { content, bytes } of contents) {
    await noFault(opened.content.verify(content), `a content of ${bytes.length} bytes cannot be read ${when}`);
  }
  for (const [name, there] of blobs) {
    const stat = await noFault(opened.blobs.stat(name), `blob ${name} cannot be looked at ${when}`);
    if (there !== null && (stat !== null) !== there) throw new Broken(`blob ${name} is ${stat ? '' : 'not '}there ${when}`);
    if (stat === null) continue;
    const read = await noFault(opened.blobs.read(name, 0, stat.size), `blob ${name} cannot be read ${when}`);
    if (!read.equals(blobOf(name))) throw new Broken(`blob ${name} has other bytes ${when}`);
  }
}

async function checkRecord(log: Log, place: ChunkPlace, bytes: Buffer, when: string): Promise<void> {
  const what = `the record of ${bytes.length} bytes at ${place.pack} ${place.offset}`;
  const read = await noFault(log.read(place, 0, place.length), `${what} cannot be read ${when}`);
  if (!read.equals(bytes)) throw new Broken(`${what} has other bytes ${when}`);
}

export async function noFault<T>(work: Promise<T>, what: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const said = isCloudStoreError(error) ? `${error.code}: ${error.message}` : error instanceof Error ? error.stack : error;
    throw new Broken(`${what} (${said})`, { cause: error });
  }
}
