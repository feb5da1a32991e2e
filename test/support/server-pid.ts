import { join } from 'node:path';
import { recordedPid } from '#metadata/embedded-postgres/survivor';

/** The process of a data directory's database server. @throws when none is recorded: a signal to process 0 would go to the test run itself */
export async function serverPid(dataDirectory: string): Promise<number> {
  const pid = await recordedPid(join(dataDirectory, 'postgres'));
  if (pid === null) throw new Error(`No database server is recorded in ${dataDirectory}.`);
  return pid;
}
