import type { BlobStores } from '#contracts/blob-stores';
import type { IntegrityStore } from '#contracts/integrity-store';
import type { Log } from '#contracts/log';
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

const TOLD_MAX = 10;

/**
 * Says of each pack that something lives in and that is not there, or is shorter than what lives in it. A look at names and lengths alone, behind the start;
 * what is in them is scrub's to read.
 */
export async function tellLostPacks(rows: IntegrityStore, stores: BlobStores, own: Log, log: Logger): Promise<void> {
  const open = new Set(own.open().map(({ pack }) => pack));
  let told = 0;
  for (const number of stores.numbers()) {
    const store = stores.of(number);
    if (store.capabilities.shared) continue; // others' packs are on their way there
    const named = await rows.packsInUse(number);
    const sizes = new Map<string, number>();
    for await (const { name, size } of store.list('')) sizes.set(name, size);
    for (const { pack, liveBytes } of named) {
      const size = sizes.get(`${pack}.pack`);
      // One that was open while the list was read may lie there sealed by now.
      if (open.has(pack) || (size !== undefined && size > liveBytes) || told >= TOLD_MAX) continue;
      if (
        size === undefined &&
        (await own.read({ store: number, pack, offset: 0, length: 1 }, 0, 1).then(
          () => true,
          () => false,
        ))
      )
        continue;
      told++;
      log.error(
        { store: number, pack, size },
        `The pack ${pack} is ${size === undefined ? 'missing' : 'cut short'}: put it back from a backup, or run cloudstore scrub, which heals from the mirror what it can and names the files that are hurt.`,
      );
    }
  }
}
