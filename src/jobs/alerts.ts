import type { AlertChannel, AlertKind, AlertStore } from '#contracts/alerts';
import { BACKUP_JOB } from '#contracts/backups';
import type { Job, JobStatus } from '#contracts/jobs';
import type { Clock } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';

export interface AlertsOptions {
  store: AlertStore;
  jobs: { list(): Promise<JobStatus[]> };
  /** Says of what was killed that it failed. */
  killed(): Promise<void>;
  /** How many things are known to be damaged. */
  damaged(): Promise<number>;
  /** Bytes free on the fullest disk, and below how many writes are refused. */
  space(): { free: number; minFree: number };
  channels: readonly AlertChannel[];
  clock: Clock;
}

const EVERY_MS = 60_000;
/** What nobody could be told in so long is old news. */
const NEWS_MS = 7 * 24 * 3600 * 1000;
/** Nearly full is twice of what is kept free; it is over with a little more, so that it doesn't flicker. */
const LOW = 2;
const WELL = 2.2;
/** A backup is made by a command too, and its alert is raised and cleared by whichever made it. */
const TELLS_ITSELF: ReadonlySet<string> = new Set(['alerts', BACKUP_JOB]);
const DISK = 'disk';
const STORE = 'store';

/** Looks whether something is so that the owner should know of, and tells what is new by every channel. */
export function createAlertsJob({ store, jobs, killed, damaged, space, channels, clock }: AlertsOptions): Job {
  async function look(): Promise<void> {
    const { free, minFree } = space();
    if (free < minFree * LOW) {
      const text = `${gib(free)} are free; with less than ${gib(minFree)} writes are refused. Make room, or give the store another disk.`;
      await store.raise({ kind: 'disk-nearly-full', subject: DISK, text });
    } else if (free > minFree * WELL) await store.clear('disk-nearly-full', DISK);

    await killed();
    const count = await damaged();
    if (count > 0) {
      const text = `${count} stored things are damaged. cloudstore scrub --report names the files; cloudstore scrub heals what it can.`;
      await store.raise({ kind: 'damage', subject: STORE, text });
    } else await store.clear('damage', STORE);

    const failed = new Map<string, string | null>();
    const known = await jobs.list();
    for (const { name, outcome } of known)
      if (outcome?.kind === 'failed' && !TELLS_ITSELF.has(name)) failed.set(name, outcome.message);
    for (const [name, message] of failed)
      await store.raise({ kind: 'job-failed', subject: name, text: `The job ${name} failed: ${message ?? 'see the log'}` });
    const open = await store.open('job-failed');
    for (const { name } of known)
      if (open.includes(name) && !failed.has(name) && !TELLS_ITSELF.has(name)) await store.clear('job-failed', name);
  }

  return {
    name: 'alerts',
    everyMs: EVERY_MS,
    async run({ signal }) {
      await look();
      const silent: string[] = [];
      for (const channel of channels) {
        for (const alert of await store.untold(channel.name, clock.now() - NEWS_MS)) {
          signal.throwIfAborted();
          try {
            await channel.send(alert, signal);
          } catch (error) {
            // Refused for good is told: it would be refused for ever.
            if (isCloudStoreError(error) && error.code === 'access_denied') silent.push(`${channel.name}: ${error.message}`);
            else {
              silent.push(`${channel.name}: ${error instanceof Error ? error.message : error}`);
              break;
            }
          }
          await store.tell(alert.id, channel.name);
        }
      }
      if (silent.length > 0) throw new CloudStoreError('unavailable', `Not everybody could be told. ${silent.join(' ')}`);
    },
  };
}

/** What a kind is called where people read it. */
export const ALERT_TITLES: Record<AlertKind, string> = {
  'login-from-new-place': 'Log-in from a new place',
  'disk-nearly-full': 'The disk is nearly full',
  damage: 'Stored data is damaged',
  'job-failed': 'A job failed',
  test: 'A test',
};

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
