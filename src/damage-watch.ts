import type { IntegrityStore } from '#contracts/integrity-store';
import type { Logger } from '#contracts/observability';

const LOOK_MS = 30_000;

/** How much is known to be damaged, for health and metrics, which cannot wait for the database. */
export function watchDamage(rows: IntegrityStore, log: Logger): { count(): number; close(): void } {
  let count = 0;
  const look = async (): Promise<void> => {
    try {
      count = await rows.damageCount();
    } catch (err) {
      log.debug({ err }, 'the book of damage cannot be read');
    }
  };
  void look();
  const timer = setInterval(() => void look(), LOOK_MS);
  timer.unref();
  return { count: () => count, close: () => clearInterval(timer) };
}
