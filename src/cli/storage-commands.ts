import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BlobStore } from '#contracts/blob-store';
import { SettingError } from '../config/setting-error.ts';
import { configOf, type Flags, outputOf, subcommand, textFlag } from './flags.ts';
import { EXIT, gib, type Output, table } from './output.ts';
import type { Session, SessionOptions } from './session.ts';

type WithSession = (
  flags: Flags,
  run: (session: Session, output: Output, options: SessionOptions) => Promise<void>,
) => Promise<void>;

/** Commands about where the packs lie. */
export function addStorage(program: Command, withSession: WithSession, setExit: (code: number) => void): void {
  addDisks(program, withSession, setExit);
  subcommand(program, 'check-storage', 'Try out a store for packs, measure it, and leave nothing behind.')
    .option(
      '--url <url>',
      'an S3-compatible store: s3://KEY:SECRET@bucket/prefix?endpoint=https://host; default: the one of the settings',
    )
    .option('--dir <directory>', 'a directory')
    .action(async (flags: Flags) => {
      const { checkStorage, describeReport } = await import('./check-storage.ts');
      const { store, name } = await storeToCheck(flags);
      try {
        const report = await checkStorage(store, name, randomBytes);
        outputOf(flags).data(report, describeReport(report));
        if (!report.ok) setExit(EXIT.error);
        else if (report.left > 0) setExit(EXIT.partial);
      } finally {
        await store.close();
      }
    });
}

function addDisks(program: Command, withSession: WithSession, setExit: (code: number) => void): void {
  const disk = program.command('disk').description('Stores of packs: the data directory, more disks, S3.');
  subcommand(disk, 'list', 'Show every store, whether it is there, and what lies in it.').action((flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { listDisks } = await import('./disks.ts');
      const disks = await listDisks(session);
      output.data(
        disks,
        table([
          ['NUMBER', 'KIND', 'STATE', 'PACKS', 'BYTES', 'FREE', 'WHERE'],
          ...disks.map((one) => [
            one.number,
            one.kind,
            one.fault !== null ? 'unreadable' : one.present === false ? 'missing' : one.state,
            one.packs,
            gib(one.bytes),
            one.freeBytes === null ? '-' : gib(one.freeBytes),
            one.location,
          ]),
        ]),
      );
    }),
  );
  subcommand(disk, 'add <directory>', 'Take a directory, on a disk of its own, for packs.').action(
    (directory: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { addDisk } = await import('./disks.ts');
        const added = await addDisk(session, directory, randomBytes);
        output.data(added, `${added.location} is store ${added.number} of packs.`);
      }),
  );
  subcommand(disk, 'drain <number>', 'Move everything off a store; it takes nothing new.')
    .option('--cancel', 'let it take packs again')
    .option('--wait', 'until it is empty')
    .action((number: string, flags: Flags) =>
      withSession(flags, async (session, output, options) => {
        const [{ drainDisk }, { runJob }] = await Promise.all([import('./disks.ts'), import('./jobs.ts')]);
        const cancel = flags.cancel === true;
        const store = await drainDisk(session, numberOf(number), cancel);
        if (cancel) return output.data(store, `Store ${number} takes packs again.`);
        const wait = flags.wait === true;
        await runJob(session, options, 'drain', null, { wait, shown: () => undefined });
        const left = await session.metadata.stores.holds(store.number);
        output.data(
          { ...store, empty: !left },
          left ? `Store ${number} is being emptied; see cloudstore jobs list.` : `Store ${number} is empty.`,
        );
        if (wait && left) setExit(EXIT.partial);
      }),
    );
  subcommand(disk, 'remove <number>', 'Forget a store that is empty.').action((number: string, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { removeDisk } = await import('./disks.ts');
      const removed = await removeDisk(session, numberOf(number));
      output.data(removed, `Store ${number} is removed; its disk can be taken away.`);
    }),
  );
  subcommand(
    disk,
    'replace <number> <directory>',
    'Let another directory take the place of a store: a copy of it, or an empty one.',
  ).action((number: string, directory: string, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { replaceDisk } = await import('./disks.ts');
      const { store, missingPacks } = await replaceDisk(session, numberOf(number), directory, randomBytes);
      const lost =
        missingPacks.length === 0
          ? ''
          : ` ${missingPacks.length} packs are not there; cloudstore scrub tells which files that hurts.`;
      output.data({ ...store, missingPacks }, `${store.location} is store ${number} of packs.${lost}`);
      if (missingPacks.length > 0) setExit(EXIT.partial);
    }),
  );
  subcommand(disk, 'forget-spool', 'Give up what only a lost gateway had on its way to S3, so that others may start.').action(
    (flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { forgetSpool } = await import('./disks.ts');
        const forgotten = await forgetSpool(session);
        output.data(forgotten, `What had not left ${forgotten.location} is given up.`);
      }),
  );
}

function numberOf(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new SettingError(`"${text}" is no number of a store; see cloudstore disk list.`);
  return Number(text);
}

/** @throws SettingError, invalid_argument, unavailable */
async function storeToCheck(flags: Flags): Promise<{ store: BlobStore; name: string }> {
  const [url, directory] = [textFlag(flags, 'url'), textFlag(flags, 'dir')];
  if (url !== null && directory !== null) throw new SettingError('--url and --dir say different things; give one of them.');
  const remote = url ?? (directory === null ? configOf(flags).values['chunks-url'] : null);
  if (remote !== null) {
    const [{ createS3Store }, { describeS3Location, parseS3Location }] = await Promise.all([
      import('#blob/s3'),
      import('#core/s3-location'),
    ]);
    const location = parseS3Location(remote);
    return { store: createS3Store({ location, random: randomBytes }), name: describeS3Location(location) };
  }
  if (directory === null)
    throw new SettingError(
      'Which store? Give --url or --dir, or set CLOUDSTORE_CHUNKS_URL; see cloudstore check-storage --help.',
    );
  const [{ createLocalDisk }, { nodeDiskOps }] = await Promise.all([import('#blob/local-disk'), import('#blob/disk-ops')]);
  const path = resolve(directory);
  return { store: await createLocalDisk({ directory: path, disk: nodeDiskOps(), tidy: false }), name: path };
}
