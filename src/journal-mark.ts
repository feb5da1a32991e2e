import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '#blob/disk-error';
import type { Logger } from '#contracts/observability';
import type { Signals } from '#contracts/signals';
import type { Mark, TimeLine } from '#contracts/time-line';
import { CloudStoreError } from '#core/errors';
import { writeDurably } from './data-directory.ts';

export interface JournalMarkOptions {
  dataDirectory: string;
  /** Of the installation: marks of another one say nothing. */
  instance: string;
  timeLine: TimeLine;
  signals: Signals;
  log: Logger;
}

/** In the data directory, beside the database: where the journals of the buckets were when they were last looked at. */
export const MARK_NAME = 'journal-mark.json';
/** What was committed in the last moment before a kill may be missing in the mark; what matters is that something newer than any copy is there. */
const WRITE_MS = 1_000;
/** Of those that changed last. One is enough to tell. */
const BUCKETS_MAX = 1_000;

/**
 * Notices that an older copy of the database was put back, at the start and whenever the connection was lost: then a new time begins, and every cursor from after the copy has
 * expired. Keeps the mark by what commits say anyway; none waits for it.
 */
export async function watchJournal(options: JournalMarkOptions): Promise<{ close(): Promise<void> }> {
  const { dataDirectory, instance, timeLine, signals, log } = options;
  const path = join(dataDirectory, MARK_NAME);
  /** In the order of their last change. */
  const marks = new Map<number, { epoch: number; seq: number }>();
  let dirty = false;
  let last = Promise.resolve();

  async function look(): Promise<void> {
    const known = [...marks].map(([bucket, mark]) => ({ bucket, ...mark }));
    if (known.length > 0 && (await timeLine.beginAnewIfBehind(known)))
      log.error(
        {},
        'the database is an older copy than the one that was served before: every client looks through its files anew, and everybody logs in anew',
      );
    marks.clear();
    for (const mark of await timeLine.marks()) note(mark);
  }

  function note({ bucket, epoch, seq }: Mark): void {
    marks.delete(bucket);
    marks.set(bucket, { epoch, seq });
    dirty = true;
  }

  async function write(): Promise<void> {
    if (!dirty) return;
    dirty = false;
    const newest = [...marks].slice(-BUCKETS_MAX).map(([bucket, { epoch, seq }]) => [bucket, epoch, seq]);
    await writeDurably(path, `${JSON.stringify({ format: 1, instance, marks: newest })}\n`).catch((err: unknown) => {
      dirty = true;
      throw err;
    });
  }

  /** One after the other, whatever becomes of them. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    last = last.then(work).catch((err: unknown) => log.warn({ err }, 'the mark of the journal cannot be kept'));
    return last;
  }

  for (const mark of await readMarks(path, instance)) note(mark);
  await look();
  await write();
  const unsubscribe = signals.subscribe('journal', (payload) => {
    const [bucket, seq] = (payload ?? '').split(':').map(Number);
    const known = bucket === undefined ? undefined : marks.get(bucket);
    if (payload !== null && bucket !== undefined && seq !== undefined && known !== undefined) {
      if (seq > known.seq) note({ bucket, epoch: known.epoch, seq });
      return;
    }
    // A bucket that is new, or a connection that was made anew.
    void inTurn(look);
  });
  const timer = setInterval(() => void inTurn(write), WRITE_MS);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
      unsubscribe();
      await inTurn(async () => {
        for (const mark of await timeLine.marks()) note(mark);
        await write();
      });
    },
  };
}

/** None where the file is missing or cannot be understood: it only says more than the database does. */
async function readMarks(path: string, instance: string): Promise<Mark[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return '';
    throw new CloudStoreError('unavailable', `${path} cannot be read (${codeOf(error)}).`, { cause: error });
  });
  try {
    const {
      format,
      instance: owner,
      marks,
    }: { format: number; instance: string; marks: [number, number, number][] } = JSON.parse(text);
    if (format !== 1 || owner !== instance) return [];
    return marks.filter((mark) => mark.every(Number.isSafeInteger)).map(([bucket, epoch, seq]) => ({ bucket, epoch, seq }));
  } catch {
    return [];
  }
}
