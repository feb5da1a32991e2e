/** Runs one statement. */
export type RunStatement = (text: string, values?: unknown[]) => Promise<unknown>;

/** From here on, the database counts in its own time: cursors, ETags of folders and ids are new ones, though its tables are old. */
const EPOCH_START_MS = Date.UTC(2020, 0, 1);
const REVISIONS_PER_SECOND = 1_000_000;
/** More than anybody made in the time that is gone, so that no id of that time comes back as something else's. */
const IDS_SKIPPED = 1_000;
const OBJECT_IDS_SKIPPED = 2 ** 30;

/**
 * What must not be taken for the time after a dump or a copy, which is gone: see docs/adr/0013.
 * @param sequences the last value of each, by name
 */
export async function beginNewTime(run: RunStatement, sequences: Readonly<Record<string, number>>, now: number): Promise<void> {
  const epoch = Math.floor((now - EPOCH_START_MS) / 1000);
  await run('UPDATE bucket_heads SET epoch = greatest(epoch + 1, $1::int), floor_seq = seq', [epoch]);
  await run('UPDATE directories SET revision = revision + $1::bigint', [epoch * REVISIONS_PER_SECOND]);
  for (const [name, last] of Object.entries(sequences)) {
    const skip = name === 'object_ids' ? OBJECT_IDS_SKIPPED : IDS_SKIPPED;
    await run('SELECT setval($1::text::regclass, $2::bigint)', [name, last + skip]);
  }
}
