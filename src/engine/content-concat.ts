import type { LeafRecord, Staged } from '#contracts/content';
import type { DomainKeys } from '#contracts/keyring';
import type { ChunkRef, ContentRef, DomainId, LeafRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { releaseOf, SMALL_BYTES_MAX, storeOne, type WriteDeps, writeSmall } from './content-write.ts';
import { openInline, prepareInline } from './inline.ts';
import { readLeaves } from './leaves.ts';
import { createLeafCutter } from './manifest.ts';

const LEAVES_AT_ONCE = 16;
/** New leaves that are kept for the commit; more are recorded ahead of it. */
const LEAVES_MAX = 256;

/**
 * One content from many; the contract is Content.concat. Chunks stay where they are. Leaves are cut anew, by content, so that the same chunks
 * give the same leaves whatever the parts were.
 */
export async function concatContents(deps: WriteDeps, parts: ContentRef[], id: DomainId): Promise<Staged> {
  const domain = await deps.keyring.load(id);
  if (parts.some((part) => part.domain !== id)) {
    throw new CloudStoreError('invalid_argument', 'Contents of different domains cannot be joined without moving bytes.');
  }
  const filled = parts.filter((part) => part.size > 0);
  for (const part of filled) if (part.kind === 'inline') await prepareInline(deps, domain, part);
  const size = filled.reduce((sum, part) => sum + part.size, 0);
  const base = { size, digests: {}, contentHash: null };
  const lease = await deps.chunks.lease();
  const release = releaseOf(lease);
  try {
    if (filled.length === 1) return { ...base, content: filled[0]!, chunks: [], leaves: [], release };
    if (size <= SMALL_BYTES_MAX && filled.every((part) => part.kind === 'inline')) {
      const plaintext = Buffer.concat(filled.map((part) => openInline(deps.recordKeys, domain, part)));
      return { ...base, ...(await writeSmall(deps, domain, plaintext)), leaves: [], release };
    }
    return { ...base, ...(await joinParts(deps, domain, filled, size)), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function joinParts(
  deps: WriteDeps,
  domain: DomainKeys,
  parts: ContentRef[],
  size: number,
): Promise<Pick<Staged, 'content' | 'chunks' | 'leaves'>> {
  const cutter = createLeafCutter(deps.hashes, domain.chunkIdKey);
  const leaves: LeafRef[] = [];
  let leafRecords: LeafRecord[] = [];
  const chunks: Staged['chunks'] = [];
  /** Neighbours that are sealed in their rows become one chunk. */
  let tiny: Buffer[] = [];
  let tinyBytes = 0;

  async function storeTiny(): Promise<void> {
    if (tiny.length === 0) return;
    const { chunk, records } = await storeOne(deps, domain, Buffer.concat(tiny));
    tiny = [];
    tinyBytes = 0;
    chunks.push(...records);
    cutter.add(chunk);
  }

  async function takeLeaves(end: boolean): Promise<void> {
    for (const leaf of cutter.take(end)) {
      leaves.push({ id: leaf.id, size: leaf.size });
      leafRecords.push(leaf);
    }
    if (end || leafRecords.length < LEAVES_MAX) return;
    await deps.chunks.record(domain.id, chunks.splice(0), leafRecords);
    leafRecords = [];
  }

  for (const part of parts) {
    if (part.kind === 'inline') {
      tiny.push(openInline(deps.recordKeys, domain, part));
      tinyBytes += part.size;
      if (tinyBytes > SMALL_BYTES_MAX) await storeTiny();
      continue;
    }
    await storeTiny();
    if (part.kind === 'chunk') cutter.add(part);
    else {
      for await (const chunk of chunksOf(deps, part.leaves, domain)) cutter.add(chunk);
    }
    await takeLeaves(false);
  }
  await storeTiny();
  await takeLeaves(true);
  return { content: { kind: 'manifest', domain: domain.id, size, leaves }, chunks, leaves: leafRecords };
}

async function* chunksOf(deps: WriteDeps, leaves: LeafRef[], domain: DomainKeys): AsyncGenerator<ChunkRef> {
  for (let at = 0; at < leaves.length; at += LEAVES_AT_ONCE) {
    for (const chunks of await readLeaves(deps, domain, leaves.slice(at, at + LEAVES_AT_ONCE))) yield* chunks;
  }
}
