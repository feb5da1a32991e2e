import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '#contracts/examiner';
import { chainTo, SNAPSHOTS_DIRECTORY, snapshotFiles } from '../snapshots.ts';
import { gib } from './output.ts';

/** By their files alone: whether the database could be made anew. */
export async function snapshots(directory: string): Promise<Finding> {
  const name = 'snapshots';
  const path = join(directory, SNAPSHOTS_DIRECTORY);
  const entries = await readdir(path).catch(() => []);
  const files = snapshotFiles(
    await Promise.all(
      entries.map(async (entry) => ({ name: entry, bytes: (await stat(join(path, entry)).catch(() => null))?.size ?? 0 })),
    ),
  );
  const newest = files.at(-1);
  if (newest === undefined) {
    return { name, status: 'warn', detail: 'none yet', advice: 'A gateway takes the first one some minutes after its start.' };
  }
  const detail = `${files.length}, the newest of ${new Date(newest.takenMs).toISOString()}, ${gib(files.reduce((sum, { bytes }) => sum + bytes, 0))}`;
  if (chainTo(files, newest.id) !== null) return { name, status: 'ok', detail };
  const advice = 'Take another (cloudstore snapshot): it begins a new chain.';
  return { name, status: 'warn', detail: `${detail}; one that it goes on from is missing`, advice };
}
