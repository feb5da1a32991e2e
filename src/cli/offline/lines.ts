import { writeDurably } from '#blob/durable-write';
import type { DiskOps } from '#contracts/disk-ops';

const BATCH_BYTES = 64 << 10;

/** A file of one JSON document a line, whole or not at all. */
export async function writeLines(disk: DiskOps, path: string, lines: Iterable<unknown>): Promise<void> {
  async function* bytes(): AsyncGenerator<Buffer> {
    let batch = '';
    for (const line of lines) {
      batch += `${JSON.stringify(line)}\n`;
      if (batch.length < BATCH_BYTES) continue;
      yield Buffer.from(batch);
      batch = '';
    }
    if (batch !== '') yield Buffer.from(batch);
  }
  await writeDurably(disk, `${path}.new`, path, bytes(), null);
}
