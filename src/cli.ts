import { randomBytes } from 'node:crypto';
import { Command, CommanderError, Option } from 'commander';
import type { Logger } from '#contracts/observability';
import type { Role } from '#core/principal';
import { configOf, type Flags, givenKey, givenPassword, outputOf, subcommand, textFlag, withSettings } from './cli/flags.ts';
import { addIntegrity } from './cli/integrity-commands.ts';
import { addJobs } from './cli/job-commands.ts';
import { describeFailure, EXIT, type Output, table } from './cli/output.ts';
import { addRecovery } from './cli/recovery-commands.ts';
import type { Session, SessionOptions } from './cli/session.ts';
import { addStorage } from './cli/storage-commands.ts';
import { describeConfig } from './config/load.ts';

type Run = (session: Session, output: Output, options: SessionOptions) => Promise<void>;

/**
 * The command line. Resolves with the exit code: 0 ok, 1 error, 2 usage or setting, 4 not found, 12 auth.
 * Heavy rooms are imported by the command that needs them, so that `config print` and a mistake are instant.
 */
export async function runCli(argv: string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const setExit = (code: number): void => void (exitCode = code);
  const program = new Command('cloudstore')
    .description('Turns a PC into a personal cloud.')
    .version(await version())
    .exitOverride()
    .showSuggestionAfterError();
  program.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'cloudstore: ')) });
  addServe(program, setExit);
  addUsers(program);
  addKeys(program);
  addBuckets(program);
  addMasterKey(program);
  addDataKey(program);
  addJobs(program, withSession, setExit);
  addIntegrity(program, withSession, setExit);
  addDoctor(program, setExit);
  addStorage(program, withSession, setExit);
  addRecovery(program, setExit);
  addConfig(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
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

function addUsers(program: Command): void {
  const user = program.command('user').description('Users.');
  subcommand(user, 'add <name>', 'Make a user, with a first bucket unless it is a guest.')
    .addOption(new Option('--role <role>', 'what it may do').choices(['admin', 'member', 'guest']).default('member'))
    .option('--password-stdin', 'read the password from stdin; else one is made and printed')
    .option('--key', 'make an S3 access key')
    .option('--access-key-id <id>', 'make an S3 access key of this id')
    .option('--secret-access-key <secret>', 'its secret')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { addUser } = await import('./cli/users.ts');
        const key = givenKey(flags) ?? (flags.key ? 'generate' : null);
        const added = await addUser(
          session,
          { name, role: flags.role as Role, password: await givenPassword(flags), key },
          randomBytes,
        );
        output.data(
          added,
          Object.entries(added)
            .map(([label, value]) => `${label}: ${value}`)
            .join('\n'),
        );
      }),
    );
  subcommand(user, 'list', 'Show all users.').action((flags: Flags) =>
    withSession(flags, async ({ metadata }, output) => {
      const users = (await metadata.principals.list()).map(({ id, name, role, disabled, quotaBytes, created }) => ({
        id,
        name,
        role,
        disabled,
        quotaBytes,
        created: new Date(created).toISOString(),
      }));
      output.data(
        users,
        table([
          ['ID', 'NAME', 'ROLE', 'STATE', 'CREATED'],
          ...users.map((one) => [one.id, one.name, one.role, one.disabled ? 'disabled' : 'active', one.created]),
        ]),
      );
    }),
  );
  subcommand(user, 'passwd <name>', 'Set a new password; every session of the user ends.')
    .option('--password-stdin', 'read it from stdin; else one is made and printed')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { setPassword } = await import('./cli/users.ts');
        const changed = await setPassword(session, name, await givenPassword(flags), randomBytes);
        output.data(
          changed,
          changed.password === undefined ? `The password of ${name} is changed.` : `password: ${changed.password}`,
        );
      }),
    );
  for (const disabled of [true, false]) {
    const verb = disabled ? 'disable' : 'enable';
    subcommand(
      user,
      `${verb} <name>`,
      disabled ? 'Stop a user on every protocol at once; nothing is removed.' : 'Let a disabled user in again.',
    ).action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { setDisabled } = await import('./cli/users.ts');
        output.data(await setDisabled(session, name, disabled), `${name} is ${verb}d.`);
      }),
    );
  }
  subcommand(user, 'remove <name>', 'Remove a user, its keys and sessions; its buckets pass to an admin.')
    .option('--heir <name>', 'who gets its buckets; default: the first admin')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { removeUser } = await import('./cli/users.ts');
        const removed = await removeUser(session, name, textFlag(flags, 'heir'));
        output.data(removed, `${name} is removed; what it owned belongs to ${removed.heir}.`);
      }),
    );
}

function addKeys(program: Command): void {
  const key = program.command('key').description('S3 access keys.');
  subcommand(key, 'add <user>', 'Make an access key for a user.')
    .option('--name <name>', 'what it is for')
    .option('--access-key-id <id>', 'an id of your own')
    .option('--secret-access-key <secret>', 'its secret')
    .action((user: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { addKey } = await import('./cli/keys.ts');
        const added = await addKey(session, user, givenKey(flags), textFlag(flags, 'name'), randomBytes);
        output.data(added, `accessKeyId: ${added.accessKeyId}\nsecretAccessKey: ${added.secretAccessKey}`);
      }),
    );
  subcommand(key, 'list [user]', 'Show access keys; never their secrets.').action((user: string | undefined, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { listKeys } = await import('./cli/keys.ts');
      const keys = await listKeys(session, user ?? null);
      output.data(
        keys,
        table([
          ['ACCESS KEY ID', 'USER', 'NAME', 'CREATED'],
          ...keys.map((one) => [one.accessKeyId, one.user, one.name ?? '', one.created]),
        ]),
      );
    }),
  );
  subcommand(key, 'remove <id>', 'Remove an access key; it stops working at once.').action((id: string, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { removeKey } = await import('./cli/keys.ts');
      output.data(await removeKey(session, id), `The key ${id} is removed.`);
    }),
  );
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
  subcommand(bucket, 'remove <name>', 'Remove a bucket that is empty.')
    .option('--force', 'with everything in it')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { removeBucket } = await import('./cli/buckets.ts');
        output.data(await removeBucket(session, name, flags.force === true), `The bucket ${name} is removed.`);
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
  try {
    await run(session, outputOf(flags), options);
  } finally {
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
