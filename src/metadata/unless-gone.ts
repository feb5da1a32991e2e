import { CloudStoreError } from '#core/errors';
import type { Database, Session, Statement } from './database.ts';

const PROCESS: Statement = { name: 'unless-gone-process', text: 'SELECT pg_backend_pid()' };
const STOP: Statement = { name: 'unless-gone-stop', text: 'SELECT pg_cancel_backend($1::int)' };

/**
 * The work of a transaction that whoever asked for it may call off until it is committed: the statement that is under way is ended, and nothing of it stays.
 * It holds its connection until then, so that no other's statement can be hit.
 * @throws aborted, and what the work throws
 */
export async function unlessGone<T>(
  database: Database,
  session: Session,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work();
  assertThere(signal);
  const [row] = await session.query<[number]>(PROCESS);
  let stopping: Promise<unknown> | null = null;
  const stop = (): void => {
    stopping = database.query(STOP, [row?.[0]]).catch(() => undefined); // then it ends with its statement
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const result = await work();
    assertThere(signal);
    return result;
  } catch (error) {
    assertThere(signal);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await stopping;
  }
}

function assertThere(signal: AbortSignal): void {
  if (signal.aborted) throw new CloudStoreError('aborted', 'Whoever asked for it has called it off.');
}
