import type { ContentRef } from '#core/content-ref';
import { isCloudStoreError } from '#core/errors';
import type { ByteRange } from '#core/range';
import { type Bytes, collect } from '#core/stream';
import { throwIfAborted } from './abortable.ts';
import { CACHED_BYTES_MAX, chunkKey, type ReadDeps, readContent } from './content-read.ts';
import { needsKey, openSegment } from './record-cipher.ts';
import { decodeRecordHeader, TAG_BYTES } from './record-format.ts';
import { fetchRecord } from './record-reader.ts';

type OneChunk = ContentRef & { kind: 'chunk' };

/** With its header, tags and, where it did not get smaller, all its bytes. */
const RECORD_BYTES_MAX = CACHED_BYTES_MAX + 4096;

/**
 * A small content of one chunk that is not in memory: one look-up, one read of the disk, one buffer, without the machinery of a stream. Whatever is unusual
 * (damage, a pack that moved, a key that is not known yet) is left to `readContent`, which begins anew. null: it is none.
 */
export function readOneChunk(
  deps: ReadDeps,
  content: ContentRef,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Bytes | null {
  if (range !== undefined || content.kind !== 'chunk' || content.size > CACHED_BYTES_MAX) return null;
  const whole = async (): Promise<Buffer> => {
    throwIfAborted(signal);
    const bytes = await open(deps, content);
    throwIfAborted(signal);
    if (bytes !== null) return bytes;
    return collect(readContent(deps, content, undefined, signal), content.size, () => new Error('longer than its row says'));
  };
  return {
    whole,
    async *[Symbol.asyncIterator]() {
      yield await whole();
    },
  };
}

/** null: not so simple. */
async function open(deps: ReadDeps, content: OneChunk): Promise<Buffer | null> {
  const { keyring, chunks, recordKeys, plain, cache } = deps;
  const domain = await keyring.load(content.domain);
  const [place] = await chunks.places(content.domain, [content.id]);
  if (!place || place.damaged || place.length > RECORD_BYTES_MAX) return null;
  try {
    const record = await fetchRecord(deps, place, 0, place.length);
    const header = decodeRecordHeader(record, place.length);
    if (header.domain !== content.domain || header.size !== content.size || !header.id.equals(content.id)) return null;
    if (needsKey(header) ? !domain.knows(header.epoch) : !plain.allowed) return null;
    const key = needsKey(header) ? recordKeys.derive(domain, header.epoch, header.salt) : null;
    const parts = header.segments.flatMap(({ offset, stored }, index) =>
      openSegment(key, header, index, record.subarray(offset, offset + stored + TAG_BYTES)),
    );
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    // Two copies: what is yielded is the consumer's to change.
    cache.put(chunkKey(content.domain, content.id), Buffer.from(bytes));
    return bytes;
  } catch (error) {
    if (isCloudStoreError(error)) return null;
    throw error;
  }
}
