import type { ChunkSecrets, Cutting, DeltaUpload } from '#contracts/delta';
import type { ChunkRef } from '#core/content-ref';
import { createHashes } from '#engine/hashes';

export interface CutPiece extends ChunkRef {
  bytes: Buffer;
}

/** What an owner's own client does: cuts and names as it was told, with code of its own. */
export function cutAsClient(body: Buffer, { chunkIdKey, gearTable, cutting }: ChunkSecrets): CutPiece[] {
  const hashes = createHashes();
  const pieces: CutPiece[] = [];
  for (let at = 0; at < body.length; ) {
    const bytes = body.subarray(at, at + cutAt(body, at, gearTable, cutting));
    const hasher = hashes.keyed(chunkIdKey);
    hasher.update(bytes);
    pieces.push({ id: hasher.digest(), size: bytes.length, bytes });
    at += bytes.length;
  }
  return pieces;
}

/** Sends what is not there. Gives how many bytes that was. */
export async function sendMissing(upload: DeltaUpload, pieces: CutPiece[]): Promise<number> {
  const have = await upload.have(pieces.map(({ id }) => id));
  let sent = 0;
  for (const [index, piece] of pieces.entries()) {
    if (have[index]) continue;
    await upload.put(piece.id, piece.bytes);
    sent += piece.size;
  }
  return sent;
}

function cutAt(body: Buffer, start: number, gear: Uint32Array, { min, average, max, hardMask, easyMask }: Cutting): number {
  const limit = Math.min(body.length - start, max);
  let hash = 0;
  for (let at = Math.max(0, Math.min(limit, min - 32)); at < limit; at++) {
    hash = ((hash << 1) + gear[body[start + at]!]!) | 0;
    if (at + 1 > min && (hash & (at < average ? hardMask : easyMask)) === 0) return at + 1;
  }
  return limit;
}
