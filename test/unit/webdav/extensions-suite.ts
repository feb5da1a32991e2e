import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { ServedDoor } from './door-suite.ts';

/** What RFC 6578, 5689, 3744, 4331, 9530 and sabre's PATCH add, on any door. */
export function describeExtensions(server: () => ServedDoor): void {
  describe('extensions', () => itExtends(server));
}

function itExtends(server: () => ServedDoor): void {
  const send = (...args: Parameters<ServedDoor['send']>) => server().send(...args);
  const at = '/dav/extended';
  /** Behind the name of a folder beside which S3 has put a file of the same name. */
  const FOLDER = `${encodeURIComponent('\uec5a')}folder`;

  before(async () => {
    await send('MKCOL', at);
  });

  describe('sync-collection (RFC 6578)', () => {
    interface Synced {
      status: number;
      /** Path below the folder, `-` in front of what was removed. */
      members: string[];
      token: string;
      truncated: boolean;
      body: string;
    }

    async function sync(folder: string, token: string, { level = 'infinite', limit = 0, depth = '0' } = {}): Promise<Synced> {
      const asked =
        `<d:sync-collection xmlns:d="DAV:"><d:sync-token>${token}</d:sync-token><d:sync-level>${level}</d:sync-level>` +
        `${limit === 0 ? '' : `<d:limit><d:nresults>${limit}</d:nresults></d:limit>`}<d:prop><d:getetag/></d:prop></d:sync-collection>`;
      const { status, body } = await send('REPORT', `${at}/${folder}`, { depth }, asked);
      const responses = [...body.matchAll(/<d:response><d:href>([^<]*)<\/d:href>(.*?)<\/d:response>/gs)];
      const below = (href: string): string => href.slice(`${at}/${folder}`.length);
      return {
        status,
        members: responses
          .filter(([, , rest]) => !rest?.includes('507 Insufficient'))
          .map(([, href = '', rest = '']) => `${rest.includes('404 Not Found') ? '-' : ''}${below(href)}`),
        token: /<d:sync-token>([^<]*)/.exec(body)?.[1] ?? '',
        truncated: body.includes('507 Insufficient Storage'),
        body,
      };
    }

    before(async () => {
      await send('MKCOL', `${at}/s`);
      await send('MKCOL', `${at}/s/sub`);
      await send('PUT', `${at}/s/one`, {}, '1');
      await send('PUT', `${at}/s/sub/two`, {}, '2');
      await send('PUT', `${at}/beside`, {}, 'x');
    });

    it('gives everything at first, by level', async () => {
      expect((await sync('s/', '')).members).to.have.members(['one', 'sub/', 'sub/two']);
      expect((await sync('s/', '', { level: '1' })).members).to.have.members(['one', 'sub/']);
      expect((await sync('s/', '')).body).to.include('<d:getetag>"');
    });

    it('then what changed, and nothing else', async () => {
      const { token } = await sync('s/', '');
      expect((await sync('s/', token)).members).to.deep.equal([]);
      await send('PUT', `${at}/beside`, {}, 'y');
      expect((await sync('s/', token)).members).to.deep.equal([]);
      await send('PUT', `${at}/s/sub/two`, {}, 'new');
      await send('PUT', `${at}/s/three`, {}, '3');
      await send('DELETE', `${at}/s/one`);
      expect((await sync('s/', token)).members).to.have.members(['sub/', 'sub/two', 'three', '-one']);
      const shallow = await sync('s/', token, { level: '1' });
      expect(shallow.members).to.have.members(['sub/', 'three', '-one']);
      expect((await sync('s/', shallow.token)).members).to.deep.equal([]);
    });

    it('shows a move as a removal and a new member, a whole folder with all below', async () => {
      for (const folder of ['m', 'm/sub']) await send('MKCOL', `${at}/${folder}`);
      for (const file of ['m/sub/two', 'm/three']) await send('PUT', `${at}/${file}`, {}, 'x');
      const { token } = await sync('m/', '');
      await send('MOVE', `${at}/m/three`, { destination: `${at}/m/sub/drei` });
      await send('MOVE', `${at}/m/sub`, { destination: `${at}/m/moved` });
      expect((await sync('m/', token)).members).to.have.members(['-three', '-sub/', 'moved/', 'moved/two', 'moved/drei']);
      expect((await sync('m/', token, { level: '1' })).members).to.have.members(['-three', '-sub/', 'moved/']);
    });

    it('follows what S3 writes: folders that nobody made come before what is in them', async () => {
      for (const folder of ['by-s3', 'by-s3/there']) await send('MKCOL', `${at}/${folder}`);
      const { token } = await sync('by-s3/', '');
      await server().plant('extended', [
        ['by-s3/implied/deep/file', 'x'],
        ['by-s3/there', 'beside the folder'],
      ]);
      const { members } = await sync('by-s3/', token);
      expect(members).to.include.members(['implied/', 'implied/deep/', 'implied/deep/file', 'there']);
      expect(members.indexOf('implied/')).to.be.lessThan(members.indexOf('implied/deep/file'));
      const all = await sync('by-s3/', '');
      expect(all.members, 'under the name that a drive knows').to.include(`there${FOLDER}/`);
    });

    it('tells a folder anew, with all below, when a file of its name comes or goes: its path is another then', async () => {
      for (const folder of ['both', 'both/x', 'both/x/deep']) await send('MKCOL', `${at}/${folder}`);
      for (const file of ['both/x/one', 'both/x/deep/two']) await send('PUT', `${at}/${file}`, {}, '1');
      const { token: before } = await sync('both/', '');
      await server().plant('extended', [['both/x', 'beside the folder']]);
      const all = (folder: string) => ['', 'one', 'deep/', 'deep/two'].map((name) => `${folder}/${name}`);
      const came = await sync('both/', before);
      expect(came.members).to.have.members(['x', ...all(`x${FOLDER}`)]);
      expect((await sync('both/', before, { level: '1' })).members).to.have.members(['x', `x${FOLDER}/`]);
      expect((await sync('both/', came.token)).members).to.deep.equal([]);
      await send('DELETE', `${at}/both/x`);
      const went = await sync('both/', came.token);
      expect(went.members).to.have.members([`-x${FOLDER}/`, ...all('x')]);
      expect((await sync('both/', came.token, { level: '1' })).members).to.have.members([`-x${FOLDER}/`, 'x/']);
      const paged: string[] = [];
      for (let [token, more] = [came.token, true]; more; ) {
        const page = await sync('both/', token, { limit: 3 });
        expect(page.members).to.have.length.within(1, 3);
        paged.push(...page.members);
        ({ token, truncated: more } = page);
      }
      expect(paged).to.have.members(went.members).and.have.length(5);
      await server().plant('extended', [['both/x', 'beside the folder']]);
      const { token } = await sync('both/', '');
      await send('DELETE', `${at}/both/x${FOLDER}`);
      expect((await sync('both/', token)).members, 'the file stays').to.deep.equal([`-x${FOLDER}/`]);
      await send('DELETE', `${at}/both/x`);
      expect((await sync('both/', token)).members, 'both went').to.have.members([`-x${FOLDER}/`, '-x/', '-x']);
    });

    it('pages: never more than the limit, never one twice or left out', async () => {
      await send('MKCOL', `${at}/pages`);
      await server().plant(
        'extended',
        Array.from({ length: 23 }, (_, i) => [`pages/${i % 3}/${i}`, 'x']),
      );
      for (const level of ['infinite', '1']) {
        const whole = (await sync('pages/', '', { level })).members;
        const paged: string[] = [];
        let token = '';
        for (let more = true; more; ) {
          const page = await sync('pages/', token, { level, limit: 4 });
          expect(page.members.length).to.be.within(1, 4);
          paged.push(...page.members);
          ({ token, truncated: more } = page);
        }
        expect(paged, level).to.have.members(whole);
        expect(paged).to.have.length(whole.length);
        for (let i = 0; i < 9; i++) await send('PUT', `${at}/pages/${level}-${i}`, {}, 'x');
        const changes: string[] = [];
        for (let more = true; more; ) {
          const page = await sync('pages/', token, { level, limit: 4 });
          changes.push(...page.members);
          ({ token, truncated: more } = page);
        }
        expect(changes).to.have.members(Array.from({ length: 9 }, (_, i) => `${level}-${i}`));
      }
    });

    it('pages through a folder that was moved in', async () => {
      for (const folder of ['target', 'moving']) await send('MKCOL', `${at}/${folder}`);
      await server().plant(
        'extended',
        Array.from({ length: 23 }, (_, i) => [`moving/${i % 3}/${i}`, 'x']),
      );
      const { token: first } = await sync('target/', '');
      await send('MOVE', `${at}/moving`, { destination: `${at}/target/moved` });
      const seen: string[] = [];
      let token = first;
      for (let more = true; more; ) {
        const page = await sync('target/', token, { limit: 10 });
        seen.push(...page.members);
        ({ token, truncated: more } = page);
      }
      expect(new Set(seen).size).to.equal(seen.length);
      expect(seen)
        .to.have.members((await sync('target/', '')).members)
        .and.have.length(27);
    });

    it('refuses tokens of another time, another folder, and none of ours', async () => {
      for (const folder of ['t', 't/there', 'another']) await send('MKCOL', `${at}/${folder}`);
      await server().plant('extended', [['t/there', 'beside the folder']]);
      const { token } = await sync('t/', '');
      for (const odd of [
        'urn:other:1',
        `${token}0000000`,
        token.replace(/\d+\.(\d+)$/, '77.$1'),
        (await sync('another/', '')).token,
      ]) {
        const refused = await sync('t/', odd);
        expect([refused.status, refused.body.includes('valid-sync-token')], odd).to.deep.equal([403, true]);
      }
      await send('MOVE', `${at}/t`, { destination: `${at}/renamed` });
      expect((await sync('renamed/', token)).body, 'the folder itself was moved').to.include('valid-sync-token');
      const { token: renamed } = await sync('renamed/', '');
      await send('DELETE', `${at}/renamed/there`);
      await send('DELETE', `${at}/renamed/there${FOLDER}`);
      expect((await sync('renamed/', renamed)).members).to.include('-there/');
      await send('MKCOL', `${at}/renamed/there`);
      expect((await sync('renamed/', renamed)).body, 'nobody can say what was in it').to.include('valid-sync-token');
    });

    it('is offered, and refuses what it does not know', async () => {
      const asked = '<propfind xmlns="DAV:"><prop><supported-report-set/><sync-token/></prop></propfind>';
      await send('MKCOL', `${at}/offered`);
      const { body } = await send('PROPFIND', `${at}/offered/`, { depth: '0' }, asked);
      expect(body).to.include('<d:report><d:sync-collection/></d:report>');
      const token = /<d:sync-token>([^<]+)/.exec(body)?.[1] ?? '';
      expect((await sync('offered/', token)).members).to.deep.equal([]);
      expect((await sync('offered/', '', { depth: '1' })).status).to.equal(400);
      expect((await sync('offered/', '', { level: '2' })).status).to.equal(400);
      expect((await send('REPORT', `${at}/offered/`, {}, '<expand-property xmlns="DAV:"/>')).body).to.include('supported-report');
      expect((await send('REPORT', `${at}/offered/`)).status).to.equal(400);
      expect(
        (
          await send(
            'REPORT',
            `${at}/beside`,
            {},
            '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop/></sync-collection>',
          )
        ).status,
      ).to.equal(403);
    });
  });

  it('extended MKCOL (RFC 5689): a folder with its properties, or none', async () => {
    const mkcol = (inside: string, path = `${at}/made`) =>
      send(
        'MKCOL',
        path,
        { 'content-type': 'application/xml' },
        `<d:mkcol xmlns:d="DAV:" xmlns:x="urn:x"><d:set><d:prop>${inside}</d:prop></d:set></d:mkcol>`,
      );
    const refused = await mkcol('<d:resourcetype><d:collection/></d:resourcetype><d:getetag>1</d:getetag><x:color>red</x:color>');
    expect(refused.status).to.equal(424);
    expect(refused.body).to.include('mkcol-response').and.include('403 Forbidden').and.include('424 Failed Dependency');
    expect((await send('PROPFIND', `${at}/made`, { depth: '0' })).status).to.equal(404);
    const other = await mkcol('<d:resourcetype><d:collection/><x:calendar/></d:resourcetype>');
    expect([other.status, other.body.includes('valid-resourcetype')]).to.deep.equal([403, true]);
    expect((await mkcol('<d:resourcetype><d:collection/></d:resourcetype><x:color>red</x:color>')).status).to.equal(201);
    expect((await send('PROPFIND', `${at}/made`, { depth: '0' })).body).to.include('>red</x:color>');
    expect((await mkcol('<d:resourcetype><d:collection/></d:resourcetype>')).status).to.equal(405);
    expect((await send('MKCOL', `${at}/other`, { 'content-type': 'text/xml' }, '<other/>')).status).to.equal(415);
    expect((await send('MKCOL', `${at}/other`, { 'content-type': 'application/xml' }, '<')).status).to.equal(400);
  });

  it('tells rights, owner and who is asking (RFC 3744, 5397)', async () => {
    await send('MKCOL', `${at}/owned`);
    const asked =
      '<propfind xmlns="DAV:"><prop><current-user-principal/><current-user-privilege-set/><owner/><principal-collection-set/></prop></propfind>';
    const { body } = await send('PROPFIND', `${at}/owned`, { depth: '0' }, asked);
    const self = /<d:current-user-principal><d:href>([^<]+)/.exec(body)?.[1] ?? '';
    expect(body).to.include(`<d:owner><d:href>${self}</d:href></d:owner>`);
    for (const name of ['read', 'write', 'bind', 'unbind', 'write-content'])
      expect(body).to.include(`<d:privilege><d:${name}/></d:privilege>`);
    const listed = (await send('PROPFIND', at, { depth: '1' }, asked)).body;
    expect(listed.match(/<d:privilege><d:write\/>/g)?.length).to.be.greaterThan(1);
    const principal = await send(
      'PROPFIND',
      self,
      { depth: '0' },
      '<propfind xmlns="DAV:"><prop><resourcetype/><displayname/><x xmlns="urn:x"/></prop></propfind>',
    );
    expect(principal.body)
      .to.include('<d:principal/>')
      .and.include('<d:displayname>ann</d:displayname>')
      .and.include('404 Not Found');
    expect((await send('PROPFIND', self.replace('ann', 'bob'), { depth: '0' })).status, 'nobody else').to.equal(404);
    expect((await send('DELETE', self)).status).to.equal(403);
    expect((await send('PROPFIND', '/dav/', { depth: '1' })).body).not.to.include('.principals');
  });

  it('PATCH with X-Update-Range, and PUT with Content-Range: a part is written, the rest stays', async () => {
    const path = `${at}/parts.txt`;
    const { etag } = (await send('PUT', path, {}, '0123456789')).headers;
    const patch = (range: string, body: string, headers = {}) =>
      send('PATCH', path, { 'content-type': 'application/x-sabredav-partialupdate', 'x-update-range': range, ...headers }, body);
    const text = async () => (await send('GET', path)).body;
    expect((await patch('bytes=2-4', 'abc')).status).to.equal(204);
    expect(await text()).to.equal('01abc56789');
    expect((await patch('append', 'XY')).headers.etag).not.to.equal(etag);
    expect(await text()).to.equal('01abc56789XY');
    await patch('bytes=-2', 'z');
    expect(await text()).to.equal('01abc56789zY');
    await patch('bytes=11-', 'longer');
    expect(await text()).to.equal('01abc56789zlonger');
    expect((await patch('bytes=99-', 'hole')).status).to.equal(416);
    expect((await patch('bytes=0-5', 'short')).status).to.equal(416);
    for (const odd of ['', 'bytes=', 'bytes=-', 'lines=1-2', 'bytes=5'])
      expect((await patch(odd, 'x')).status, odd).to.equal(400);
    expect((await patch('append', 'x', { 'content-type': 'text/plain' })).status).to.equal(415);
    expect((await patch('append', 'x', { 'if-match': String(etag) })).status).to.equal(412);
    expect(
      (
        await send(
          'PATCH',
          `${at}/none`,
          { 'content-type': 'application/x-sabredav-partialupdate', 'x-update-range': 'append' },
          'x',
        )
      ).status,
    ).to.equal(404);
    expect(
      (
        await send(
          'PATCH',
          `${at}/made`,
          { 'content-type': 'application/x-sabredav-partialupdate', 'x-update-range': 'append' },
          'x',
        )
      ).status,
    ).to.be.oneOf([404, 405]);
    expect((await send('PUT', path, { 'content-range': 'bytes 1-2/*' }, '__')).status).to.equal(204);
    expect(await text()).to.equal('0__bc56789zlonger');
    expect((await send('PUT', `${at}/resumed`, { 'content-range': 'bytes 0-3/8' }, 'half')).status).to.equal(201);
    expect((await send('PUT', `${at}/resumed`, { 'content-range': 'bytes 4-7/8' }, 'done')).status).to.equal(204);
    expect((await send('GET', `${at}/resumed`)).body).to.equal('halfdone');
    expect((await send('PUT', `${at}/hole`, { 'content-range': 'bytes 4-7/8' }, 'done')).status).to.equal(416);
  });

  it('PATCH with X-Recalculate-Hash tells a sum of the bytes, as rclone asks where it takes us for Nextcloud', async () => {
    const path = `${at}/added-up`;
    await send('PUT', path, {}, 'abc');
    const before = (await send('HEAD', path)).headers;
    const told = async (kind: string, where = path) => send('PATCH', where, { 'x-recalculate-hash': kind });
    const sums = {
      sha1: 'SHA1:a9993e364706816aba3e25717850c26c9cd0d89d',
      MD5: 'MD5:900150983cd24fb0d6963f7d28e17f72',
      sha256: 'SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    };
    for (const [kind, sum] of Object.entries(sums)) {
      const answer = await told(kind);
      expect([answer.status, answer.headers['oc-checksum']], kind).to.deep.equal([204, sum]);
    }
    expect((await send('HEAD', path)).headers.etag).to.equal(before.etag);
    for (const odd of ['', 'adler32', 'constructor']) expect((await told(odd)).status, odd).to.equal(400);
    expect((await told('sha1', `${at}/none`)).status).to.equal(404);
    expect((await told('sha1', `${at}/`)).status).to.equal(405);
  });

  it('verifies what a client says of its bytes, and tells digests that are asked for', async () => {
    const path = `${at}/digests`;
    const body = 'some bytes';
    const digest = (name: string, encoding: 'base64' | 'hex' = 'base64') => createHash(name).update(body).digest(encoding);
    const good: Record<string, string>[] = [
      { 'repr-digest': `sha-256=:${digest('sha256')}:, unknown=:AAAA:` },
      { 'content-digest': `sha-256=:${digest('sha256')}:` },
      { digest: `SHA-256=${digest('sha256')}, MD5=${digest('md5')}` },
      { 'content-md5': digest('md5') },
      { 'oc-checksum': `SHA1:${digest('sha1', 'hex')}` },
    ];
    for (const headers of good)
      expect((await send('PUT', path, headers, body)).status, JSON.stringify(headers)).to.be.oneOf([201, 204]);
    expect((await send('GET', path)).headers['oc-checksum']).to.equal(`SHA1:${digest('sha1', 'hex')}`);
    for (const headers of good) {
      expect((await send('PUT', path, headers, 'other bytes')).status, JSON.stringify(headers)).to.equal(400);
    }
    expect((await send('PUT', path, { 'content-md5': 'AAAA' }, body)).status).to.equal(400);
    expect((await send('PUT', path, { ...good[0], digest: `SHA-256=${digest('md5')}` }, body)).status).to.equal(400);
    expect((await send('GET', path)).body).to.equal(body);
    const wanted = await send('GET', path, { 'want-repr-digest': 'sha-512=10, sha-256=9, md5=1' });
    expect(wanted.headers['repr-digest']).to.equal(`sha-256=:${digest('sha256')}:`);
    expect((await send('HEAD', path, { 'want-digest': 'SHA-256;q=0.1, sha;q=1' })).headers.digest).to.equal(
      `sha=${digest('sha1')}`,
    );
    const put = await send('PUT', path, { 'want-repr-digest': 'sha-256=1' }, body);
    expect(put.headers['repr-digest']).to.equal(`sha-256=:${digest('sha256')}:`);
  });

  it('says of SEARCH that it is not there', async () => {
    const { status, headers } = await send('SEARCH', `${at}/`, {}, '<searchrequest xmlns="DAV:"/>');
    expect(status).to.equal(405);
    expect(headers.allow).not.to.include('SEARCH');
    expect((await send('OPTIONS', `${at}/`)).headers.dasl).to.equal(undefined);
  });
}
