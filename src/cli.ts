import { randomBytes } from 'node:crypto';
import { Command, CommanderError, Option } from 'commander';
import type { Logger } from '#contracts/observability';
import { CloudStoreError } from '#core/errors';
import { addAccess } from './cli/access-commands.ts';
import { addAudit } from './cli/audit-commands.ts';
import { commandedBy, noteCommand, recordCommand } from './cli/audit-trail.ts';
import { addCredentials } from './cli/credential-commands.ts';
import { configOf, type Flags, outputOf, subcommand, textFlag, withSettings } from './cli/flags.ts';
import { addHistory } from './cli/history-commands.ts';
import { addIntegrity } from './cli/integrity-commands.ts';
import { addJobs } from './cli/job-commands.ts';
import { describeFailure, EXIT, type Output, table } from './cli/output.ts';
import { addRecovery } from './cli/recovery-commands.ts';
import type { Session, SessionOptions } from './cli/session.ts';
import { addStorage } from './cli/storage-commands.ts';
import { addUsers } from './cli/user-commands.ts';
import { describeConfig } from './config/load.ts';

type Run = (session: Session, output: Output, options: SessionOptions) => Promise<void>;

/** Every command, not yet run. */
export async function createProgram(setExit: (code: number) => void): Promise<Command> {
  const program = new Command('cloudstore')
    .description('Turns a PC into a personal cloud.')
    .version(await version())
    .exitOverride()
    // A command with subcommands has options of its own: what stands behind a subcommand is that one's.
    .enablePositionalOptions()
    .showSuggestionAfterError();
  program.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'cloudstore: ')) });
  program.hook('preAction', (_, command) => noteCommand(command));
  addServe(program, setExit);
  addUsers(program, withSession);
  addCredentials(program, withSession);
  addAccess(program, withSession);
  addBuckets(program);
  addMasterKey(program);
  addDataKey(program);
  addJobs(program, withSession, setExit);
  addHistory(program, withSession);
  addIntegrity(program, withSession, setExit);
  addDoctor(program, setExit);
  addStorage(program, withSession, setExit);
  addRecovery(program, withSession, setExit);
  addAudit(program, withSession, setExit);
  addConfig(program);
  return program;
}

/**
 * The command line. Resolves with the exit code: 0 ok, 1 error, 2 usage or setting, 4 not found, 12 auth.
 * Heavy rooms are imported by the command that needs them, so that `config print` and a mistake are instant.
 */
export async function runCli(argv: string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  // The command goes on to its end, for it may run the database. Who reads no further (`| head`) has what he wants; a full disk has not.
  const unwritten: string[] = [];
  process.stdout.on('error', ({ code = '' }: NodeJS.ErrnoException) => void (code !== 'EPIPE' && unwritten.push(code)));
  process.stderr.on('error', () => undefined);
  const setExit = (code: number): void => void (exitCode = code);
  const program = await createProgram(setExit);
  try {
    await program.parseAsync(argv, { from: 'user' });
    await new Promise(setImmediate); // until it is known whether the last words were written
    if (unwritten.length === 0 || argv[0] === 'serve') return exitCode;
    throw new CloudStoreError('unavailable', `What the command says cannot be written (${unwritten[0]}).`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return exitCode;
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // commander has printed it
    const { text, exitCode: code } = describeFailure(error);
    process.stderr.write(`cloudstore: ${text}\n`);
    return code;
  }
}

function addServe(program: Command, setExit: (code: number) => void): void {
  withSettings(program.command('serve').description('Run the gateway.'))
    .option('--lan', 'listen on all addresses, so that other devices of the network reach it')
    .action(async (flags: Flags) => {
      const config = configOf(flags);
      const { serve } = await import('./serve.ts');
      setExit(await serve(config, program.version() ?? ''));
    });
}

function addBuckets(program: Command): void {
  const bucket = program.command('bucket').description('Buckets.');
  subcommand(bucket, 'add <name>', 'Make a bucket.')
    .option('--owner <user>', 'whose it is; default: the first admin')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { addBucket } = await import('./cli/buckets.ts');
        const added = await addBucket(session, name, textFlag(flags, 'owner'));
        output.data(added, `The bucket ${added.name} belongs to ${added.owner}.`);
      }),
    );
  subcommand(bucket, 'list', 'Show all buckets.').action((flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { listBuckets } = await import('./cli/buckets.ts');
      const buckets = await listBuckets(session);
      output.data(
        buckets,
        table([
          ['ID', 'NAME', 'OWNER', 'OBJECTS', 'BYTES', 'CREATED'],
          ...buckets.map((one) => [one.id, one.name, one.owner, one.objects, one.bytes, one.created]),
        ]),
      );
    }),
  );
  subcommand(bucket, 'remove <name>', 'Remove a bucket that is empty. It can be restored as long as its retention says.')
    .option('--force', 'with everything in it')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { removeBucket } = await import('./cli/buckets.ts');
        output.data(await removeBucket(session, name, flags.force === true), `The bucket ${name} is removed.`);
      }),
    );
  subcommand(bucket, 'removed', 'Show removed buckets that can be restored.').action((flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { listRemovedBuckets } = await import('./cli/buckets.ts');
      const buckets = await listRemovedBuckets(session);
      output.data(
        buckets,
        table([
          ['ID', 'NAME', 'OWNER', 'REMOVED', 'OBJECTS', 'BYTES', 'HISTORY', 'HISTORY BYTES'],
          ...buckets.map((one) => [
            ...[one.id, one.name, one.owner, one.removed, one.objects, one.bytes, one.historyVersions, one.historyBytes],
          ]),
        ]),
      );
    }),
  );
  subcommand(bucket, 'restore <id>', 'Make a removed bucket be there again, with all that was in it.')
    .option('--name <name>', 'under another name, where its own is taken')
    .action((which: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { restoreBucket } = await import('./cli/buckets.ts');
        const restored = await restoreBucket(session, which, textFlag(flags, 'name'));
        output.data(restored, `The bucket ${restored.name} is there again.`);
      }),
    );
  subcommand(bucket, 'purge <id>', 'Let a removed bucket go for good, with all that was in it.').action(
    (which: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { dropBucket } = await import('./cli/buckets.ts');
        const gone = await dropBucket(session, which);
        output.data(gone, `The bucket ${which} is gone.`);
      }),
  );
}

