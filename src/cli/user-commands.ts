import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { Role } from '#core/principal';
import { type Flags, givenKey, givenPassword, subcommand, textFlag } from './flags.ts';
import type { WithSession } from './job-commands.ts';
import { table } from './output.ts';

const ROLES: Role[] = ['admin', 'member', 'guest'];

/** `user`, `group` and `session`. */
export function addUsers(program: Command, withSession: WithSession): void {
  const user = program.command('user').description('Users.');
  subcommand(user, 'add <name>', 'Make a user, with a first bucket unless it is a guest.')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).default('member'))
    .option('--password-stdin', 'read the password from stdin; else one is made and printed')
    .option('--key', 'make an S3 access key')
    .option('--access-key-id <id>', 'make an S3 access key of this id')
    .option('--secret-access-key <secret>', 'its secret')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { OPERATOR, usersOf } = await import('./users.ts');
        const key = givenKey(flags) ?? (flags.key ? ('generate' as const) : null);
        const wanted = { name, role: flags.role as Role, password: await givenPassword(flags), key };
        const added = await usersOf(session, randomBytes).create(OPERATOR, wanted);
        const lines = Object.entries(added).map(([label, value]) => `${label}: ${value}`);
        output.data(added, lines.join('\n'));
      }),
    );
  subcommand(user, 'list', 'Show all users.').action((flags: Flags) =>
    withSession(flags, async ({ metadata }, output) => {
      const users = (await metadata.principals.list()).map(({ id, name, role, disabled, secondFactor, quotaBytes, created }) => ({
        ...{ id, name, role, disabled, secondFactor, quotaBytes },
        created: new Date(created).toISOString(),
      }));
      const rows = users.map((one) => [
        one.id,
        one.name,
        one.role,
        one.disabled ? 'disabled' : 'active',
        one.secondFactor ? 'on' : 'off',
        one.created,
      ]);
      output.data(users, table([['ID', 'NAME', 'ROLE', 'STATE', '2ND FACTOR', 'CREATED'], ...rows]));
    }),
  );
  subcommand(user, 'passwd <name>', 'Set a new password; every session of the user ends.')
    .option('--password-stdin', 'read it from stdin; else one is made and printed')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { OPERATOR, usersOf } = await import('./users.ts');
        const { record, password } = await usersOf(session, randomBytes).setPassword(OPERATOR, name, await givenPassword(flags));
        const made = password === undefined ? {} : { password };
        output.data(
          { id: record.id, name, ...made },
          password === undefined ? `The password of ${name} is changed.` : `password: ${password}`,
        );
      }),
    );
  subcommand(user, 'reset <name>', 'For who cannot get in, or somebody else did: new password, no second factor, no session.')
    .option('--password-stdin', 'read the password from stdin; else one is made and printed')
    .option('--credentials', 'take every key, app password and device back, too')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { OPERATOR, usersOf } = await import('./users.ts');
        const options = { password: await givenPassword(flags), credentials: flags.credentials === true };
        const { record, password } = await usersOf(session, randomBytes).reset(OPERATOR, name, options);
        const made = password === undefined ? {} : { password };
        output.data({ id: record.id, name, ...made }, password === undefined ? `${name} is reset.` : `password: ${password}`);
      }),
    );
  for (const disabled of [true, false]) {
    const verb = disabled ? 'disable' : 'enable';
    const what = disabled ? 'Stop a user on every protocol at once; nothing is removed.' : 'Let a disabled user in again.';
    subcommand(user, `${verb} <name>`, what).action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { OPERATOR, usersOf } = await import('./users.ts');
        const { id } = await usersOf(session, randomBytes).update(OPERATOR, name, { disabled });
        output.data({ id, name, disabled }, `${name} is ${verb}d.`);
      }),
    );
  }
  subcommand(user, 'role <name>', 'Change what a user is.')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { OPERATOR, usersOf } = await import('./users.ts');
        const { id, role } = await usersOf(session, randomBytes).update(OPERATOR, name, { role: flags.role as Role });
        output.data({ id, name, role }, `${name} is ${role}.`);
      }),
    );
  subcommand(user, 'remove <name>', 'Remove a user, its keys and sessions; its buckets pass to an admin.')
    .option('--heir <name>', 'who gets its buckets; default: the first admin')
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { OPERATOR, usersOf } = await import('./users.ts');
        const { record, heir } = await usersOf(session, randomBytes).remove(OPERATOR, name, textFlag(flags, 'heir'));
        output.data({ id: record.id, name, heir }, `${name} is removed; what it owned belongs to ${heir}.`);
      }),
    );
  addSessions(program, withSession);
  addGroups(program, withSession);
}

