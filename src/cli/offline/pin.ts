import { hostname } from 'node:os';
import { BACKUP_JOB } from '#contracts/backups';
import type { Metadata } from '#metadata/open';

const HEARTBEAT_MS = 5_000;

/**
 * Does something while collection removes nothing that is named at its beginning: this process registers like a gateway with an upload that runs, and
 * says that it lives.
 * @param registered is told the number, for whoever has to unregister it when the thread that works is ended from outside
 * @param work is given a check that fails once nobody waits for us any more (the machine slept)
 */
export async function pinned<T>(
  { instance, pin }: Pick<Metadata, 'instance' | 'pin'>,
  work: (alive: () => Promise<void>) => Promise<T>,
  registered?: (number: number) => void,
): Promise<T> {
  const number = await instance.register({ host: hostname(), pid: process.pid, version: BACKUP_JOB });
  registered?.(number);
  const lease = pin();
  // What fails here fails in `alive` too, for somebody to hear.
  const timer = setInterval(() => void instance.heartbeat(number).catch(() => undefined), HEARTBEAT_MS);
  try {
    const alive = (): Promise<void> => instance.heartbeat(number);
    await alive();
    return await work(alive);
  } finally {
    clearInterval(timer);
    lease.end();
    await instance.unregister(number).catch(() => undefined); // its silence says the same
  }
}
