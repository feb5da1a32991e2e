import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#core/clock';
import { createIntegrity } from '#engine/integrity';
import type { Config } from '../config/load.ts';
import { assertUsable, DATA_FORMAT, fileSystemWarnings, readFormat } from '../data-directory-state.ts';
import { type KnownMirror, MIRROR_SETTING, readMark } from '../mirror.ts';
import { describeFailure, type Finding } from './output.ts';
import type { Session } from './session.ts';

const SCRUB_AGE_MS_MAX = 60 * 86_400_000;
/** Packs that are named one by one. */
const NAMED_MAX = 5;

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

interface PackFileSeen {
  size: number;
  open: boolean;
}

/** Packs on disk against the rows that name them, the last scrub, and the mirror. */
export async function storageState(config: Config, session: Session, clock: Clock): Promise<Finding[]> {
  const directory = config.values['data-dir'];
  return [
    ...(await packFindings(directory, session)),
    await scrubFinding(session, clock),
    ...(await mirrorFindings(config, session)),
  ];
}

async function packFindings(directory: string, { metadata }: Session): Promise<Finding[]> {
  const name = 'packs and rows';
  const files = await packFiles(join(directory, 'packs'));
  const rows = (await metadata.integrity.packEnds()).filter(({ store }) => store === 0);
  const missing = rows.filter(({ pack }) => !files.has(pack));
  const short = rows.filter(({ pack, end }) => (files.get(pack)?.size ?? Number.POSITIVE_INFINITY) < end);
  const named = new Set(rows.map(({ pack }) => pack));
  const unknown = [...files].filter(([pack, { open }]) => !open && !named.has(pack));
  const findings: Finding[] = [
    {
      name,
      status: 'ok',
      detail: `${rows.length - missing.length} of ${rows.length} that rows name are there, ${unknown.length} that nothing refers to`,
    },
  ];
  const list = (packs: { pack: string }[]): string =>
    packs
      .slice(0, NAMED_MAX)
      .map(({ pack }) => `${pack}.pack`)
      .join(', ') + (packs.length > NAMED_MAX ? ', …' : '');
  const advice =
    'Put them back from a backup, or run cloudstore scrub: it heals from the mirror what it can, and names the files that are hurt.';
  if (missing.length > 0)
    findings.push({ name: 'packs missing', status: 'fail', detail: `${missing.length}: ${list(missing)}`, advice });
  if (short.length > 0)
    findings.push({ name: 'packs cut short', status: 'fail', detail: `${short.length}: ${list(short)}`, advice });
  return findings;
}

async function packFiles(directory: string): Promise<Map<string, PackFileSeen>> {
  const files = new Map<string, PackFileSeen>();
  for (const open of [true, false]) {
    const folder = open ? join(directory, 'open') : directory;
    for (const entry of await readdir(folder).catch(() => [] as string[])) {
      const pack = /([0-9a-f]{32})[^/]*\.pack$/.exec(entry)?.[1];
      const found = pack === undefined ? null : await stat(join(folder, entry)).catch(() => null);
      if (pack !== undefined && found?.isFile()) files.set(pack, { size: found.size, open });
    }
  }
  return files;
}

async function scrubFinding({ metadata }: Session, clock: Clock): Promise<Finding> {
  const { integrity: rows, chunks, instance } = metadata;
  const name = 'scrub';
  const { lastScrub, damaged, damage } = await createIntegrity({ rows, chunks, instance }).report();
  const running =
    (await metadata.jobStore.list()).find((job) => job.name === 'scrub')?.state === 'running' ? ', one runs now' : '';
  const last = lastScrub === null ? 'never ran to its end' : `last ended ${new Date(lastScrub.ended).toISOString()}`;
  if (damaged > 0)
    return {
      name,
      status: 'fail',
      detail: `${last}${running}; ${damaged} things are damaged (${damage[0]?.kind} ${damage[0]?.subject}: ${damage[0]?.reason})`,
      advice:
        'cloudstore scrub names the files; upload them again, or restore them from a backup, and check the disk (smartctl).',
    };
  if (lastScrub !== null && clock.now() - lastScrub.ended > SCRUB_AGE_MS_MAX)
    return {
      name,
      status: 'warn',
      detail: last + running,
      advice: 'Run cloudstore scrub, or let it run by itself with scrub-every-days.',
    };
  return { name, status: 'ok', detail: `${last}${running}, nothing is damaged that is known` };
}

async function mirrorFindings(config: Config, { metadata }: Session): Promise<Finding[]> {
  const name = 'mirror';
  const directory = config.values['mirror-dir'];
  const known = await metadata.instance.setting<KnownMirror>(MIRROR_SETTING);
  if (directory === null) {
    if (known === null) return [{ name, status: 'ok', detail: 'none (mirror-dir is not set)' }];
    return [
      {
        name,
        status: 'warn',
        detail: `there was one in ${known.directory}, and none is set now`,
        advice: 'Set mirror-dir again, if that was not on purpose.',
      },
    ];
  }
  const mark = await readMark(join(directory, 'packs')).catch(() => null);
  if (known?.directory === directory && known.id !== mark)
    return [
      {
        name,
        status: 'fail',
        detail: `${directory} is not the mirror that was written there before`,
        advice: 'Mount its disk, or name another directory with mirror-dir.',
      },
    ];
  const [here, there] = await Promise.all([
    packFiles(join(config.values['data-dir'], 'packs')),
    packFiles(join(directory, 'packs')),
  ]);
  const behind = [...here].filter(([pack, { open }]) => !open && !there.has(pack)).length;
  const same = (await statfsOf(config.values['data-dir'])) === (await statfsOf(directory));
  const findings: Finding[] = [{ name, status: 'ok', detail: `${directory}: ${there.size} packs, ${behind} to be copied yet` }];
  if (same)
    findings.push({
      name: 'mirror disk',
      status: 'warn',
      detail: 'the mirror lies on the same file system as the data directory',
      advice: 'Put it on another disk: it is to outlive this one.',
    });
  return findings;
}

async function statfsOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  const system = await statfs(path).catch(() => null);
  return found === null || system === null ? path : `${found.dev} ${system.type}`;
}