function addMasterKey(program: Command): void {
  const masterKey = program.command('master-key').description('The key that all stored keys are wrapped with.');
  subcommand(masterKey, 'status', 'Show where it comes from; never the key.').action((flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { masterKeyStatus } = await import('./cli/master-key.ts');
      const status = await masterKeyStatus(session);
      output.data(
        status,
        `from ${status.from}${status.derivation === null ? '' : `, by ${status.derivation}`}, check ${status.check}`,
      );
    }),
  );
  subcommand(masterKey, 'rotate', 'Change it at once; running gateways go on with the new one.')
    .option('--new-key-file <path>', 'make the new key in this file; default: where the key of now lies')
    .addOption(
      new Option('--new-passphrase-stdin', 'read a passphrase from stdin that the new key comes from').conflicts('newKeyFile'),
    )
    .action((flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { rotateMasterKey } = await import('./cli/master-key.ts');
        const changed = await rotateMasterKey(session, flags, randomBytes);
        const where = changed.path === null ? 'it comes from the new passphrase' : `it lies in ${changed.path}`;
        output.data(
          changed,
          `The master key is changed: ${where}. Copy it to where you keep the old one; backups that were made before need the old one.`,
        );
        if (changed.todo !== null) output.note(changed.todo);
      }),
    );
}

function addDataKey(program: Command): void {
  const dataKey = program.command('data-key').description('The keys that contents are encrypted with, for each user.');
  subcommand(
    dataKey,
    'list [user]',
    'Show which key of each user is in use, and how many older ones something may still need.',
  ).action((user: string | undefined, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { dataKeys } = await import('./cli/data-key.ts');
      const keys = await dataKeys(session, user ?? null);
      output.data(keys, table([['USER', 'KEY', 'OLDER'], ...keys.map((one) => [one.user, one.epoch, one.older])]));
    }),
  );
  subcommand(
    dataKey,
    'rotate [user]',
    'Begin a new key, for one user or for all; what is stored is written anew under it in the background.',
  ).action((user: string | undefined, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { rotateDataKeys } = await import('./cli/data-key.ts');
      const keys = await rotateDataKeys(session, user ?? null);
      output.data(keys, table([['USER', 'KEY', 'OLDER'], ...keys.map((one) => [one.user, one.epoch, one.older])]));
      output.note(
        'What is stored is being written anew by the gateway (job rekey); older keys are forgotten when nothing needs them any more.',
      );
    }),
  );
}

function addDoctor(program: Command, setExit: (code: number) => void): void {
  subcommand(program, 'doctor', 'Look at the installation and say what to do.').action(async (flags: Flags) => {
    const config = configOf(flags);
    const { examine } = await import('./cli/doctor.ts');
    const findings = await examine(config);
    const failed = findings.some(({ status }) => status === 'fail');
    const lines = findings.map(
      ({ status, name, detail, advice }) =>
        `${status.padEnd(4)}  ${name}: ${detail}${advice === undefined ? '' : `\n      → ${advice}`}`,
    );
    outputOf(flags).data({ ok: !failed, findings }, lines.join('\n'));
    if (failed) setExit(EXIT.error);
  });
}

function addConfig(program: Command): void {
  const config = program.command('config').description('Settings.');
  subcommand(config, 'print', 'Show every setting and where its value comes from; secrets stay hidden.').action(
    (flags: Flags) => {
      const described = describeConfig(configOf(flags));
      const document = Object.fromEntries(described.map(({ name, ...rest }) => [name, rest]));
      outputOf(flags).data(
        document,
        table(described.map(({ name, value, source }) => [name, value === null ? '-' : String(value), source])),
      );
    },
  );
}

async function withSession(flags: Flags, run: Run): Promise<void> {
  const config = configOf(flags);
  const [{ openSession }, { createLogger }] = await Promise.all([import('./cli/session.ts'), import('#observability/logger')]);
  const log: Logger = createLogger({ level: 'error' });
  const options = { config, clock: Date, random: randomBytes, log };
  const session = await openSession(options);
  let done = false;
  try {
    await run(session, outputOf(flags), options);
    done = true;
  } finally {
    if (config.values.audit !== 'off')
      await recordCommand(session, commandedBy(flags), !done, options).catch((err: unknown) =>
        log.error({ err }, 'the audit could not be written'),
      );
    await session.close();
  }
}

async function version(): Promise<string> {
  const [{ readFile }, { join }, { packageRoot }] = await Promise.all([
    import('node:fs/promises'),
    import('node:path'),
    import('./config/environment.ts'),
  ]);
  return JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8')).version;
}
