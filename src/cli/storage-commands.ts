import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BlobStore } from '#contracts/blob-store';
import { SettingError } from '../config/setting-error.ts';
import { configOf, type Flags, outputOf, subcommand, textFlag } from './flags.ts';
import { EXIT } from './output.ts';

/** Commands about where the packs lie. */
export function addStorage(program: Command, setExit: (code: number) => void): void {
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
