import type { AlertStore } from '#contracts/alerts';
import type { InstanceStore } from '#contracts/instance-store';

/** What a backup is called among the failed jobs, and what it registers as while it runs. */
export const BACKUP = 'backup';
/** A backup says every few seconds that it lives. */
const SILENT_MS = 2 * 60_000;

/** One that failed says so itself. */
export function failedBackup(why: string): Parameters<AlertStore['raise']>[0] {
  return { kind: 'job-failed', subject: BACKUP, text: `The last backup failed: ${why}` };
}

/** One that was killed cannot: whoever looks next finds what it left behind, says it for it, and signs it off. */
export async function tellKilledBackups(
  { alerts, instance }: { alerts: AlertStore; instance: Pick<InstanceStore, 'silent' | 'unregister'> },
  silentMs = SILENT_MS,
): Promise<void> {
  for (const gateway of await instance.silent(BACKUP, silentMs)) {
    await alerts.raise(failedBackup('it was ended in the middle, by a signal or with its machine.'));
    await instance.unregister(gateway);
  }
}
