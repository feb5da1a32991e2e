import type { Turns } from '#contracts/turns';
import type { Database } from './database.ts';

const TURN = { name: 'turns-take', text: 'SELECT pg_advisory_xact_lock(hashtextextended($1, 7261504318))' };

/**
 * The contract is Turns. One at a time in each process, whatever the name: who has a turn holds a connection of the pool while its work takes others, and
 * many that did so would wait for one another. What is done in turns is rare.
 */
export function createTurns(database: Database): Turns {
  let last: Promise<unknown> = Promise.resolve();

  async function take(name: string, work: () => Promise<void>): Promise<void> {
    const done: { error?: unknown }[] = [];
    try {
      await database.patientTransaction(async (session) => {
        if (done.length > 0) return;
        await session.query(TURN, [name]);
        done.push(
          await work().then(
            () => ({}),
            (error: unknown) => ({ error }),
          ),
        );
      });
    } catch (error) {
      if (done.length === 0) throw error; // else the turn was lost at its end, and the work is done
    }
    const [ended] = done;
    if (ended !== undefined && 'error' in ended) throw ended.error;
  }

  return {
    take(name, work) {
      const mine = last.then(() => take(name, work));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}
