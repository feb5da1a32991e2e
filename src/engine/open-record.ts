import type { ChunkPlace } from '#contracts/content';
import type { Wanted } from './read-plan.ts';
import { openSegment, type SealedSegment } from './record-cipher.ts';
import { type RecordHeader, TAG_BYTES } from './record-format.ts';

/** A record of which segments are being read. */
export interface OpenRecord {
  wanted: Wanted;
  /** Where this header was read; `wanted` may be elsewhere meanwhile. */
  place: ChunkPlace;
  header: RecordHeader;
  /** null: it is not encrypted. */
  key: Buffer | null;
  /** The next segment to fetch, and the last. */
  next: number;
  last: number;
}

export function openRecord(wanted: Wanted, place: ChunkPlace, header: RecordHeader, key: Buffer | null): OpenRecord {
  const [first, last] = [wanted.from, wanted.to - 1].map((at) => Math.floor(at / header.segmentBytes)) as [number, number];
  return { wanted, place, header, key, next: first, last };
}

/** The first segment that a record's first bytes do not have whole. */
export function endWithin({ header, next, last }: OpenRecord, bytes: number): number {
  let end = next;
  while (end <= last && endOf(header, end) <= bytes) end++;
  return end;
}

/** Where segments lie in what was read from the record's byte `base` on. */
export function sealedOf({ segments }: RecordHeader, first: number, end: number, base: number): SealedSegment[] {
  const sealed: SealedSegment[] = [];
  for (let index = first; index < end; index++) {
    const { offset, stored } = segments[index]!;
    sealed.push({ index, offset: offset - base, length: stored + TAG_BYTES });
  }
  return sealed;
}

/** @throws corrupt */
export function openEach(
  { header, key }: Pick<OpenRecord, 'header' | 'key'>,
  sealed: SealedSegment[],
  fetched: Buffer,
): Buffer[] {
  return sealed.flatMap(({ index, offset, length }) =>
    openSegment(key, header, index, fetched.subarray(offset, offset + length)),
  );
}

/** Where a segment ends in its record, with its tag. */
export function endOf({ segments }: RecordHeader, index: number): number {
  const { offset, stored } = segments[index]!;
  return offset + stored + TAG_BYTES;
}
