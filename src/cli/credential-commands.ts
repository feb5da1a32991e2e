import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { CredentialRecord } from '#contracts/credential-store';
import type { MadeCredential, WantedCredential } from '#contracts/credentials';
import { ACTIONS } from '#core/actions';
import type { Scope } from '#core/credential';
import { SettingError } from '../config/setting-error.ts';
import { type Flags, givenKey, subcommand, textFlag } from './flags.ts';
import type { WithSession } from './job-commands.ts';
import { table } from './output.ts';
import type { Session, SessionOptions } from './session.ts';

type Kind = WantedCredential['kind'];

const GROUPS: Record<Kind, { command: string; description: string; what: string }> = {
  s3: { command: 'key', description: 'S3 access keys.', what: 'an S3 access key' },
  'app-password': {
    command: 'app-password',
    description: 'Passwords for programs: WebDAV, and Basic authentication of the API.',
    what: 'an app password',
  },
  device: { command: 'device', description: 'One secret for all doors, for one device.', what: 'a device' },
};
/** What `--read-only` leaves: looking at files, and nothing else. */
const READING = ['read', 'list', 'attributes.read', 'tags.read', 'bucket.list', 'bucket.location.read'];

/** `key`, `app-password` and `device`. */
export function addCredentials(program: Command, withSession: WithSession): void {
  for (const kind of Object.keys(GROUPS) as Kind[]) {
    const { command, description, what } = GROUPS[kind];
    const group = program.command(command).description(description);
    const add = subcommand(group, 'add <user>', `Make ${what} for a user; its secret is told once.`)
      .option('--name <name>', 'what it is for')
      .option('--place <bucket/prefix>', 'only below here; may be given several times', several)
      .option('--action <action>', 'only this; may be given several times', several)
      .option('--read-only', 'only reading and listing')
      .option('--network <cidr>', 'only from there; may be given several times', several)
      .option('--expires <time>', 'until then: ISO 8601, or days from now like 30d');
    if (kind === 's3') {
      add.option('--access-key-id <id>', 'an id of your own').option('--secret-access-key <secret>', 'its secret');
    }
    add.action((user: string, flags: Flags) =>
      withSession(flags, async (session, output, options) => {
        const made = await make(session, options, kind, user, flags);
        const told = toldOf(kind, user, made);
        output.data(
          told,
          Object.entries(told)
            .map(([label, value]) => `${label}: ${value}`)
            .join('\n'),
        );
      }),
    );
    subcommand(group, 'list [user]', 'Show them; never their secrets.').action((user: string | undefined, flags: Flags) =>
      withSession(flags, async (session, output) => {
        const listed = await list(session, kind, user ?? null);
        const head = [kind === 's3' ? 'ACCESS KEY ID' : 'ID', 'USER', 'NAME', 'ONLY', 'CREATED', 'LAST USED', 'EXPIRES'];
        const rows = listed.map((one) => [
          one.accessKeyId ?? one.id,
          one.user,
          one.name ?? '',
          wordsOf(one),
          one.created,
          one.lastUsed ?? '',
          one.expires ?? '',
        ]);
        output.data(listed, table([head, ...rows]));
      }),
    );
    subcommand(group, 'remove <id>', 'Take it back: it stops working at once, on every protocol.').action(
      (id: string, flags: Flags) =>
        withSession(flags, async (session, output, { clock }) => {
          const { OPERATOR, credentialsOf } = await import('./users.ts');
          await credentialsOf(session, clock, randomBytes).remove(OPERATOR, id);
          const words = kind === 's3' ? { accessKeyId: id } : { id };
          output.data(words, kind === 's3' ? `The key ${id} is removed.` : `${id} is taken back.`);
        }),
    );
  }
}

async function make(
  session: Session,
  { clock }: SessionOptions,
  kind: Kind,
  user: string,
  flags: Flags,
): Promise<MadeCredential> {
  const { OPERATOR, credentialsOf, getUser } = await import('./users.ts');
  const owner = await getUser(session, user);
  const given = kind === 's3' ? givenKey(flags) : null;
  return credentialsOf(session, clock, randomBytes).create(OPERATOR, {
    kind,
    name: textFlag(flags, 'name'),
    owner: owner.id,
    scope: await scopeOf(session, owner.id, flags),
    networks: listFlag(flags, 'network'),
    expires: expiryOf(textFlag(flags, 'expires'), clock.now()),
    ...(given === null ? {} : { given: { id: given.accessKeyId, secret: given.secretAccessKey } }),
  });
}

