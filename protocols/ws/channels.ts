import type { JobStatus } from '#contracts/jobs';
import type { TraceEntry } from '#contracts/trace';
import { CloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { CHANNEL_ACTIONS } from './actions.ts';
import type { WsDeps } from './deps.ts';
import type { TraceFilter, WatchMessage } from './messages.ts';

/** A channel that a socket watches. */
export interface Watch {
  /** For what the caller is by now. @throws access_denied */
  authorize(who: Who): Promise<void>;
  end(): void;
}

const FLUSH_MS = 200;
/** Of one message; more than a person reads in its time. */
const ENTRIES_MAX = 50;

/** @throws access_denied, not_implemented */
export async function openWatch(
  deps: WsDeps,
  who: Who,
  message: WatchMessage,
  tell: (message: object) => void,
  full: () => boolean,
): Promise<Watch> {
  const authorize = async (now: Who): Promise<void> => {
    const asked = CHANNEL_ACTIONS[message.channel];
    if ('none' in asked) return;
    for (const action of asked) await part(deps.authorizer).require(now, action, null);
  };
  await authorize(who);
  switch (message.channel) {
    case 'jobs':
      return { authorize, end: part(deps.jobFeed).follow((job) => full() || tell({ type: 'job', job: jobMessage(job) })) };
    case 'presence': {
      const presence = part(deps.presence);
      const { id } = who.principal ?? { id: 0 };
      const show = (): void =>
        tell({
          type: 'presence',
          devices: presence.devices(id).map((device) => ({ ...device, since: new Date(device.since).toISOString() })),
        });
      const end = presence.follow(id, show);
      show();
      return { authorize, end };
    }
    case 'trace':
      return { authorize, end: watchTrace(deps, message, tell, full) };
  }
}

function watchTrace(deps: WsDeps, filter: TraceFilter, tell: (message: object) => void, full: () => boolean): () => void {
  let entries: object[] = [];
  let left = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    timer = undefined;
    // Whoever reads too slowly is told how much it missed.
    if (full()) {
      left += entries.length;
      entries = [];
      timer = setTimeout(flush, FLUSH_MS);
      return;
    }
    tell({ type: 'trace', entries, left });
    entries = [];
    left = 0;
  };
  const unfollow = part(deps.trace).follow((found, missed) => {
    left += missed;
    for (const entry of found) {
      if (!passes(entry, filter)) continue;
      if (entries.length < ENTRIES_MAX) entries.push({ ...entry, at: new Date(entry.at).toISOString() });
      else left++;
    }
    if (entries.length + left > 0) timer ??= setTimeout(flush, FLUSH_MS);
  });
  return () => {
    clearTimeout(timer);
    unfollow();
  };
}

function passes(entry: TraceEntry, { door, user, device, bucket, status }: TraceFilter): boolean {
  if (door !== undefined && entry.door !== door) return false;
  if (user !== undefined && entry.user !== user) return false;
  if (device !== undefined && entry.device?.startsWith(device) !== true && entry.deviceName !== device) return false;
  if (bucket !== undefined && entry.bucket !== bucket) return false;
  return (
    status === undefined || (status.endsWith('xx') ? String(entry.status)[0] === status[0] : String(entry.status) === status)
  );
}

function jobMessage({ startedMs, endedMs, ...job }: JobStatus): object {
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return { ...job, started: time(startedMs), ended: time(endedMs) };
}

function part<T>(given: T | undefined): T {
  if (given === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
  return given;
}
