import type { HistoryStore } from '#contracts/history-store';
import type { TreeRooms } from '../trees/transaction.ts';
import { createHistoryLists } from './lists.ts';
import { purge, purgeBound } from './purge.ts';
import { boundOf, restore } from './restore.ts';

/** The contract is HistoryStore. */
export function createHistoryStore(rooms: TreeRooms): HistoryStore {
  const { database } = rooms;
  return {
    ...createHistoryLists(database),
    restore: (intent, window, signal) => restore(rooms, intent, window, signal),
    purge: (intent, window, signal) => purge(database, intent, window, signal),
    async exceeds({ bucket, what }, names) {
      const key = what.kind === 'asOf' ? what.prefix : what.key;
      if (what.kind === 'version' || (key !== '' && !key.endsWith('/'))) return false;
      const window = { after: '', names };
      const bound =
        what.kind === 'history'
          ? await purgeBound(database, { bucket, what }, window)
          : await boundOf(database, { bucket, what }, window);
      return bound !== null;
    },
  };
}