function addSessions(program: Command, withSession: WithSession): void {
  const sessions = program.command('session').description('Log-ins of users.');
  subcommand(sessions, 'list <user>', 'Show the sessions of a user.').action((user: string, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { OPERATOR, usersOf } = await import('./users.ts');
      const all = (await usersOf(session, randomBytes).sessions(OPERATOR, user)).map(
        ({ id, label, created, lastUsed, lastUsedFrom }) => ({
          ...{ id, label, lastUsedFrom },
          created: new Date(created).toISOString(),
          lastUsed: new Date(lastUsed).toISOString(),
        }),
      );
      const rows = all.map((one) => [one.id, one.label, one.lastUsed, one.lastUsedFrom ?? '']);
      output.data(all, table([['ID', 'LABEL', 'LAST USED', 'FROM'], ...rows]));
    }),
  );
  subcommand(sessions, 'end <user> [id]', 'End one session of a user, or all.').action(
    (user: string, id: string | undefined, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { OPERATOR, usersOf } = await import('./users.ts');
        const users = usersOf(session, randomBytes);
        if (id !== undefined) await users.endSession(OPERATOR, id, user);
        const count = id !== undefined ? 1 : await users.endSessions(OPERATOR, { name: user });
        output.data({ user, ended: count }, `${count} ended.`);
      }),
  );
}

function addGroups(program: Command, withSession: WithSession): void {
  const group = program.command('group').description('Groups of users.');
  const names = (text: string, before: string[] = []): string[] => [...before, text];
  subcommand(group, 'add <name> [members...]', 'Make a group.').action((name: string, members: string[], flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { OPERATOR, usersOf } = await import('./users.ts');
      const made = await usersOf(session, randomBytes).createGroup(OPERATOR, name, members);
      output.data({ name, members: made.members }, `${name}: ${made.members.join(', ') || 'nobody'}`);
    }),
  );
  subcommand(group, 'list', 'Show all groups and who is in them.').action((flags: Flags) =>
    withSession(flags, async (session, output) => {
      const groups = (await session.metadata.groups.list()).map(({ name, members }) => ({ name, members }));
      output.data(groups, table([['NAME', 'MEMBERS'], ...groups.map((one) => [one.name, one.members.join(', ')])]));
    }),
  );
  subcommand(group, 'change <name>', 'Rename a group, add and remove members.')
    .option('--rename <name>', 'its new name')
    .option('--add <user>', 'a new member; may be given several times', names)
    .option('--remove <user>', 'no member any more; may be given several times', names)
    .action((name: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const { OPERATOR, usersOf } = await import('./users.ts');
        const rename = textFlag(flags, 'rename');
        const list = (value: unknown): string[] => (Array.isArray(value) ? value : []);
        const patch = { ...(rename === null ? {} : { name: rename }), add: list(flags.add), remove: list(flags.remove) };
        const changed = await usersOf(session, randomBytes).updateGroup(OPERATOR, name, patch);
        output.data(
          { name: changed.name, members: changed.members },
          `${changed.name}: ${changed.members.join(', ') || 'nobody'}`,
        );
      }),
    );
  subcommand(group, 'remove <name>', 'Remove a group; its members stay.').action((name: string, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { OPERATOR, usersOf } = await import('./users.ts');
      await usersOf(session, randomBytes).removeGroup(OPERATOR, name);
      output.data({ name }, `The group ${name} is removed.`);
    }),
  );
}