function toldOf(kind: Kind, user: string, { credential: { id }, secret }: MadeCredential): Record<string, string> {
  return {
    user,
    ...(kind === 's3' ? {} : { id, password: secret }),
    ...(kind === 'app-password' ? {} : { accessKeyId: id, secretAccessKey: secret }),
  };
}

async function list({ metadata }: Session, kind: Kind, user: string | null) {
  const { getUser } = await import('./users.ts');
  const users = user === null ? await metadata.principals.list() : [await getUser({ metadata }, user)];
  const names = new Map(users.map(({ id, name }) => [id, name]));
  const found = await metadata.credentials.list(user === null ? null : (users[0]?.id ?? 0));
  const buckets = new Map((await metadata.buckets.list()).map(({ id, name }) => [id, name]));
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return found
    .filter((one) => one.kind === kind)
    .map((one: CredentialRecord) => ({
      ...(kind === 's3' ? { accessKeyId: one.id } : {}),
      id: one.id,
      user: names.get(one.principal) ?? String(one.principal),
      name: one.name,
      created: iso(one.created),
      lastUsed: iso(one.lastUsed),
      lastUsedFrom: one.lastUsedFrom,
      expires: iso(one.expires),
      scope: one.scope && { ...one.scope, places: namedPlaces(one.scope, buckets) },
      networks: one.networks,
    }))
    .map((one) => ({ ...one, created: one.created ?? '' }));
}

function namedPlaces({ places }: Scope, names: ReadonlyMap<number, string>): { bucket: string; prefix: string }[] | null {
  return places?.map(({ bucket, prefix }) => ({ bucket: names.get(bucket) ?? `#${bucket}`, prefix })) ?? null;
}

/** What it is reduced to, in a cell of a table. */
function wordsOf({ scope, networks }: Awaited<ReturnType<typeof list>>[number]): string {
  const places = scope?.places?.map(({ bucket, prefix }) => `${bucket}/${prefix}`) ?? [];
  const parts = [places.join(' '), actionWords(scope?.actions ?? []), networks?.map((one) => `from ${one}`).join(' ') ?? ''];
  return parts.filter((part) => part !== '').join('; ');
}

function actionWords(actions: readonly string[]): string {
  return actions.join() === READING.join() ? 'read-only' : actions.join(' ');
}

/** Buckets by the names that their owner uses. @throws bucket_not_found, SettingError */
async function scopeOf({ metadata }: Session, owner: number, flags: Flags): Promise<Scope | null> {
  const places = listFlag(flags, 'place');
  const wanted = listFlag(flags, 'action') ?? [];
  for (const action of wanted)
    if (!Object.hasOwn(ACTIONS, action))
      throw new SettingError(`--action ${action} is none of ${Object.keys(ACTIONS).join(', ')}.`);
  const actions = flags.readOnly === true ? [...READING, ...wanted] : wanted;
  if (places === null && actions.length === 0) return null;
  const resolved = await Promise.all(
    (places ?? []).map(async (place) => {
      const [name = '', ...rest] = place.split('/');
      const bucket = await metadata.buckets.resolve(owner, name);
      if (bucket === null) throw new SettingError(`--place ${place}: there is no bucket ${name}.`);
      const prefix = rest.join('/');
      return { bucket: bucket.id, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
    }),
  );
  return { actions: actions.length === 0 ? null : actions, places: places === null ? null : resolved };
}

function expiryOf(text: string | null, now: number): number | null {
  if (text === null) return null;
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const at = days === undefined ? Date.parse(text) : now + Number(days) * 24 * 3600 * 1000;
  if (Number.isNaN(at)) throw new SettingError('--expires is a date, or days from now like 30d.');
  return at;
}

function several(text: string, before: string[] = []): string[] {
  return [...before, text];
}

function listFlag(flags: Flags, name: string): string[] | null {
  const value = flags[name];
  return Array.isArray(value) && value.length > 0 ? value : null;
}
