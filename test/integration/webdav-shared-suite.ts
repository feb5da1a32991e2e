import { expect } from 'chai';
import type { TestGateway } from '../support/gateway.ts';
import { type Answer, type SendOptions, send } from '../support/requests.ts';

const LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
const PATCH = '<propertyupdate xmlns="DAV:"><set><prop><color xmlns="urn:x">red</color></prop></set></propertyupdate>';
const SYNC = (token: string) =>
  `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>infinite</sync-level><prop><getetag/></prop></sync-collection>`;
const ASK =
  '<propfind xmlns="DAV:"><prop><displayname/><current-user-privilege-set/><owner/><quota-used-bytes/><permissions xmlns="http://owncloud.org/ns"/></prop></propfind>';

type Call = (method: string, path: string, options?: SendOptions) => Promise<Answer>;

/** `/dav/Shared` on a running gateway, which is asked for when the tests run. */
export function describeShared(gatewayNow: () => TestGateway): void {
  describe('what others have shared', () => {
    const as = (user: string): Call => {
      const authorization = `Basic ${Buffer.from(`${user}:a long password`).toString('base64')}`;
      return (method, path, { headers, ...rest } = {}) =>
        send(method, `${gatewayNow().webUrl}${path}`, { ...rest, headers: { authorization, ...headers } });
    };
    const [olga, ed, vera, upa, eve] = ['olga', 'ed', 'vera', 'upa', 'eve'].map(as) as [Call, Call, Call, Call, Call];
    const hrefs = ({ body }: Answer) => [...body.toString().matchAll(/<d:response><d:href>([^<]*)/g)].map((match) => match[1]);
    /** She has two of this name, so each says where it is. */
    const veras = '/dav/Shared/pics%20(home-olga)';
    const list = async (call: Call, path: string) => hrefs(await call('PROPFIND', path, { headers: { depth: '1' } }));
    const status = async (...[call, ...request]: [Call, ...Parameters<Call>]) => (await call(...request)).status;
    const put = async (path: string, body: string) => expect(await status(olga, 'PUT', path, { body })).to.be.oneOf([201, 204]);
    const grant = (key: string, name: string, role: string | null, bucket = 'home') =>
      olga(
        role === null ? 'DELETE' : 'PUT',
        `/api/v1/access/${bucket}/${key}${role === null ? `?kind=user&name=${name}` : ''}`,
        role === null
          ? {}
          : { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ kind: 'user', name, role }) },
      );

    before(async () => {
      const { user, password, webUrl } = gatewayNow();
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      for (const name of ['olga', 'ed', 'vera', 'upa', 'eve']) {
        const body = JSON.stringify({ name, role: 'member', password: 'a long password' });
        const headers = { authorization, 'content-type': 'application/json' };
        expect((await send('POST', `${webUrl}/api/v1/users`, { headers, body })).status).to.equal(201);
      }
      for (const folder of ['pics', 'pics/sub', 'pics/sub/deep', 'in%20box', 'old', 'old/pics'])
        expect(await status(olga, 'MKCOL', `/dav/home/${folder}`)).to.equal(201);
      for (const path of ['pics/a.txt', 'pics/sub/b.txt', 'secret.txt', 'old/pics/c.txt']) await put(`/dav/home/${path}`, path);
      for (const [key, name, role] of [
        ['pics/', 'ed', 'editor'],
        ['pics/', 'vera', 'viewer'],
        ['old/pics/', 'vera', 'viewer'],
        ['in%20box/', 'upa', 'uploader'],
      ] as const)
        expect((await grant(key, name, role)).status, `${role} of ${key}`).to.equal(200);
    });

    it('shows each share by a name of its own, and none to others', async () => {
      expect(await list(vera, '/dav/')).to.include('/dav/Shared/');
      expect(await list(eve, '/dav/')).to.not.include('/dav/Shared/');
      expect(await list(eve, '/dav/Shared/')).to.deep.equal(['/dav/Shared/']);
      expect(await list(ed, '/dav/Shared')).to.deep.equal(['/dav/Shared/', '/dav/Shared/pics/']);
      expect(await list(vera, '/dav/Shared/')).to.deep.equal([
        '/dav/Shared/',
        '/dav/Shared/pics%20(home-olga)/',
        '/dav/Shared/pics%20(home-olga%2C%20old)/',
      ]);
      const old = '/dav/Shared/pics%20(home-olga%2C%20old)/';
      expect(await list(vera, old)).to.deep.equal([old, `${old}c.txt`]);
      expect(await list(vera, `${veras}/sub`)).to.deep.equal([`${veras}/sub/`, `${veras}/sub/b.txt`, `${veras}/sub/deep/`]);
      const shown = (await vera('PROPFIND', '/dav/Shared/', { headers: { depth: '1' }, body: ASK })).body.toString();
      expect(shown).to.include('<d:displayname>pics (home-olga)</d:displayname>').and.include('/dav/.principals/olga/');
      expect(shown).to.include('<oc:permissions>G</oc:permissions>').and.not.include('<d:write/>');
      const edits = (await ed('PROPFIND', '/dav/Shared/pics/', { headers: { depth: '0' }, body: ASK })).body.toString();
      expect(edits).to.include('<d:displayname>pics</d:displayname>').and.include('<d:write/>');
      const endless = await vera('PROPFIND', '/dav/Shared/', { headers: { depth: 'infinity' } });
      expect([endless.status, endless.body.includes('propfind-finite-depth')]).to.deep.equal([403, true]);
    });

    it('lets nobody make, remove or replace what only its owner shares', async () => {
      const to = (path: string) => ({ headers: { destination: path } });
      for (const [method, path, options, expected] of [
        ['OPTIONS', '/dav/Shared/', {}, 200],
        ['GET', '/dav/Shared/', {}, 405],
        ['PUT', '/dav/Shared', { body: 'x' }, 405],
        ['MKCOL', '/dav/Shared', {}, 405],
        ['DELETE', '/dav/Shared', {}, 403],
        ['PROPPATCH', '/dav/Shared', { body: PATCH }, 403],
        ['LOCK', '/dav/Shared', { body: LOCK }, 403],
        ['REPORT', '/dav/Shared', { body: SYNC('') }, 403],
        ['MOVE', '/dav/Shared', to('/dav/home/x'), 403],
        ['PUT', '/dav/Shared/new.txt', { body: 'x' }, 403],
        ['MKCOL', '/dav/Shared/new', {}, 403],
        ['LOCK', '/dav/Shared/new', { body: LOCK }, 403],
        ['PUT', '/dav/Shared/new/x', { body: 'x' }, 409],
        ['GET', '/dav/Shared/new', {}, 404],
        ['PROPFIND', '/dav/Shared/new', { headers: { depth: '0' } }, 404],
        ['GET', '/dav/Shared/pics', {}, 405],
        ['PUT', '/dav/Shared/pics', { body: 'x' }, 405],
        ['MKCOL', '/dav/Shared/pics', {}, 405],
        ['DELETE', '/dav/Shared/pics', {}, 403],
        ['MOVE', '/dav/Shared/pics', to('/dav/home/x'), 403],
        ['MOVE', '/dav/Shared/pics/sub', to('/dav/Shared/other'), 404],
        ['MOVE', '/dav/Shared/pics/sub', to('/dav/Shared/pics'), 403],
        ['COPY', '/dav/Shared/pics', to('/dav/Shared/pics/sub/x'), 403],
      ] as const)
        expect(await status(ed, method, path, options), `${method} ${path}`).to.equal(expected);
      expect(await list(olga, '/dav/home/')).to.include('/dav/home/pics/');
    });

    it('keeps the shared folder where it is by every other door too', async () => {
      const json = (method: string, path: string, body: unknown) =>
        status(ed, method, `/api/v1${path}`, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      const pics = { bucket: 'home-olga', key: 'pics/' };
      const mine = { bucket: 'home', key: 'taken-away/' };
      expect(await json('POST', '/move', { from: pics, to: mine })).to.equal(403);
      expect(await json('POST', '/move', { from: pics, to: { ...pics, key: 'pics/sub/in/' } })).to.be.oneOf([400, 403]);
      expect(await status(ed, 'MKCOL', '/dav/home/other')).to.equal(201);
      for (const op of ['move', 'copy'])
        expect(await json('POST', `/${op}`, { from: { ...mine, key: 'other/' }, to: pics, overwrite: true }), op).to.equal(403);
      expect(await status(ed, 'DELETE', '/api/v1/files/home-olga/pics/?recursive=true')).to.equal(403);
      expect(await status(ed, 'DELETE', '/dav/home-olga/pics')).to.equal(403);
      expect(await status(ed, 'MOVE', '/dav/home-olga/pics', { headers: { destination: '/dav/home/x' } })).to.equal(403);
      const batch = await ed('POST', '/api/v1/batch', {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          items: [
            { op: 'delete', at: pics },
            { op: 'move', from: pics, to: mine },
          ],
        }),
      });
      expect(JSON.parse(batch.body.toString()).results.map((one: { status: number }) => one.status)).to.deep.equal([403, 403]);
      expect(await list(olga, '/dav/home/pics/')).to.include('/dav/home/pics/a.txt');
      expect(await status(olga, 'MKCOL', '/dav/home/empty')).to.equal(201);
      expect((await grant('empty/', 'eve', 'editor')).status).to.equal(200);
      expect(await status(eve, 'DELETE', '/api/v1/files/home-olga/empty/'), 'an empty one').to.equal(403);
      expect((await grant('empty/', 'eve', 'owner')).status).to.equal(200);
      expect(await status(eve, 'DELETE', '/api/v1/files/home-olga/empty/'), 'who was made its owner').to.equal(204);
      expect((await grant('empty/', 'eve', null)).status).to.equal(204);
    });

    it('lets an editor do by every method what a bucket allows, and within the share only', async () => {
      const base = '/dav/Shared/pics';
      const made = await ed('PUT', `${base}/new.txt`, { body: 'one' });
      expect(made.status).to.equal(201);
      expect((await olga('GET', '/dav/home/pics/new.txt')).headers.etag, 'one file by both paths').to.equal(made.headers.etag);
      expect(await status(ed, 'PUT', `${base}/new.txt`, { body: 'x', headers: { 'if-none-match': '*' } })).to.equal(412);
      const range = { 'content-type': 'application/x-sabredav-partialupdate', 'x-update-range': 'append' };
      expect(await status(ed, 'PATCH', `${base}/new.txt`, { headers: range, body: ' two' })).to.equal(204);
      const part = await ed('GET', `${base}/new.txt`, { headers: { range: 'bytes=4-6' } });
      expect([part.status, part.body.toString()]).to.deep.equal([206, 'two']);
      expect((await ed('HEAD', `${base}/new.txt`)).headers['content-length']).to.equal('7');
      expect(await status(ed, 'PROPPATCH', `${base}/new.txt`, { body: PATCH })).to.equal(207);
      expect(await status(ed, 'MKCOL', `${base}/made`)).to.equal(201);
      expect(await status(ed, 'MKCOL', `${base}/no/made`)).to.equal(409);
      const move = (from: string, to: string) => status(ed, 'MOVE', from, { headers: { destination: to } });
      const copy = (from: string, to: string) => status(ed, 'COPY', from, { headers: { destination: to } });
      expect(await move(`${base}/new.txt`, `${gatewayNow().webUrl}${base}/made/moved.txt`)).to.equal(201);
      expect(await copy(`${base}/made`, `${base}/copied`)).to.equal(201);
      expect((await ed('PROPFIND', `${base}/copied/moved.txt`, { headers: { depth: '0' } })).body.toString()).to.include('>red<');
      expect(await copy(`${base}/sub`, '/dav/home/taken'), 'out into a bucket of one’s own').to.equal(201);
      expect(await copy(base, '/dav/home/all'), 'the share as a whole').to.equal(201);
      expect((await ed('GET', '/dav/home/all/sub/b.txt')).body.toString()).to.equal('pics/sub/b.txt');
      expect(await copy('/dav/home/taken/b.txt', `${base}/back.txt`), 'and in').to.equal(201);
      expect(await move(`${base}/back.txt`, '/dav/home/away.txt')).to.equal(201);
      expect(await status(olga, 'GET', '/dav/home/pics/back.txt')).to.equal(404);
      // The first is another path before it leaves the client.
      for (const path of [`${base}/../secret.txt`, `${base}/%2e%2e/secret.txt`, `${base}%2f..%2fsecret.txt`])
        expect(await status(ed, 'GET', path), path).to.be.oneOf([400, 404]);
      expect(await status(ed, 'GET', '/dav/home-olga/secret.txt'), 'what was not shared').to.be.oneOf([403, 404]);
      expect(await status(ed, 'DELETE', `${base}/copied/`)).to.equal(204);
      expect(await status(ed, 'DELETE', `${base}/made`)).to.equal(204);
    });

    it('holds locks and If by either path, and names them as the client knows them', async () => {
      const base = '/dav/Shared/pics';
      const taken = await ed('LOCK', `${base}/sub`, { headers: { timeout: 'Second-600' }, body: LOCK });
      expect([taken.status, taken.body.includes(`<d:lockroot><d:href>${base}/sub</d:href>`)]).to.deep.equal([200, true]);
      const token = String(taken.headers['lock-token']);
      const refused = await ed('PUT', `${base}/sub/b.txt`, { body: 'x' });
      expect([refused.status, refused.body.includes(`<d:href>${base}/sub</d:href>`)]).to.deep.equal([423, true]);
      expect(await status(olga, 'PUT', '/dav/home/pics/sub/b.txt', { body: 'x' })).to.equal(423);
      const seen = await vera('PROPFIND', `${veras}/sub/b.txt`, { headers: { depth: '0' } });
      expect(seen.body.toString()).to.include(`<d:lockroot><d:href>${veras}/sub</d:href>`);
      expect(
        await status(ed, 'PUT', `${base}/sub/b.txt`, { body: 'locked', headers: { if: `<${base}/sub/> (${token})` } }),
      ).to.equal(204);
      expect(await status(ed, 'PUT', `${base}/a.txt`, { body: 'x', headers: { if: `<${base}/none/> (${token})` } })).to.equal(
        412,
      );
      expect(await status(ed, 'LOCK', `${base}/sub`, { headers: { if: `(${token})` } }), 'a refresh').to.equal(200);
      expect(await status(vera, 'UNLOCK', `${veras}/sub`, { headers: { 'lock-token': token } })).to.equal(403);
      expect(await status(ed, 'UNLOCK', `${base}/sub`, { headers: { 'lock-token': token } })).to.equal(204);
      const root = await olga('LOCK', '/dav/home/pics', { headers: { timeout: 'Second-600' }, body: LOCK });
      expect((await ed('PUT', `${base}/a.txt`, { body: 'x' })).body.toString(), 'the share itself').to.include(
        `<d:href>${base}/</d:href>`,
      );
      await olga('UNLOCK', '/dav/home/pics', { headers: { 'lock-token': String(root.headers['lock-token']) } });
      const whole = await ed('LOCK', base, { body: LOCK });
      expect(whole.status, 'of the share').to.equal(200);
      expect(await status(olga, 'PUT', '/dav/home/pics/a.txt', { body: 'x' })).to.equal(423);
      expect(await status(ed, 'UNLOCK', base, { headers: { 'lock-token': String(whole.headers['lock-token']) } })).to.equal(204);
      const empty = await ed('LOCK', `${base}/unmapped`, { body: LOCK });
      expect(empty.status).to.equal(201);
      const own = { 'lock-token': String(empty.headers['lock-token']) };
      expect(await status(ed, 'UNLOCK', `${base}/unmapped`, { headers: own })).to.equal(204);
      expect(await status(ed, 'DELETE', `${base}/unmapped`)).to.equal(204);
    });

    it('lets a viewer read by every method, and change nothing by any', async () => {
      const base = veras;
      const before = await list(vera, `${base}/`);
      expect((await vera('GET', `${base}/a.txt`)).body.toString()).to.equal('pics/a.txt');
      expect(await status(vera, 'HEAD', `${base}/a.txt`)).to.equal(200);
      expect(await status(vera, 'PROPFIND', `${base}/a.txt`, { headers: { depth: '0' } })).to.equal(207);
      expect(await status(vera, 'COPY', `${base}/a.txt`, { headers: { destination: '/dav/home/mine.txt' } })).to.equal(201);
      const append = { 'content-type': 'application/x-sabredav-partialupdate', 'x-update-range': 'append' };
      for (const [method, path, options] of [
        ['PUT', 'a.txt', { body: 'x' }],
        ['PUT', 'new.txt', { body: 'x' }],
        ['PATCH', 'a.txt', { headers: append, body: 'x' }],
        ['DELETE', 'a.txt', {}],
        ['DELETE', 'sub', {}],
        ['MKCOL', 'new', {}],
        ['PROPPATCH', 'a.txt', { body: PATCH }],
        ['PROPPATCH', 'sub', { body: PATCH }],
        ['LOCK', 'a.txt', { body: LOCK }],
        ['LOCK', 'new.txt', { body: LOCK }],
        ['LOCK', '', { body: LOCK }],
        ['UNLOCK', 'a.txt', { headers: { 'lock-token': '<urn:uuid:0>' } }],
        ['MOVE', 'a.txt', { headers: { destination: `${base}/b.txt` } }],
        ['MOVE', 'a.txt', { headers: { destination: '/dav/home/b.txt' } }],
        ['MOVE', 'sub', { headers: { destination: '/dav/home/sub' } }],
        ['COPY', 'a.txt', { headers: { destination: `${base}/b.txt` } }],
        ['COPY', '../../home/mine.txt', { headers: { destination: `${base}/b.txt` } }],
      ] as const) {
        const from = path.startsWith('../../') ? `/dav/${path.slice(6)}` : `${base}/${path}`;
        expect(await status(vera, method, from, options), `${method} ${path}`).to.equal(403);
      }
      expect(await list(vera, `${base}/`)).to.deep.equal(before);
    });

    it('lets who may only add put a file that it then does not see, and overwrite none', async () => {
      const base = '/dav/Shared/in%20box';
      expect(await list(upa, '/dav/Shared/')).to.deep.equal(['/dav/Shared/', `${base}/`]);
      expect(await list(upa, `${base}/`), 'an empty folder').to.deep.equal([`${base}/`]);
      expect(await status(upa, 'PUT', `${base}/x.txt`, { body: 'mine' })).to.equal(201);
      expect(await status(upa, 'PUT', `${base}/x.txt`, { body: 'again' })).to.equal(403);
      expect(await list(upa, `${base}/`)).to.deep.equal([`${base}/`]);
      for (const method of ['GET', 'HEAD', 'PROPFIND'])
        expect(await status(upa, method, `${base}/x.txt`, { headers: { depth: '0' } }), method).to.equal(404);
      for (const method of ['DELETE', 'LOCK', 'PROPPATCH', 'MOVE', 'COPY', 'REPORT']) {
        const body = method === 'LOCK' ? LOCK : method === 'PROPPATCH' ? PATCH : method === 'REPORT' ? SYNC('') : '';
        const path = method === 'REPORT' ? `${base}/` : `${base}/x.txt`;
        expect(await status(upa, method, path, { headers: { destination: '/dav/home/x' }, body }), method).to.equal(403);
      }
      expect((await olga('GET', '/dav/home/in%20box/x.txt')).body.toString()).to.equal('mine');
    });

    it('reports what changed in a share, and of the rest of the bucket nothing', async () => {
      const base = veras;
      const report = async (call: Call, token: string) => {
        const answer = await call('REPORT', base, { headers: { depth: '0' }, body: SYNC(token) });
        return {
          told: hrefs(answer),
          status: answer.status,
          token: /<d:sync-token>([^<]*)/.exec(answer.body.toString())?.[1] ?? '',
        };
      };
      const first = await report(vera, '');
      expect(first.told).to.include.members([`${base}/a.txt`, `${base}/sub/`, `${base}/sub/b.txt`, `${base}/sub/deep/`]);
      await put('/dav/home/secret.txt', 'more');
      await put('/dav/home/pics/sub/deep/d.txt', 'd');
      const next = await report(vera, first.token);
      expect(next.told).to.deep.equal([`${base}/sub/`, `${base}/sub/deep/`, `${base}/sub/deep/d.txt`]);
      expect((await report(vera, next.token)).told).to.deep.equal([]);
      expect((await report(eve, '')).status).to.equal(404);
    });

    it('shares a whole bucket, reached by its odd names too; what is taken back is gone at once', async () => {
      await put('/dav/home/%EE%B1%9A001f.txt', 'a control character');
      expect((await grant('', 'eve', 'viewer')).status).to.equal(200);
      const base = '/dav/Shared/home-olga';
      expect(await list(eve, '/dav/Shared/')).to.deep.equal(['/dav/Shared/', `${base}/`]);
      for (const href of await list(eve, `${base}/`)) {
        const folder = href?.endsWith('/');
        const found = await eve(folder ? 'PROPFIND' : 'GET', String(href), { headers: { depth: '0' } });
        expect(found.status, href).to.equal(folder ? 207 : 200);
      }
      expect(await status(eve, 'DELETE', `${base}/secret.txt`)).to.equal(403);
      expect(await status(eve, 'COPY', base, { headers: { destination: '/dav/home/x' } }), 'a bucket').to.equal(403);
      expect((await grant('', 'eve', null)).status).to.equal(204);
      expect(await status(eve, 'GET', `${base}/secret.txt`)).to.equal(404);
      expect((await grant('pics/', 'vera', 'editor')).status, 'more than before').to.equal(200);
      expect(await status(vera, 'PUT', `${veras}/by-vera`, { body: 'x' })).to.equal(201);
      expect((await grant('pics/', 'vera', null)).status).to.equal(204);
      expect(await status(vera, 'GET', `${veras}/by-vera`)).to.equal(404);
      expect(await list(vera, '/dav/Shared/')).to.deep.equal(['/dav/Shared/', '/dav/Shared/pics/']);
      expect(await list(vera, '/dav/Shared/pics/'), 'no other has the name any more').to.deep.equal([
        '/dav/Shared/pics/',
        '/dav/Shared/pics/c.txt',
      ]);
    });
  });
}
