import type { Finding } from '#contracts/examiner';
import type { Clock } from '#core/clock';
import { createIntegrity } from '#engine/integrity';
import type { Config } from '../config/load.ts';
import { assertUsable, DATA_FORMAT, fileSystemWarnings, readFormat } from '../data-directory-state.ts';
import { mirrorFindings } from './doctor-mirror.ts';
import { packFindings, seenStores } from './doctor-stores.ts';
import { describeFailure } from './output.ts';
import type { Session } from './session.ts';

const SCRUB_AGE_MS_MAX = 60 * 86_400_000;

/** The directory as a whole: half there, of another version, another user's, on what kind of file system. Writes nothing. */
export async function directoryState(config: Config): Promise<Finding[]> {
  const path = config.values['data-dir'];
  const findings: Finding[] = [];
  try {
    await assertUsable(path, config.values['database-url'] === null);
    const format = await readFormat(path);
    findings.push({
      name: 'format',
      status: 'ok',
      detail: format === null ? 'not written yet' : `${format} (this version writes ${DATA_FORMAT})`,
    });
  } catch (error) {
    const [problem = '', advice = ''] = describeFailure(error).text.split('; ');
    findings.push({ name: 'data directory state', status: 'fail', detail: problem, ...(advice === '' ? {} : { advice }) });
  }
  for (const warning of await fileSystemWarnings(path).catch(() => [])) {
    const [detail = '', advice = ''] = warning.split('; ');
    findings.push({ name: 'file system', status: 'warn', detail, advice });
  }
  return findings;
}

/** Packs in every store against the rows that name them, the last scrub, and the mirror. */
export async function storageState(config: Config, session: Session, clock: Clock): Promise<Finding[]> {
  const stores = await seenStores(config, session);
  return [
    ...(await packFindings(stores, session)),
    await scrubFinding(session, clock),
    ...(await mirrorFindings(config, session, stores)),
  ];
}

async function scrubFinding({ metadata }: Session, clock: Clock): Promise<Finding> {
  const { integrity: rows, chunks, instance } = metadata;
  const name = 'scrub';
  const { lastScrub, damaged, damage } = await createIntegrity({ rows, chunks, instance, clock }).report();
  const last = lastScrub === null ? 'never ran to its end' : `last ended ${new Date(lastScrub.ended).toISOString()}`;
  const runs = (await metadata.jobStore.list()).find((job) => job.name === 'scrub')?.state === 'running';
  const state = runs ? `${last}, one runs now` : last;
  if (damaged > 0)
    return {
      name,
      status: 'fail',
      detail: `${state}; ${damaged} things are damaged (${damage[0]?.kind} ${damage[0]?.subject}: ${damage[0]?.reason})`,
      advice:
        'cloudstore scrub names the files; upload them again, or restore them from a backup, and check the disk (smartctl).',
    };
  if (lastScrub !== null && clock.now() - lastScrub.ended > SCRUB_AGE_MS_MAX)
    return {
      name,
      status: 'warn',
      detail: state,
      advice: 'Run cloudstore scrub, or let it run by itself with scrub-every-days.',
    };
  return { name, status: 'ok', detail: `${state}, nothing is damaged that is known` };
}
