import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import { createClient } from '../conformance/s3/harness/client.ts';
import type { TestGateway } from '../support/gateway.ts';
import { apiOf, appCode, openSocket, within } from '../support/identity.ts';
import { presign, presignV2, type SigningKeys } from '../support/presign.ts';
import { type Answer, send } from '../support/requests.ts';
import { slowly, slowUpload } from '../support/slow-transfers.ts';
import { askSts, keysOf } from '../support/sts.ts';
import { asked, type Held, HOLDS, never, type Probe, pushStream, running, stream } from './revocation-probes.ts';

/** Each kind of credential, taken back on `one`, with everything that it can hold on `two`. */
export function describeRevocation(gateways: () => { one: TestGateway; two: TestGateway }): void {
  const KINDS = [
    'S3 key',
    'app password',
    'session',
    'device',
    'share link',
    'temporary key',
    'password',
    'second factor',
    'disabled user',
    'removed user',
  ] as const;

  it('ends what each kind of credential holds there: sockets, downloads, uploads, presigned URLs, and what was verified before', async function () {
    this.timeout(180_000);
    const { one, two } = gateways();
    const scene = await openRevocation(one, two);
    const held: Held[] = [];
    for (const kind of KINDS) held.push(await scene.hold(kind));
    const probes = held.flatMap(({ cells }, index) =>
      HOLDS.flatMap((hold) => {
        expect(Object.keys(cells[hold]), `${KINDS[index]}: ${hold}`).to.not.deep.equal([]);
        return Object.entries(cells[hold]).map(([name, probe]) => ({ what: `${KINDS[index]}, ${hold}: ${name}`, probe }));
      }),
    );
    const all = async (step: 'begin' | 'over'): Promise<void> => {
      const wrong: string[] = [];
      const look = async ({ what, probe }: (typeof probes)[number]): Promise<void> =>
        probe[step]().catch((error: Error) => void wrong.push(`${what}: ${step}: ${error.message}`));
      await Promise.all(probes.map(look));
      expect(wrong).to.deep.equal([]);
    };
    await all('begin');
    for (const { probe } of probes) probe.still?.();
    for (const [index, { takeBack }] of held.entries())
      expect((await takeBack()).status, `${KINDS[index]} is taken back`).to.be.within(200, 299);
    await all('over');
    // Nothing of what was broken off is a file.
    expect(await scene.leftovers()).to.deep.equal([]);
  });
}

