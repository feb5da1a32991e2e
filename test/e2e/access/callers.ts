import { rmSync } from 'node:fs';
import { expect } from 'chai';
import type { Action } from '#core/actions';
import { createClient, type S3Client } from '../../conformance/s3/harness/client.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { beforeItEnds } from '../../support/identity.ts';

/** Somebody, as each door knows them. */
export interface Caller {
  name: string;
  basic: string | null;
  s3: S3Client;
  token: string | null;
}

/** What is asked, of each door the same, in `matrix-b/place/`; a call that is not refused may end in any other way. */
export const ASKED = ['read', 'list', 'add', 'overwrite', 'delete', 'copy'] as const;
export type Asked = (typeof ASKED)[number];

/** What each kind of caller may, in the folder that was granted; beside it nobody but admin and owner may anything. */
export const EXPECTED: Record<string, readonly Asked[]> = {
  admin: ASKED,
  owner: ASKED,
  viewer: ['read', 'list'],
  commenter: ['read', 'list'],
  uploader: ['add'],
  editor: ASKED,
  manager: ASKED,
  'granted-owner': ASKED,
  'in-a-group': ASKED,
  stranger: [],
  guest: [],
  'by-policy': ['read'],
  'denied-by-policy': [],
  'scoped-to-reading': ['read', 'list'],
  'scoped-elsewhere': [],
  nobody: [],
  // Devices of the owner: one secret for every door, each the owner with something taken away.
  'device-to-read': ['read', 'list'],
  'device-of-place': ASKED,
  'device-elsewhere': [],
  'device-of-another-network': [],
  'device-expired': [],
  'device-taken-back': [],
  // An editor until then.
  disabled: [],
  // What a stranger with a link holds opens the link, and is a credential nowhere.
  link: [],
};

/** Whose verdicts hold beside the place too. */
export const EVERYWHERE = new Set(['admin', 'owner', 'device-to-read']);

/** What is left of a credential that is only to read. */
export const TO_READ: readonly Action[] = ['read', 'list', 'bucket.list'];

export const ROLES = ['viewer', 'commenter', 'uploader', 'editor', 'manager', 'granted-owner'] as const;
export const roleOf = (name: (typeof ROLES)[number]) => (name === 'granted-owner' ? 'owner' : name);

/** One gateway and everybody who may ask it. */
export interface Callers {
  gateway: TestGateway;
  all: ReadonlyMap<string, Caller>;
  /** @throws when nobody is called so */
  of(name: string): Caller;
  rest(method: string, path: string, authorization: string | null, body?: object): Promise<Response>;
  /** Of the owner: its id. */
  makeDevice(name: string, terms: object): Promise<string>;
  client(keys: { accessKeyId: string; secretAccessKey: string }): S3Client;
  stop(): Promise<void>;
}

