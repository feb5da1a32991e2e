import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { type Action, roleHolds } from '#core/actions';
import { createClient, type S3Client } from '../conformance/s3/harness/client.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { cloudstore } from '../support/process.ts';
import { describeRoutes, type RouteCaller } from './access-routes-suite.ts';

/** Somebody, as each door knows them. */
interface Caller {
  name: string;
  basic: string | null;
  s3: S3Client;
  token: string | null;
}

type Verdict = 'yes' | 'no';

/** What is asked, of each door the same, in `b/place/`; a call that is not refused may end in any other way. */
const ASKED = ['read', 'list', 'add', 'overwrite', 'delete', 'copy'] as const;
type Asked = (typeof ASKED)[number];

/** What each kind of caller may, in the folder that was granted; beside it nobody but admin and owner may anything. */
const EXPECTED: Record<string, readonly Asked[]> = {
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
const EVERYWHERE = new Set(['admin', 'owner', 'device-to-read']);

describe('who may what, on every door', function () {
  this.timeout(240_000);
  let gateway: TestGateway;
  let admin: string;
  const callers = new Map<string, Caller>();

  before(async () => {
    gateway = await startGateway({ keepData: true });
    admin = basic(gateway.user, gateway.password);
    const s3 = client({ accessKeyId: gateway.accessKeyId, secretAccessKey: gateway.secretAccessKey });
    callers.set('admin', { name: gateway.user, basic: admin, s3, token: await tokenOf(gateway.user, gateway.password) });
    for (const name of Object.keys(EXPECTED)) {
      if (name === 'admin' || name === 'nobody' || name === 'link' || name.startsWith('device-')) continue;
      await makeCaller(name);
    }
    callers.set('nobody', { name: '-', basic: null, s3, token: null });
    const owner = callers.get('owner')!;
    await expectOk(owner.s3.send('PUT', '/matrix-b'));
    await expectOk(rest('POST', '/groups', admin, { name: 'team', members: ['in-a-group'] }));
    for (const role of ['viewer', 'commenter', 'uploader', 'editor', 'manager']) await grant('user', role, role);
    await grant('user', 'disabled', 'editor');
    await grant('user', 'granted-owner', 'owner');
    await grant('user', 'denied-by-policy', 'editor');
    await grant('group', 'team', 'editor');
    for (const scoped of ['scoped-to-reading', 'scoped-elsewhere']) await grant('user', scoped, 'editor');
    const principal = (name: string) => ({ AWS: `arn:aws:iam:::user/${name}` });
    const resources = ['arn:aws:s3:::matrix-b', 'arn:aws:s3:::matrix-b/*'];
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'reads',
          Effect: 'Allow',
          Principal: principal('by-policy'),
          Action: 's3:GetObject',
          Resource: 'arn:aws:s3:::matrix-b/place/*',
        },
        { Sid: 'keeps out', Effect: 'Deny', Principal: principal('denied-by-policy'), Action: '*', Resource: resources },
      ],
    };
    await expectOk(rest('PUT', '/buckets/matrix-b/config/policy', owner.basic, policy));
    for (const key of ['place/a', 'beside/a']) await expectOk(owner.s3.send('PUT', `/matrix-b/${key}`, { body: 'x' }));
    const soon = Date.now() + 2_000;
    await makeDevice('device-to-read', { scope: { actions: ['read', 'list', 'bucket.list'] } });
    await makeDevice('device-of-place', { scope: { places: [{ bucket: 'matrix-b', prefix: 'place/' }] } });
    await makeDevice('device-elsewhere', { scope: { places: [{ bucket: 'matrix-b', prefix: 'pla/' }] } });
    await makeDevice('device-of-another-network', { scope: { networks: ['203.0.113.0/24'] } });
    const taken = await makeDevice('device-taken-back', {});
    await expectOk(rest('DELETE', `/credentials/${taken}`, admin));
    await makeDevice('device-expired', { expires: new Date(soon).toISOString() });
    await expectOk(rest('PATCH', '/users/disabled', admin, { disabled: true }));
    const link = (await (await rest('POST', '/links', owner.basic, { bucket: 'matrix-b', key: 'place/' })).json()) as {
      token: string;
    };
    callers.set('link', {
      name: 'link',
      basic: basic('link', link.token),
      s3: client({ accessKeyId: link.token.slice(0, 20), secretAccessKey: link.token }),
      token: link.token,
    });
    // What was granted is in force everywhere within a second.
    await new Promise((resolve) => setTimeout(resolve, Math.max(1100, soon + 100 - Date.now())));
  });
  after(async () => {
    await gateway?.stop();
    if (gateway !== undefined) rmSync(gateway.dataDir, { recursive: true, force: true });
  });

  const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  const client = (keys: { accessKeyId: string; secretAccessKey: string }) => createClient(gateway.s3Url.replace(/\/$/, ''), keys);

  async function rest(method: string, path: string, authorization: string | null, body?: object): Promise<Response> {
    return fetch(`${gateway.restUrl.replace(/\/$/, '')}${path}`, {
      method,
      headers: { ...(authorization && { authorization }), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  async function expectOk(answer: Promise<{ status: number }>): Promise<void> {
    const got = await answer;
    expect(got.status, 'text' in got ? String(got.text instanceof Function ? await got.text() : got.text) : '').to.be.within(
      200,
      299,
    );
  }

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
        ? { actions: ['read', 'list', 'bucket.list'] }
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
    callers.set(name, {
      name,
      basic: basic(name, secret),
      s3: client(keys),
      token: scope === undefined ? await tokenOf(name, password) : null,
    });
  }

  /** Of the owner: its id. */
  async function makeDevice(name: string, terms: object): Promise<string> {
    const answer = await rest('POST', '/credentials', admin, { kind: 'device', name, user: 'owner', ...terms });
    expect(answer.status, await answer.clone().text()).to.equal(201);
    const made = (await answer.json()) as Record<string, string>;
    const password = made.password ?? '';
    callers.set(name, {
      name: 'owner',
      basic: basic('owner', password),
      s3: client({ accessKeyId: made.accessKeyId ?? '', secretAccessKey: made.secretAccessKey ?? '' }),
      token: (await tokenOf('owner', password)) ?? null,
    });
    return made.id ?? '';
  }

  async function grant(kind: string, name: string, role: string): Promise<void> {
    await expectOk(rest('PUT', '/access/matrix-b/place/', callers.get('owner')!.basic, { kind, name, role }));
  }

  const verdictOf = (status: number): Verdict => {
    expect(status, 'an answer, not a fault').to.be.below(500);
    // Who guesses too often has to wait, and has not got in either.
    return [401, 403, 404, 429].includes(status) ? 'no' : 'yes';
  };
  let serial = 0;

  /** Each door's way to ask; what is overwritten, deleted or copied is there, what is added is new. */
  const doors: Record<'S3' | 'WebDAV' | 'REST', (caller: Caller, asked: Asked, folder: string) => Promise<Verdict>> = {
    async S3(caller, asked, folder) {
      const { s3 } = caller;
      const auth = caller.basic === null ? { auth: 'none' as const } : {};
      const at = (key: string) => `/matrix-b/${folder}${key}`;
      const own = await fresh(asked, folder);
      // AWS tells of what has expired by 400.
      const told = ({ status, text }: { status: number; text: string }): Verdict =>
        text.includes('<Code>ExpiredToken</Code>') ? 'no' : verdictOf(status);
      switch (asked) {
        case 'read':
          return told(await s3.send('GET', at('a'), auth));
        case 'list':
          return told(await s3.send('GET', '/matrix-b', { ...auth, query: { prefix: folder } }));
        case 'delete':
          return told(await s3.send('DELETE', at(own), auth));
        case 'copy':
          return told(await s3.send('PUT', at(`${own}-copy`), { ...auth, headers: { 'x-amz-copy-source': at('a') } }));
        default:
          return told(await s3.send('PUT', at(own), { ...auth, body: 'y' }));
      }
    },
    async WebDAV(caller, asked, folder) {
      const own = await fresh(asked, folder);
      const send = async (method: string, key: string, headers: Record<string, string> = {}, body?: string) => {
        const answer = await fetch(`${gateway.webdavUrl}matrix-b/${folder}${key}`, {
          method,
          headers: { ...(caller.basic && { authorization: caller.basic }), ...headers },
          ...(body === undefined ? {} : { body }),
        });
        await answer.arrayBuffer();
        return verdictOf(answer.status);
      };
      if (asked === 'read') return send('GET', 'a');
      if (asked === 'list') return send('PROPFIND', '', { depth: '1' });
      if (asked === 'delete') return send('DELETE', own);
      if (asked === 'copy') return send('COPY', 'a', { destination: `${gateway.webdavUrl}matrix-b/${folder}${own}-copy` });
      return send('PUT', own, {}, 'y');
    },
    async REST(caller, asked, folder) {
      const own = await fresh(asked, folder);
      const send = async (method: string, path: string, body?: string | object) => {
        const answer = await fetch(`${gateway.restUrl.replace(/\/$/, '')}${path}`, {
          method,
          headers: {
            ...(caller.basic && { authorization: caller.basic }),
            'content-type': typeof body === 'object' ? 'application/json' : 'application/octet-stream',
          },
          ...(body === undefined ? {} : { body: typeof body === 'object' ? JSON.stringify(body) : body }),
        });
        await answer.arrayBuffer();
        return verdictOf(answer.status);
      };
      const file = (key: string) => `/files/matrix-b/${folder}${key}`;
      if (asked === 'read') return send('GET', file('a'));
      if (asked === 'list') return send('GET', file(''));
      if (asked === 'delete') return send('DELETE', file(own));
      if (asked === 'copy') {
        const place = (key: string) => ({ bucket: 'matrix-b', key: `${folder}${key}` });
        return send('POST', '/copy', { from: place('a'), to: place(`${own}-copy`) });
      }
      return send('PUT', file(own), 'y');
    },
  };

  async function fresh(asked: Asked, folder: string): Promise<string> {
    const key = `n${++serial}`;
    if (asked === 'overwrite' || asked === 'delete')
      await expectOk(callers.get('owner')!.s3.send('PUT', `/matrix-b/${folder}${key}`, { body: 'x' }));
    return key;
  }

  for (const [kind, expected] of Object.entries(EXPECTED)) {
    it(`${kind}: the same verdicts by S3, WebDAV and REST`, async () => {
      const caller = callers.get(kind)!;
      for (const folder of ['place/', 'beside/']) {
        for (const asked of ASKED) {
          const wanted: Verdict = (folder === 'place/' || EVERYWHERE.has(kind)) && expected.includes(asked) ? 'yes' : 'no';
          for (const [name, ask] of Object.entries(doors)) {
            // A folder is looked at before it is listed, and a file before it is copied: what WebDAV and REST say of one needs `read` as well.
            expect(await ask(caller, asked, folder), `${name}: ${asked} in ${folder}`).to.equal(wanted);
          }
        }
      }
    });
  }

  it('every role has of tags, lists, locks, versions and settings what its actions say, by S3 and by REST', async () => {
    const owner = callers.get('owner')!;
    const bucket = 'matrix-c';
    await expectOk(owner.s3.send('PUT', `/${bucket}`, { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } }));
    const made = await owner.s3.send('PUT', `/${bucket}/o`, { body: 'x' });
    const versionId = String(made.headers['x-amz-version-id'] ?? '');
    expect(versionId).to.not.equal('');
    const roles = ['viewer', 'commenter', 'uploader', 'editor', 'manager', 'granted-owner'] as const;
    for (const name of roles) {
      const body = { kind: 'user', name, role: name === 'granted-owner' ? 'owner' : name };
      await expectOk(rest('PUT', `/access/${bucket}/`, owner.basic, body));
    }
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const until = new Date(Date.now() + 24 * 3600_000).toISOString();
    const xml = (name: string, inner = '') => `<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${name}>`;
    const policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam:::user/stranger' },
          Action: 's3:GetBucketLocation',
          Resource: `arn:aws:s3:::${bucket}`,
        },
      ],
    });
    const block = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets']
      .map((one) => `<${one}>true</${one}>`)
      .join('');
    const rule = '<CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://a.example</AllowedOrigin></CORSRule>';
    const expire =
      '<Rule><ID>r</ID><Filter><Prefix>never/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule>';
    const aes =
      '<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>';
    // Where the owner is enforced, it is refused for what it is; to who may not write lists, before anybody looks at it.
    const id = /<ID>([0-9a-f]{64})</.exec((await owner.s3.send('GET', `/${bucket}`, { query: { acl: '' } })).text)?.[1] ?? '';
    const grantee = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>${id}</ID></Grantee>`;
    const grants = `<AccessControlList><Grant>${grantee}<Permission>FULL_CONTROL</Permission></Grant></AccessControlList>`;
    const list = xml('AccessControlPolicy', `<Owner><ID>${id}</ID></Owner>${grants}`);
    /** What S3 is asked: of the object where the path says so. */
    const s3Cases: [Action, string, string, string?][] = [
      ['tags.write', 'PUT', '/o?tagging', xml('Tagging', '<TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet>')],
      ['tags.read', 'GET', '/o?tagging'],
      ['tags.remove', 'DELETE', '/o?tagging'],
      ['acl.read', 'GET', '/o?acl'],
      ['acl.write', 'PUT', '/o?acl', list],
      ['version.acl.write', 'PUT', `/o?acl&versionId=${versionId}`, list],
      ['version.attributes.read', 'GET', `/o?attributes&versionId=${versionId}`],
      ['version.tags.write', 'PUT', `/o?tagging&versionId=${versionId}`, xml('Tagging', '<TagSet/>')],
      ['version.tags.remove', 'DELETE', `/o?tagging&versionId=${versionId}`],
      ['attributes.read', 'GET', '/o?attributes'],
      [
        'retention.write',
        'PUT',
        '/o?retention',
        xml('Retention', `<Mode>GOVERNANCE</Mode><RetainUntilDate>${until}</RetainUntilDate>`),
      ],
      ['retention.read', 'GET', '/o?retention'],
      ['hold.write', 'PUT', '/o?legal-hold', xml('LegalHold', '<Status>OFF</Status>')],
      ['hold.read', 'GET', '/o?legal-hold'],
      ['version.read', 'GET', `/o?versionId=${versionId}`],
      ['version.tags.read', 'GET', `/o?tagging&versionId=${versionId}`],
      ['version.acl.read', 'GET', `/o?acl&versionId=${versionId}`],
      ['list.versions', 'GET', '?versions'],
      ['list.uploads', 'GET', '?uploads'],
      ['bucket.location.read', 'GET', '?location'],
      ['bucket.versioning.write', 'PUT', '?versioning', xml('VersioningConfiguration', '<Status>Enabled</Status>')],
      ['bucket.versioning.read', 'GET', '?versioning'],
      [
        'bucket.objectLock.write',
        'PUT',
        '?object-lock',
        xml('ObjectLockConfiguration', '<ObjectLockEnabled>Enabled</ObjectLockEnabled>'),
      ],
      ['bucket.objectLock.read', 'GET', '?object-lock'],
      ['bucket.cors.write', 'PUT', '?cors', xml('CORSConfiguration', rule)],
      ['bucket.cors.read', 'GET', '?cors'],
      ['bucket.lifecycle.write', 'PUT', '?lifecycle', xml('LifecycleConfiguration', expire)],
      ['bucket.lifecycle.read', 'GET', '?lifecycle'],
      ['bucket.tagging.write', 'PUT', '?tagging', xml('Tagging', '<TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet>')],
      ['bucket.tagging.read', 'GET', '?tagging'],
      ['bucket.notification.write', 'PUT', '?notification', xml('NotificationConfiguration')],
      ['bucket.notification.read', 'GET', '?notification'],
      [
        'bucket.website.write',
        'PUT',
        '?website',
        xml('WebsiteConfiguration', '<IndexDocument><Suffix>i</Suffix></IndexDocument>'),
      ],
      ['bucket.website.read', 'GET', '?website'],
      ['bucket.website.remove', 'DELETE', '?website'],
      ['bucket.logging.write', 'PUT', '?logging', xml('BucketLoggingStatus')],
      ['bucket.logging.read', 'GET', '?logging'],
      ['bucket.encryption.write', 'PUT', '?encryption', xml('ServerSideEncryptionConfiguration', aes)],
      ['bucket.encryption.read', 'GET', '?encryption'],
      ['bucket.publicAccessBlock.write', 'PUT', '?publicAccessBlock', xml('PublicAccessBlockConfiguration', block)],
      ['bucket.publicAccessBlock.read', 'GET', '?publicAccessBlock'],
      [
        'bucket.ownershipControls.write',
        'PUT',
        '?ownershipControls',
        xml('OwnershipControls', '<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>'),
      ],
      ['bucket.ownershipControls.read', 'GET', '?ownershipControls'],
      ['bucket.acl.read', 'GET', '?acl'],
      ['bucket.acl.write', 'PUT', '?acl', list],
      ['bucket.publicAccessBlock.write', 'DELETE', '?publicAccessBlock'],
      ['bucket.publicAccessBlock.write', 'PUT', '?publicAccessBlock', xml('PublicAccessBlockConfiguration', block)],
      ['bucket.cors.write', 'DELETE', '?cors'],
      ['bucket.lifecycle.write', 'DELETE', '?lifecycle'],
      ['bucket.tagging.write', 'DELETE', '?tagging'],
      ['bucket.encryption.write', 'DELETE', '?encryption'],
      ['bucket.policy.write', 'PUT', '?policy', policy],
      ['bucket.policy.read', 'GET', '?policy'],
      ['bucket.policyStatus.read', 'GET', '?policyStatus'],
      ['bucket.policy.remove', 'DELETE', '?policy'],
    ];
    const restCases: [Action, string, string, object?][] = [
      ['version.read', 'GET', `/versions/${bucket}/o`],
      ['list.versions', 'GET', `/trash/${bucket}/`],
      ['access.read', 'GET', `/access/${bucket}/`],
      ['bucket.configure', 'PUT', `/buckets/${bucket}/retention`, { days: 30 }],
      ['bucket.acl.read', 'GET', `/buckets/${bucket}/config/acl`],
      ['bucket.publicAccessBlock.read', 'GET', `/buckets/${bucket}/config/publicAccessBlock`],
      ['bucket.ownershipControls.read', 'GET', `/buckets/${bucket}/config/ownershipControls`],
      ['bucket.policy.read', 'GET', `/buckets/${bucket}/config/policy`],
      ['bucket.configure', 'PATCH', `/buckets/${bucket}`, { quota: { bytes: null, objects: null } }],
    ];
    const wrong: string[] = [];
    for (const name of ['admin', 'owner', ...roles, 'stranger'] as const) {
      const caller = callers.get(name)!;
      const holds = (action: Action): boolean => {
        if (name === 'admin' || name === 'owner') return true;
        return name !== 'stranger' && roleHolds(name === 'granted-owner' ? 'owner' : name, action);
      };
      const note = (action: Action, what: string, status: number, refused: boolean): void => {
        if (status >= 500 || refused === holds(action)) wrong.push(`${name}: ${action} by ${what} is answered ${status}`);
      };
      for (const [action, method, at, body] of s3Cases) {
        const [path, search = ''] = at.split('?');
        const query = Object.fromEntries(new URLSearchParams(search));
        const md5 = body === undefined ? {} : { 'content-md5': createHash('md5').update(body).digest('base64') };
        const attributes = search.startsWith('attributes') ? { 'x-amz-object-attributes': 'ETag' } : {};
        const answer = await caller.s3.send(method, `/${bucket}${path}`, {
          query,
          headers: { ...md5, ...attributes },
          ...(body === undefined ? {} : { body }),
        });
        note(
          action,
          `S3 ${method} ${at}`,
          answer.status,
          answer.status === 403 || answer.body.includes('<Code>NoSuchBucket</Code>'),
        );
      }
      for (const [action, method, path, body] of restCases) {
        const answer = await rest(method, path, caller.basic, body);
        const { code = '' } = (answer.status >= 400 ? await answer.json() : {}) as { code?: string };
        note(action, `REST ${method} ${path}`, answer.status, code === 'access_denied' || code === 'bucket_not_found');
      }
    }
    expect(wrong).to.deep.equal([]);
  });

  describeRoutes(async () => {
    const bucket = 'matrix-r';
    const owner = callers.get('owner')!.basic ?? '';
    await expectOk(
      callers.get('owner')!.s3.send('PUT', `/${bucket}`, { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } }),
    );
    const roles = ['viewer', 'commenter', 'uploader', 'editor', 'manager', 'granted-owner'] as const;
    const roleOf = (name: (typeof roles)[number]) => (name === 'granted-owner' ? 'owner' : name);
    for (const name of roles)
      await expectOk(rest('PUT', `/access/${bucket}/`, owner, { kind: 'user', name, role: roleOf(name) }));
    await until(async () => (await rest('GET', `/buckets/${bucket}`, callers.get('granted-owner')!.basic)).status === 200);
    const named = (name: string, role: RouteCaller['role']) => ({ name, role, authorization: callers.get(name)!.basic ?? '' });
    return {
      bucket,
      owner,
      callers: [named('owner', 'owner'), ...roles.map((name) => named(name, roleOf(name))), named('stranger', null)],
      send: (method, path, authorization, body) =>
        fetch(`${gateway.restUrl.replace(/\/$/, '')}${path}`, {
          method,
          headers: {
            authorization,
            ...(typeof body === 'object' ? { 'content-type': 'application/json' } : {}),
            ...(path.startsWith('/uploads') ? { 'tus-resumable': '1.0.0', 'upload-length': '5' } : {}),
          },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
    };
  });

  it('WebDAV tells of rights what every door then does, and lets nobody set lists, tags or rights', async () => {
    const ask = '<propfind xmlns="DAV:"><prop><current-user-privilege-set/></prop></propfind>';
    const set = (property: string) =>
      `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop>${property}</d:prop></d:set></d:propertyupdate>`;
    const send = (caller: Caller, method: string, body: string) =>
      fetch(`${gateway.webdavUrl}matrix-b/place/a`, {
        method,
        headers: { ...(caller.basic && { authorization: caller.basic }), depth: '0' },
        body,
      });
    for (const [kind, expected] of Object.entries(EXPECTED)) {
      const caller = callers.get(kind)!;
      const told = await send(caller, 'PROPFIND', ask);
      const text = await told.text();
      expect(told.status, kind).to.equal(expected.includes('read') ? 207 : told.status === 207 ? 0 : told.status);
      expect(text.includes('write-content'), kind).to.equal(expected.includes('read') && expected.includes('overwrite'));
      for (const property of ['<d:acl/>', '<d:current-user-privilege-set/>', '<d:owner><d:href>/x</d:href></d:owner>'])
        expect(await (await send(caller, 'PROPPATCH', set(property))).text(), `${kind} ${property}`).to.not.contain('200 OK');
      expect((await send(caller, 'ACL', '<d:acl xmlns:d="DAV:"/>')).status, kind).to.be.within(400, 501);
    }
    const before = await (await rest('GET', '/access/matrix-b/place/', callers.get('owner')!.basic)).text();
    expect(before).to.contain('viewer').and.to.not.contain('surprise');
  });

  it('the stream of events is for who may list', async () => {
    for (const [kind, expected] of Object.entries(EXPECTED)) {
      const { token } = callers.get(kind)!;
      if (token === null) continue;
      const verdict = await follow(token, 'place/');
      expect(verdict, kind).to.equal(expected.includes('list') ? 'yes' : 'no');
      if (!EVERYWHERE.has(kind)) expect(await follow(token, 'beside/'), kind).to.equal('no');
    }
  });

  function follow(token: string, prefix: string): Promise<Verdict> {
    const socket = new WebSocket(`${gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/ws`);
    return new Promise<Verdict>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => socket.send(JSON.stringify({ type: 'auth', token })));
      socket.on('message', (data) => {
        const message = JSON.parse(String(data)) as { type: string };
        if (message.type === 'ready' || message.type === 'authenticated' || message.type === 'welcome')
          socket.send(JSON.stringify({ type: 'subscribe', bucket: 'matrix-b', prefix, id: 's' }));
        else if (message.type === 'error') resolve('no');
        else resolve('yes');
      });
    }).finally(() => socket.close());
  }

  it('is explained the same by REST and by the command', async () => {
    const cases: [string, string, string, boolean, RegExp][] = [
      ['viewer', 'read', 'place/a', true, /user viewer is viewer of the folder "place\/"/],
      ['viewer', 'write', 'place/a', false, /Nothing allows it/],
      ['in-a-group', 'write', 'place/a', true, /group team is editor/],
      ['by-policy', 'read', 'place/a', true, /Statement 1 \(reads\) of the bucket policy allows/],
      ['denied-by-policy', 'read', 'place/a', false, /Statement 2 \(keeps out\) of the bucket policy denies/],
      ['owner', 'bucket.remove', '', true, /its own/],
    ];
    for (const [user, action, key, allowed, because] of cases) {
      const answer = await rest('POST', '/access/explain', callers.get('owner')!.basic, {
        user,
        action,
        bucket: 'matrix-b',
        key,
      });
      const found = (await answer.json()) as { allowed: boolean; because: string };
      expect(found.allowed, `${user} ${action}`).to.equal(allowed);
      expect(found.because).to.match(because);
      // A command starts for seconds.
      if (user !== 'in-a-group' && user !== 'denied-by-policy') continue;
      const told = await cloudstore(['access', 'explain', user, action, `matrix-b/${key}`, '--json'], {
        env: { CLOUDSTORE_DATA_DIR: gateway.dataDir },
      });
      expect(JSON.parse(told.stdout), told.stderr).to.include({ allowed, because: found.because });
    }
    // Who may not see what is granted asks about itself only.
    expect(
      (
        await rest('POST', '/access/explain', callers.get('viewer')!.basic, {
          action: 'read',
          bucket: 'matrix-b',
          key: 'place/a',
        })
      ).status,
    ).to.equal(200);
    expect(
      (
        await rest('POST', '/access/explain', callers.get('viewer')!.basic, {
          user: 'owner',
          action: 'read',
          bucket: 'matrix-b',
          key: 'place/a',
        })
      ).status,
    ).to.equal(403);
  });

  it('a manager gives and takes what is less than its own, and nobody else does', async () => {
    const path = '/access/matrix-b/place/';
    const give = (by: string, role: string) => rest('PUT', path, callers.get(by)!.basic, { kind: 'user', name: 'guest', role });
    expect((await give('editor', 'viewer')).status).to.equal(403);
    expect((await give('manager', 'owner')).status).to.equal(403);
    expect((await give('manager', 'viewer')).status).to.equal(200);
    expect(await doors.WebDAV(callers.get('guest')!, 'read', 'place/')).to.equal('yes');
    const listed = (await (await rest('GET', path, callers.get('manager')!.basic)).json()) as {
      items: { name: string; role: string }[];
    };
    expect(listed.items).to.deep.include({ kind: 'user', name: 'guest', role: 'viewer', key: 'place/', inherited: false });
    const owned = await rest('DELETE', `${path}?kind=user&name=granted-owner`, callers.get('manager')!.basic);
    expect(owned.status).to.equal(403);
    expect((await rest('DELETE', `${path}?kind=user&name=guest`, callers.get('manager')!.basic)).status).to.equal(204);
    expect(await doors.REST(callers.get('guest')!, 'read', 'place/')).to.equal('no');
    expect(
      (await rest('PUT', '/access/matrix-b/place', callers.get('owner')!.basic, { kind: 'user', name: 'guest', role: 'viewer' }))
        .status,
    ).to.equal(400);
  });

  it('a command grants and revokes beside the running gateway', async () => {
    const command = (...args: string[]) =>
      cloudstore(['access', ...args, '--json'], { env: { CLOUDSTORE_DATA_DIR: gateway.dataDir } });
    const granted = await command('grant', 'matrix-b/place/', '--user', 'guest', '--role', 'viewer');
    expect(JSON.parse(granted.stdout), granted.stderr).to.include({ place: 'matrix-b/place/', role: 'viewer' });
    await until(async () => (await doors.S3(callers.get('guest')!, 'read', 'place/')) === 'yes');
    expect(JSON.parse((await command('list', 'matrix-b')).stdout)).to.deep.include({
      place: 'matrix-b/place/',
      kind: 'user',
      name: 'guest',
      role: 'viewer',
    });
    await command('revoke', 'matrix-b/place/', '--user', 'guest');
    await until(async () => (await doors.S3(callers.get('guest')!, 'read', 'place/')) === 'no');
  });

  async function until(holds: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + 20_000;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error('It never came.');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});
