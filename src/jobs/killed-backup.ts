import type { AlertStore } from '#contracts/alerts';
import { BACKUP_JOB } from '#contracts/backups';
import type { InstanceStore } from '#contracts/instance-store';

/** A backup says every few seconds that it lives. */
const SILENT_MS = 2 * 60_000;

/** A backup that fails says so itself; one that was killed cannot. Whoever looks next finds what it registered as, says it in its place, and signs it off. */
export async function tellKilledBackups(
  { alerts, instance }: { alerts: AlertStore; instance: Pick<InstanceStore, 'silent' | 'unregister'> },
  silentMs = SILENT_MS,
): Promise<void> {
  for (const gateway of await instance.silent(BACKUP_JOB, silentMs)) {
    const text = 'The last backup failed: it was ended in the middle, by a signal or together with its machine.';
    await alerts.raise({ kind: 'job-failed', subject: BACKUP_JOB, text });
    await instance.unregister(gateway);
  }
}
