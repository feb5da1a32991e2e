import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace } from '#contracts/content';
import type { ChunkRef, ContentRef, DomainId } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import type { ByteRange } from '#core/range';
import { decodeLeaf } from './manifest.ts';

/** What of a chunk a read wants: its bytes [from, to). */
export interface Wanted {
  chunk: ChunkRef;
  place: ChunkPlace;
  from: number;
  to: number;
  /** Of the chunk's first byte, in the content. */
  offset: number;
}

export type ChunkedRef = Exclude<ContentRef, { kind: 'inline' }>;

const PLACES_AT_ONCE = 32;

/** The chunks that a range covers, in order, with their places of now. @throws corrupt when a leaf or chunk is missing */
export async function* planRead(chunks: ChunkIndex, content: ChunkedRef, range: ByteRange): AsyncGenerator<Wanted> {
  let batch: Omit<Wanted, 'place'>[] = [];
  let atOnce = 1; // a short range needs one; a long one soon asks for many
  for await (const one of coveringChunks(chunks, content, range)) {
    batch.push(one);
    if (batch.length < atOnce) continue;
    yield* withPlaces(chunks, content.domain, batch);
    batch = [];
    atOnce = Math.min(PLACES_AT_ONCE, atOnce * 4);
  }
  yield* withPlaces(chunks, content.domain, batch);
}

async function* coveringChunks(chunks: ChunkIndex, content: ChunkedRef, range: ByteRange): AsyncGenerator<Omit<Wanted, 'place'>> {
  if (content.kind === 'chunk') {
    yield { chunk: content, from: range.start, to: range.end + 1, offset: 0 };
    return;
  }
  let offset = 0;
  for (const leaf of content.leaves) {
    if (offset > range.end) return;
    if (offset + leaf.size <= range.start) {
      offset += leaf.size;
      continue;
    }
    const [entries] = await chunks.leaves(content.domain, [leaf.id]);
    if (!entries) throw missing('A leaf of a manifest', offset);
    for (const chunk of decodeLeaf(entries, leaf.size)) {
      const end = offset + chunk.size;
      if (end > range.start && offset <= range.end) {
        yield { chunk, from: Math.max(0, range.start - offset), to: Math.min(chunk.size, range.end + 1 - offset), offset };
      }
      offset = end;
    }
  }
}

async function* withPlaces(chunks: ChunkIndex, domain: DomainId, batch: Omit<Wanted, 'place'>[]): AsyncGenerator<Wanted> {
  if (batch.length === 0) return;
  const places = await chunks.places(
    domain,
    batch.map(({ chunk }) => chunk.id),
  );
  for (const [index, one] of batch.entries()) {
    const place = places[index];
    if (!place) throw missing('A chunk', one.offset);
    yield { ...one, place };
  }
}

function missing(what: string, offset: number): CloudStoreError {
  return new CloudStoreError('corrupt', `${what} is missing.`, { details: { offset } });
}
