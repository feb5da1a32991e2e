import type { HistoryTaskStarted, Purged, Restored } from '../../../clients/typescript/index.ts';
import { type Place, unlessGone } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { client } from '../api/session.ts';
import { type ClashAsker, createClashAsker, type Resolution } from '../drive/clash.tsx';
import { visible } from '../drive/entry-list.tsx';
import type { RunningWork } from '../drive/work.tsx';
import { bytes, t } from '../i18n/index.ts';
import { fail, tell } from '../ui/toast.tsx';
import { watchTask } from './tasks.tsx';

type Conflict = 'fail' | 'skip' | 'replace' | 'rename';
const CONFLICTS: Record<Resolution, Conflict> = { skip: 'skip', both: 'rename', replace: 'replace' };

export interface Span {
  deletedSince?: string;
}

/**
 * Brings back what was deleted: a file, or all below a folder. Asks what to do where a name is taken by now.
 * @returns how many files are there again; what a task does is told when it ends
 */
export async function bringBack(
  place: Place,
  { asker = createClashAsker(), several = false, span = {}, work, onEnd }: BringBack,
): Promise<number> {
  const send = (conflict: Conflict) =>
    work.ask(() =>
      client.call('RestoreTrash', {
        body: { bucket: place.bucket, key: place.key, conflict, ...span, ...unlessGone(work.signal) },
        signal: work.signal,
      }),
    );
  let answer: Restored | HistoryTaskStarted;
  try {
    answer = await send('fail');
  } catch (error) {
    if (!isApiError(error, 'already_exists')) throw error;
    answer = await send(CONFLICTS[await asker(visible(nameIn(place)), several)]);
  }
  return settle(place.bucket, answer, onEnd);
}

interface BringBack {
  asker?: ClashAsker;
  /** More than one thing is brought back, so that an answer may hold for all. */
  several?: boolean;
  span?: Span;
  /** That shows it, and by which it can be cancelled. */
  work: RunningWork;
  /** A task is done. */
  onEnd?: () => void;
}

/** Of a restore that is done, the files; a task is watched. */
export function settle(bucket: string, answer: Restored | HistoryTaskStarted, onEnd?: () => void): number {
  if (!('task' in answer)) return answer.restored;
  watchTask(bucket, answer.task, onEnd);
  return 0;
}

/** Says what was removed for good, and what could not be. */
export function sayPurged(bucket: string, answer: Purged | HistoryTaskStarted, onEnd?: () => void): void {
  if ('task' in answer) watchTask(bucket, answer.task, onEnd);
  else {
    tell(t('trash.purgedBytes', { count: answer.versions, size: bytes(answer.bytes) }));
    if (answer.held > 0) fail(t('trash.held', { count: answer.held }));
  }
}

/** By the gateway's clock, because the browser's may differ; null: it does not say. */
export async function gatewayTime(): Promise<string | null> {
  try {
    return (await client.call('SystemInfo', {})).time;
  } catch {
    return null;
  }
}

function nameIn({ bucket, key }: Place): string {
  return key === '' ? bucket : (key.replace(/\/$/, '').split('/').at(-1) ?? key);
}
