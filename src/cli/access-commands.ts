import type { Command } from 'commander';
import { createAuthorizer } from '#auth/authorizer';
import { explainRule } from '#auth/explain-rule';
import { ACTIONS, type Action } from '#core/actions';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { GRANT_ROLES, type Grant, type GrantRole, type Subject } from '#core/grant';
import type { Principal } from '#core/principal';
import { SettingError } from '../config/setting-error.ts';
import { type Flags, subcommand, textFlag } from './flags.ts';
import type { WithSession } from './job-commands.ts';
import { table } from './output.ts';
import type { Session, SessionOptions } from './session.ts';
import { getUser } from './users.ts';

/** `access list`, `grant`, `revoke` and `explain`: who may what, and why. */
export function addAccess(program: Command, withSession: WithSession): void {
  const access = program.command('access').description('Who may what: roles on buckets and folders, and which rule decides.');
  subcommand(access, 'list <bucket>', 'Show every grant in a bucket.').action((name: string, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const listed = await list(session, name);
      const rows = listed.map(({ place, kind, name, role }) => [place, kind, name, role]);
      output.data(listed, table([['PLACE', 'TO', 'NAME', 'ROLE'], ...rows]));
    }),
  );
  subject(subcommand(access, 'grant <path>', `Give a role on a bucket or folder: ${GRANT_ROLES.join(', ')}.`))
    .requiredOption('--role <role>', 'what they may')
    .action((path: string, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const role = GRANT_ROLES.find((one) => one === textFlag(flags, 'role'));
        if (role === undefined) throw new SettingError(`--role is one of ${GRANT_ROLES.join(', ')}.`);
        const granted = await grant(session, path, flags, role);
        output.data(granted, `${granted.name} is ${role} of ${granted.place}.`);
      }),
    );
  subject(subcommand(access, 'revoke <path>', 'Take a grant away.')).action((path: string, flags: Flags) =>
    withSession(flags, async (session, output) => {
      const { bucket, prefix } = await placeOf(session, path);
      const { subject, name } = await subjectOf(session, flags);
      if (!(await session.metadata.authority.removeGrant({ subject, bucket: bucket.id, prefix })))
        throw new CloudStoreError('not_found', `${name} has no grant on ${bucket.name}/${prefix}.`);
      output.data({ place: `${bucket.name}/${prefix}`, name }, `${name} has no grant on ${bucket.name}/${prefix} any more.`);
    }),
  );
  subcommand(
    access,
    'explain <user> <action> <path>',
    'Say whether a user may do something, and which rule decides. `-` is nobody, without credentials.',
  )
    .option('--address <address>', 'from where it would be asked')
    .option('--without-tls', 'as if it came without TLS')
    .action((user: string, action: string, path: string, flags: Flags) =>
      withSession(flags, async (session, output, options) => {
        const found = await explain(session, options, { user, action, path, flags });
        output.data(found, `${found.allowed ? 'Allowed' : 'Denied'}. ${found.because}`);
      }),
    );
}

function subject(command: Command): Command {
  return command.option('--user <name>', 'a user').option('--group <name>', 'a group');
}

async function list(session: Session, name: string) {
  const { bucket } = await placeOf(session, name);
  const grants = (await session.metadata.authority.load(bucket.id))?.grants ?? [];
  const users = new Map((await session.metadata.principals.list()).map((one) => [one.id, one.name]));
  const groups = new Map((await session.metadata.groups.list()).map((one) => [one.id, one.name]));
  return grants.map(({ subject, prefix, role }) => ({
    place: `${bucket.name}/${prefix}`,
    kind: subject.kind,
    name: nameOf(subject, users, groups),
    role,
  }));
}

function nameOf({ kind, id }: Subject, users: ReadonlyMap<number, string>, groups: ReadonlyMap<number, string>): string {
  return (kind === 'user' ? users.get(id) : kind === 'group' ? groups.get(id) : undefined) ?? String(id);
}

async function grant(
  session: Session,
  path: string,
  flags: Flags,
  role: GrantRole,
): Promise<{ place: string; name: string; role: string }> {
  const { bucket, prefix } = await placeOf(session, path);
  const { subject, name } = await subjectOf(session, flags);
  const made: Grant = { subject, bucket: bucket.id, prefix, role };
  await session.metadata.authority.setGrant(made);
  return { place: `${bucket.name}/${prefix}`, name, role };
}

/** @throws bucket_not_found */
async function placeOf({ metadata }: Session, path: string): Promise<{ bucket: Bucket; key: string; prefix: string }> {
  const slash = path.indexOf('/');
  const name = slash < 0 ? path : path.slice(0, slash);
  const key = slash < 0 ? '' : path.slice(slash + 1);
  const bucket = await metadata.buckets.resolve(null, name);
  if (bucket === null) throw new CloudStoreError('bucket_not_found', `There is no bucket ${name}.`);
  return { bucket, key, prefix: key === '' || key.endsWith('/') ? key : `${key}/` };
}

/** @throws principal_not_found, SettingError */
async function subjectOf(session: Session, flags: Flags): Promise<{ subject: Subject; name: string }> {
  const [user, group] = [textFlag(flags, 'user'), textFlag(flags, 'group')];
  if ((user === null) === (group === null)) throw new SettingError('Name a --user or a --group.');
  if (user !== null) return { subject: { kind: 'user', id: (await getUser(session, user)).id }, name: user };
  const found = await session.metadata.groups.findByName(group ?? '');
  if (found === null) throw new CloudStoreError('principal_not_found', `There is no group ${group}.`);
  return { subject: { kind: 'group', id: found.id }, name: found.name };
}

async function explain(
  session: Session,
  { clock }: SessionOptions,
  asked: { user: string; action: string; path: string; flags: Flags },
): Promise<{ allowed: boolean; because: string; rule: object }> {
  const { metadata } = session;
  if (!Object.hasOwn(ACTIONS, asked.action))
    throw new SettingError(`There is no action ${asked.action}; they are: ${Object.keys(ACTIONS).join(', ')}.`);
  const action = asked.action as Action;
  const { bucket, key } = await placeOf(session, asked.path);
  const record = asked.user === '-' ? null : await getUser(session, asked.user);
  if (record?.disabled === true) return { allowed: false, because: 'The user is disabled.', rule: { kind: 'nothing' } };
  const principal: Principal | null =
    record === null
      ? null
      : { id: record.id, name: record.name, role: record.role, ...(record.groups && { groups: record.groups }) };
  const address = textFlag(asked.flags, 'address');
  const secure = asked.flags.withoutTls !== true;
  const context = { remoteAddress: address ?? '127.0.0.1', secure, header: () => undefined };
  const authorizer = createAuthorizer({ authority: metadata.authority, signals: metadata.signals, clock });
  const who = { principal, protocol: 's3' as const, requestId: 'explain', context };
  const place = ACTIONS[action].on === 'service' ? null : bucket;
  const { allowed, rule } = await authorizer.decide(who, action, place, key);
  const users = new Map((await metadata.principals.list()).map((one) => [one.id, one.name]));
  const groups = new Map((await metadata.groups.list()).map((one) => [one.id, one.name]));
  const because = explainRule(rule, (kind, id) => nameOf({ kind: kind as Subject['kind'], id }, users, groups));
  return { allowed, because, rule };
}