async function openRevocation(one: TestGateway, two: TestGateway) {
  const [here, there] = [apiOf(one), apiOf(two)];
  const admin = await here.tokenOf(one.user, one.password);
  /** More than sockets hold, and mostly the same again, so that little of it is stored. */
  const big = Buffer.alloc(24 << 20, randomBytes(1 << 20));
  let people = 0;
  const owners: { name: string; bucket: string }[] = [];

  async function person() {
    const name = `taken-back-${++people}`;
    const { password, bucket } = (await here.call('POST', '/users', admin, { name })).json as {
      password: string;
      bucket: string;
    };
    owners.push({ name, bucket });
    const self = await there.tokenOf(name, password);
    const make = async (body: object): Promise<Record<string, string>> => {
      const { status, json } = await there.call('POST', '/credentials', self, { name: 'held', ...body });
      expect(status, JSON.stringify(json)).to.equal(201);
      return json;
    };
    const authorization = `Bearer ${self.token}`;
    const put = await send('PUT', `${two.restUrl}/files/home/big`, { headers: { authorization }, body: big });
    expect(put.status).to.equal(201);
    return { name, password, bucket, self, make };
  }
  type Person = Awaited<ReturnType<typeof person>>;
  // Who has several: what ends one must leave the others alone.
  const holder = await person();

  const basicOf = (name: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
  });
  const root = two.webUrl.replace(/\/$/, '');
  const ws = root.replace(/^http/, 'ws');

  const s3Cells = ({ bucket }: Person, keys: SigningKeys) => {
    const signed = (method: string, key: string) => presign(method, `${two.s3Url}/${bucket}/${key}`, keys, new Date());
    const client = createClient(two.s3Url.replace(/\/$/, ''), keys);

    const [get, put] = [signed('GET', 'big'), signed('PUT', 'small')];
    const second = presignV2('GET', `${two.s3Url}/${bucket}/big`, keys, new Date());
    const multipart = async (): Promise<string> => {
      const { body } = await send('POST', signed('POST', 'parts?uploads='));
      return /<UploadId>([^<]+)</.exec(body.toString())?.[1] ?? '';
    };
    return {
      download: { S3: running(() => slowly(get)) },
      upload: { S3: running(() => slowUpload(signed('PUT', 'up'))) },
      presigned: {
        GET: asked(() => send('HEAD', signed('HEAD', 'big'))),
        'GET, made before': asked(() => send('GET', get, { headers: { range: 'bytes=0-9' } })),
        'PUT, made before': asked(() => send('PUT', put, { body: 'x' })),
        // Without a session token.
        ...(keys.sessionToken === undefined && {
          'GET by version 2, made before': asked(() => send('GET', second, { headers: { range: 'bytes=0-9' } })),
        }),
      },
      kept: { 'S3, signed headers': asked(() => client.send('GET', `/${bucket}`)) },
      multipart: async () => {
        const id = await multipart();
        return { 'a part': running(() => slowUpload(signed('PUT', `parts?partNumber=1&uploadId=${encodeURIComponent(id)}`))) };
      },
    };
  };
  const basicCells = (who: Person, password: string) => {
    const headers = basicOf(who.name, password);
    const chunks = `${root}/remote.php/dav/uploads/${who.name}/held`;
    return {
      download: {
        WebDAV: running(() => slowly(`${two.webdavUrl}home/big`, headers)),
        Nextcloud: running(() => slowly(`${root}/remote.php/dav/files/${who.name}/big`, headers)),
        REST: running(() => slowly(`${two.restUrl}/files/home/big`, headers)),
      },
      upload: {
        WebDAV: running(() => slowUpload(`${two.webdavUrl}home/up-dav`, headers)),
        Nextcloud: running(() => slowUpload(`${chunks}/1`, headers)),
        REST: running(() => slowUpload(`${two.restUrl}/files/home/up-rest`, headers)),
      },
      kept: {
        WebDAV: asked(() => there.dav(who.name, password)),
        Nextcloud: asked(() => send('GET', `${root}/ocs/v2.php/cloud/user`, { headers }), [401]),
        REST: asked(() => there.call('GET', '/me', { user: who.name, password })),
      },
      push: pushStream(ws, who.name, password),
      ready: () => send('MKCOL', chunks, { headers }),
    };
  };
  const sessionCells = async (token: string, refreshToken: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const begun = await send('POST', `${two.restUrl}/uploads`, {
      headers: {
        ...headers,
        'tus-resumable': '1.0.0',
        'upload-length': '50000000',
        'upload-metadata': `bucket ${btoa('home')},key ${btoa('up-tus')}`,
      },
    });
    expect(begun.status, begun.body.toString()).to.equal(201);
    const tus: OutgoingHttpHeaders = {
      ...headers,
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    };
    const zip = { items: [{ bucket: 'home', key: 'big' }] };
    return {
      socket: { '/ws': stream(() => openSocket(two, token), 4401) },
      download: {
        'REST by a token': running(() => slowly(`${two.restUrl}/files/home/big`, headers)),
        'REST by a cookie': running(() => slowly(`${two.restUrl}/files/home/big`, { cookie: `cs_read=${token}` })),
        'an archive': running(() => slowly(`${two.restUrl}/zip`, { ...headers, 'content-type': 'application/json' }, zip)),
      },
      upload: {
        'REST by a token': running(() => slowUpload(`${two.restUrl}/files/home/up-session`, headers)),
        tus: running(() => slowUpload(new URL(begun.headers.location ?? '', root).href, tus, 'PATCH')),
      },
      kept: {
        token: asked(() => there.call('GET', '/me', { token }), [401]),
        cookie: asked(() => send('HEAD', `${two.restUrl}/files/home/big`, { headers: { cookie: `cs_read=${token}` } }), [401]),
        'the refresh token': {
          begin: async () => undefined,
          over: () =>
            within(async () => (await there.call('POST', '/auth/refresh', null, { refreshToken })).status === 401).then(
              () => undefined,
            ),
        } satisfies Probe,
      },
    };
  };
  const noUrl = (who: Person, secret: string) => ({
    'signed with its secret': never(() =>
      send(
        'GET',
        presign('GET', `${two.s3Url}/${who.bucket}/big`, { accessKeyId: who.name, secretAccessKey: secret }, new Date()),
      ),
    ),
  });

  async function keyOfHolder(): Promise<{ id: string; keys: SigningKeys }> {
    const { id = '', accessKeyId = '', secretAccessKey = '' } = await holder.make({ kind: 's3' });
    return { id, keys: { accessKeyId, secretAccessKey } };
  }
  async function byKey(id: string, keys: SigningKeys): Promise<Held> {
    const s3 = s3Cells(holder, keys);
    return {
      cells: {
        socket: { 'by a log-in with its secret': never(() => there.login(holder.name, keys.secretAccessKey)) },
        download: s3.download,
        upload: { ...s3.upload, ...(await s3.multipart()) },
        'presigned URL': s3.presigned,
        'verification kept': s3.kept,
      },
      takeBack: () => here.call('DELETE', `/credentials/${id}`, admin),
    };
  }

  const kinds: Record<string, () => Promise<Held>> = {
    async 'S3 key'() {
      const { id, keys } = await keyOfHolder();
      return byKey(id, keys);
    },
    // What it was made with is taken back.
    async 'temporary key'() {
      const { id, keys } = await keyOfHolder();
      return byKey(id, keysOf(await askSts(two.s3Url.replace(/\/$/, ''), keys, { Action: 'GetSessionToken' })));
    },
    async 'app password'() {
      const who = holder;
      const { id, password = '' } = await who.make({ kind: 'app-password' });
      const basic = basicCells(who, password);
      await basic.ready();
      const session = await there.tokenOf(who.name, password);
      const own = await sessionCells(session.token, session.refreshToken);
      return {
        cells: {
          socket: { ...own.socket, '/push/ws': basic.push },
          download: { ...basic.download, ...own.download },
          upload: { ...basic.upload, ...own.upload },
          'presigned URL': noUrl(who, password),
          'verification kept': { ...basic.kept, ...own.kept },
        },
        takeBack: () => here.call('DELETE', `/credentials/${id}`, admin),
      };
    },
    async session() {
      const who = holder;
      const held = await there.tokenOf(who.name, who.password, { label: 'held' });
      const own = await sessionCells(held.token, held.refreshToken);
      const { sessions } = (await here.call('GET', '/me/sessions', who.self)).json;
      const { id } = sessions.find(({ label }: { label: string }) => label === 'held');
      return {
        cells: {
          socket: own.socket,
          download: own.download,
          upload: own.upload,
          'presigned URL': noUrl(who, held.token),
          'verification kept': own.kept,
        },
        takeBack: () => here.call('DELETE', `/me/sessions/${id}`, who.self),
      };
    },
    async device() {
      const who = holder;
      const made = await who.make({ kind: 'device' });
      const keys = { accessKeyId: made.accessKeyId!, secretAccessKey: made.secretAccessKey! };
      const [s3, basic] = [s3Cells(who, keys), basicCells(who, made.password!)];
      await basic.ready();
      const session = await there.tokenOf(who.name, made.password!);
      const own = await sessionCells(session.token, session.refreshToken);
      return {
        cells: {
          socket: { ...own.socket, '/push/ws': basic.push },
          download: { ...s3.download, ...basic.download, ...own.download },
          upload: { ...s3.upload, ...(await s3.multipart()), ...basic.upload, ...own.upload },
          'presigned URL': s3.presigned,
          'verification kept': { ...s3.kept, ...basic.kept, ...own.kept },
        },
        takeBack: () => here.call('DELETE', `/credentials/${made.id}`, admin),
      };
    },
    async 'share link'() {
      const who = holder;
      const link = async (body: object): Promise<{ id: string; token: string; url: string }> => {
        const { status, json } = await there.call('POST', '/links', who.self, { bucket: 'home', key: '', ...body });
        expect(status, JSON.stringify(json)).to.equal(201);
        return { ...json, url: `${two.restUrl}/public/${json.token}` };
      };
      await send('PUT', `${two.restUrl}/files/home/inbox/x`, {
        headers: { authorization: `Bearer ${who.self.token}` },
        body: 'x',
      });
      const [open, locked, drop] = [
        await link({}),
        await link({ password: 'open sesame' }),
        await link({ key: 'inbox/', mode: 'drop' }),
      ];
      const unlocked = await there.call('POST', `/public/${locked.token}/unlock`, null, { password: 'open sesame' });
      const ticket = { 'x-link-ticket': unlocked.json.ticket as string };
      const gone = [401, 403, 404];
      return {
        cells: {
          socket: { 'by its token': never(() => there.call('GET', '/me', { token: open.token })) },
          download: {
            'a file': running(() => slowly(`${open.url}/files/big`)),
            'an archive': running(() => slowly(`${open.url}/zip`)),
            'with a password': running(() => slowly(`${locked.url}/files/big`, ticket)),
          },
          upload: { drop: running(() => slowUpload(`${drop.url}/files/dropped`)) },
          'presigned URL': { 'the address of a file': asked(() => send('HEAD', `${open.url}/files/big`), gone) },
          'verification kept': {
            list: asked(() => send('GET', `${open.url}/list/`), gone),
            'a ticket for the password': asked(() => send('GET', `${locked.url}/list/`, { headers: ticket }), gone),
            drop: asked(() => send('PUT', `${drop.url}/files/small`, { body: 'x' }), gone),
          },
        },
        async takeBack() {
          let last = { status: 0 };
          for (const { id } of [open, locked, drop]) last = await here.call('DELETE', `/links/${id}`, who.self);
          return last;
        },
      };
    },
    password: async () => {
      const who = await person();
      return { ...(await byPassword(who)), takeBack: () => change(who) };
    },
    // What came by the bare password ends when that is not enough any more; what logged in stays.
    'second factor': async () => {
      const who = await person();
      const basic = basicCells(who, who.password);
      await basic.ready();
      return {
        cells: {
          socket: { '/push/ws': basic.push },
          download: basic.download,
          upload: basic.upload,
          'presigned URL': noUrl(who, who.password),
          'verification kept': basic.kept,
        },
        async takeBack() {
          const { json } = await here.call('POST', '/me/totp', who.self);
          const on = await here.call('POST', '/me/totp/confirm', who.self, { code: appCode(json.secret) });
          expect((await there.call('GET', '/me', who.self)).status).to.equal(200);
          return on;
        },
      };
    },
    'disabled user': async () => {
      const who = await person();
      return {
        ...(await everything(who)),
        takeBack: () => here.call('PATCH', `/users/${who.name}`, admin, { disabled: true }),
      };
    },
    'removed user': async () => {
      const who = await person();
      return { ...(await everything(who)), takeBack: () => here.call('DELETE', `/users/${who.name}`, admin) };
    },
  };

  /** Somebody who comes with the bare password, and is logged in with it. */
  async function byPassword(who: Person): Promise<Pick<Held, 'cells'>> {
    const basic = basicCells(who, who.password);
    await basic.ready();
    const session = await there.tokenOf(who.name, who.password);
    const own = await sessionCells(session.token, session.refreshToken);
    return {
      cells: {
        socket: { ...own.socket, '/push/ws': basic.push },
        download: { ...basic.download, ...own.download },
        upload: { ...basic.upload, ...own.upload },
        'presigned URL': noUrl(who, who.password),
        'verification kept': { ...basic.kept, ...own.kept },
      },
    };
  }

  /** The password, and a key beside it. */
  async function everything(who: Person): Promise<Pick<Held, 'cells'>> {
    const made = await who.make({ kind: 's3' });
    const s3 = s3Cells(who, { accessKeyId: made.accessKeyId!, secretAccessKey: made.secretAccessKey! });
    const { cells } = await byPassword(who);
    return {
      cells: {
        socket: cells.socket,
        download: { ...cells.download, ...s3.download },
        upload: { ...cells.upload, ...s3.upload },
        'presigned URL': s3.presigned,
        'verification kept': { ...cells['verification kept'], ...s3.kept },
      },
    };
  }

  function change(who: Person): Promise<Answer> {
    return here.call('POST', '/me/password', who.self, { current: who.password, password: `another of ${who.name}` });
  }

  return {
    hold: (kind: string): Promise<Held> => kinds[kind]!(),
    async leftovers(): Promise<string[]> {
      const found: string[] = [];
      for (const { name, bucket } of owners) {
        const listed = await there.call('GET', `/files/${bucket}/`, admin);
        for (const { key } of (listed.json?.entries ?? []) as { key: string }[])
          if (/^(up|parts|inbox\/dropped)/.test(key)) found.push(`${name}: ${key}`);
      }
      return found;
    },
  };
}