export async function openCallers(): Promise<Callers> {
  const gateway = await startGateway({ keepData: true });
  const all = new Map<string, Caller>();
  const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  const client: Callers['client'] = (keys) => createClient(gateway.s3Url.replace(/\/$/, ''), keys);
  const rest: Callers['rest'] = (method, path, authorization, body) =>
    fetch(`${gateway.restUrl.replace(/\/$/, '')}${path}`, {
      method,
      headers: { ...(authorization && { authorization }), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  const admin = basic(gateway.user, gateway.password);
  const of = (name: string): Caller => all.get(name)!;

  async function tokenOf(user: string, password: string): Promise<string> {
    const answer = await rest('POST', '/auth/login', null, { user, password });
    return ((await answer.json()) as { accessToken: string }).accessToken;
  }

  /** A user with a key; a scoped one is known to every door by credentials that are less than the user. */
  async function makeCaller(name: string): Promise<void> {
    const role = ['owner', 'stranger'].includes(name) ? 'member' : 'guest';
    const password = `${name}-Password-1`;
    await expectOk(rest('POST', '/users', admin, { name, role, password }));
    const scope =
      name === 'scoped-to-reading'
        ? { actions: TO_READ }
        : name === 'scoped-elsewhere'
          ? { places: [{ bucket: gateway.bucket, prefix: '' }] }
          : undefined;
    const made = async (kind: string) => {
      const answer = await rest('POST', '/credentials', admin, { kind, name: 'matrix', user: name, ...(scope && { scope }) });
      expect(answer.status, await answer.clone().text()).to.equal(201);
      return (await answer.json()) as Record<string, string>;
    };
    const appPassword = async (): Promise<string> => {
      const { password: own, secret } = await made('app-password');
      return own ?? secret ?? '';
    };
    const key = await made('s3');
    const keys = { accessKeyId: key.accessKeyId ?? '', secretAccessKey: key.secretAccessKey ?? '' };
    const secret = scope === undefined ? password : await appPassword();
    all.set(name, {
      name,
      basic: basic(name, secret),
      s3: client(keys),
      token: scope === undefined ? await tokenOf(name, password) : null,
    });
  }

  const makeDevice: Callers['makeDevice'] = async (name, terms) => {
    const answer = await rest('POST', '/credentials', admin, { kind: 'device', name, user: 'owner', ...terms });
    expect(answer.status, await answer.clone().text()).to.equal(201);
    const made = (await answer.json()) as Record<string, string>;
    const password = made.password ?? '';
    all.set(name, {
      name: 'owner',
      basic: basic('owner', password),
      s3: client({ accessKeyId: made.accessKeyId ?? '', secretAccessKey: made.secretAccessKey ?? '' }),
      token: (await tokenOf('owner', password)) ?? null,
    });
    return made.id ?? '';
  };

  const s3 = client({ accessKeyId: gateway.accessKeyId, secretAccessKey: gateway.secretAccessKey });
  all.set('admin', { name: gateway.user, basic: admin, s3, token: await tokenOf(gateway.user, gateway.password) });
  for (const name of Object.keys(EXPECTED)) {
    if (name === 'admin' || name === 'nobody' || name === 'link' || name.startsWith('device-')) continue;
    await makeCaller(name);
  }
  all.set('nobody', { name: '-', basic: null, s3, token: null });
  const owner = of('owner');
  await expectOk(owner.s3.send('PUT', '/matrix-b'));
  await expectOk(rest('POST', '/groups', admin, { name: 'team', members: ['in-a-group'] }));
  const callers: Callers = {
    gateway,
    all,
    of,
    rest,
    makeDevice,
    client,
    async stop() {
      await gateway.stop();
      rmSync(gateway.dataDir, { recursive: true, force: true });
    },
  };
  await grantEverybody(callers, 'matrix-b', 'place/');
  await expectOk(rest('PUT', '/buckets/matrix-b/config/policy', owner.basic, policyOf('matrix-b', 'place/')));
  for (const key of ['place/a', 'beside/a']) await expectOk(owner.s3.send('PUT', `/matrix-b/${key}`, { body: 'x' }));
  await makeDevice('device-to-read', { scope: { actions: TO_READ } });
  await makeDevice('device-of-place', { scope: { places: [{ bucket: 'matrix-b', prefix: 'place/' }] } });
  await makeDevice('device-elsewhere', { scope: { places: [{ bucket: 'matrix-b', prefix: 'pla/' }] } });
  await makeDevice('device-of-another-network', { scope: { networks: ['203.0.113.0/24'] } });
  const taken = await makeDevice('device-taken-back', {});
  await expectOk(rest('DELETE', `/credentials/${taken}`, admin));
  const soon = await beforeItEnds((expires) => makeDevice('device-expired', { expires }), 2_000);
  const made = await rest('POST', '/links', owner.basic, { bucket: 'matrix-b', key: 'place/' });
  const { token } = (await made.json()) as { token: string };
  const keys = { accessKeyId: token.slice(0, 20), secretAccessKey: token };
  all.set('link', { name: 'link', basic: basic('link', token), s3: client(keys), token });
  await openOperations(callers);
  await expectOk(rest('PATCH', '/users/disabled', admin, { disabled: true }));
  // What was granted is in force everywhere within a second.
  await new Promise((resolve) => setTimeout(resolve, Math.max(1100, soon + 100 - Date.now())));
  return callers;
}

/** The bucket of the matrices of operations, routes and methods; the same people may in all of it what they may in `matrix-b/place/`. */
export const BUCKET = 'matrix-r';
/** Where one device may. */
export const FOLDER = 'fresh/';

async function openOperations(callers: Callers): Promise<void> {
  const { rest, of, makeDevice } = callers;
  const owner = of('owner');
  await expectOk(owner.s3.send('PUT', `/${BUCKET}`, { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } }));
  await grantEverybody(callers, BUCKET, '');
  await expectOk(rest('PUT', `/buckets/${BUCKET}/config/policy`, owner.basic, policyOf(BUCKET, '')));
  await makeDevice('device-of-folder', { scope: { places: [{ bucket: BUCKET, prefix: FOLDER }] } });
}

async function grantEverybody({ rest, of }: Callers, bucket: string, prefix: string): Promise<void> {
  const { basic } = of('owner');
  const grant = (kind: string, name: string, role: string) =>
    expectOk(rest('PUT', `/access/${bucket}/${prefix}`, basic, { kind, name, role }));
  for (const name of ROLES) await grant('user', name, roleOf(name));
  for (const name of ['disabled', 'denied-by-policy', 'scoped-to-reading', 'scoped-elsewhere'])
    await grant('user', name, 'editor');
  await grant('group', 'team', 'editor');
}

/** One may read by it, and one who is an editor may nothing. */
export function policyOf(bucket: string, prefix: string): object {
  const principal = (name: string) => ({ AWS: `arn:aws:iam:::user/${name}` });
  const arn = `arn:aws:s3:::${bucket}`;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'reads',
        Effect: 'Allow',
        Principal: principal('by-policy'),
        Action: 's3:GetObject',
        Resource: `${arn}/${prefix}*`,
      },
      {
        Sid: 'keeps out',
        Effect: 'Deny',
        Principal: principal('denied-by-policy'),
        Action: '*',
        Resource: [arn, `${arn}/*`],
      },
    ],
  };
}

export async function expectOk(answer: Promise<{ status: number }>): Promise<void> {
  const got = await answer;
  const text = 'text' in got ? String(got.text instanceof Function ? await got.text() : got.text) : '';
  expect(got.status, text).to.be.within(200, 299);
}

/** Waits for what holds soon everywhere. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('It never came.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
