import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { beforeItEnds } from '../support/identity.ts';
import { MAIN, NODE_ARGS, runProcess } from '../support/process.ts';

interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  json: any;
}

describe('share links', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let owner: string;

  before(async () => {
    gateway = await startGateway();
    owner = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    for (const [key, text] of Object.entries({
      'trip/a.txt': 'first',
      'trip/b & c/ü.txt': 'second',
      'trip/page.html': '<script>alert(1)</script>',
      'trip-secret/x.txt': 'not shared',
      'trip.txt': 'beside',
    }))
      await put(key, text);
  });
  after(async () => {
    await gateway?.stop();
  });

  it('give a stranger what they are to, and nothing beside or above it', async () => {
    const { token } = await link({ key: 'trip/' });
    expect((await visit('GET', token)).json).to.include({ kind: 'folder', mode: 'download', name: 'trip', downloadsLeft: null });
    const listed = (await visit('GET', token, '/list/')).json.entries;
    expect(listed.map(({ path }: { path: string }) => path)).to.deep.equal(['a.txt', 'b & c/', 'page.html']);
    expect(JSON.stringify(listed)).to.not.contain('trip');
    expect((await visit('GET', token, '/files/b%20%26%20c/%C3%BC.txt')).text).to.equal('second');
    for (const path of ['../trip.txt', '..%2Ftrip.txt', '%2e%2e/trip-secret/x.txt', '-secret/x.txt', '/trip.txt', '']) {
      const { status, text } = await visit('GET', token, `/files/${path}`);
      expect(status, path).to.be.oneOf([400, 404, 403]);
      expect(text, path).to.not.match(/beside|not shared/);
    }
    for (const path of ['../', '..%2F', '-secret/']) {
      const { status, json } = await visit('GET', token, `/list/${path}`);
      if (status === 200) expect(json.entries, path).to.deep.equal([]);
    }
    // Made for looking, not for being the page.
    const page = await visit('GET', token, '/files/page.html');
    expect(page.headers.get('content-security-policy')).to.match(/^sandbox/);
    expect((await visit('GET', token, '/files/a.txt?download')).headers.get('content-disposition')).to.match(/^attachment/);
  });

  it('to one file give that file only', async () => {
    const { token } = await link({ key: 'trip/a.txt' });
    expect((await visit('GET', token)).json.file).to.include({ name: 'a.txt', size: 5, path: 'a.txt' });
    expect((await visit('GET', token, '/files/')).text).to.equal('first');
    expect((await visit('GET', token, '/files/b')).status).to.equal(404);
    expect((await visit('GET', token, '/list/')).status).to.equal(403);
    expect((await visit('PUT', token, '/files/new', { body: 'x' })).json.code).to.equal('link_refuses');
  });

  it('are made by who may share, and seen by who may manage the place', async () => {
    const member = await user('ann', 'member');
    expect((await api('POST', '/links', { bucket: 'home', key: 'trip/' }, member)).status).to.equal(404);
    expect((await api('POST', '/buckets', { name: 'anns' }, member)).status).to.equal(201);
    const made = await api('POST', '/links', { bucket: 'anns', key: '' }, member);
    expect(made.status).to.equal(201);
    const bob = await user('bob', 'member');
    expect((await api('GET', `/links/${made.json.id}`, undefined, bob)).status).to.equal(404);
    expect((await api('DELETE', `/links/${made.json.id}`, undefined, bob)).status).to.equal(404);
    expect((await api('PATCH', `/links/${made.json.id}`, { label: 'x' }, bob)).status).to.equal(404);
    expect((await api('GET', '/links', undefined, bob)).json.items).to.deep.equal([]);
    const seen = (await api('GET', `/links/${made.json.id}`)).json;
    expect(seen.bucket).to.equal('anns');
    expect(seen.token, 'of somebody else').to.equal(undefined);
    expect((await api('GET', `/links/${made.json.id}`, undefined, member)).json.token).to.equal(made.json.token);
    expect((await api('GET', '/links?bucket=anns', undefined, member)).json.items).to.have.length(1);
  });

  it('are out of reach of a device that may not share there: it learns no token, and changes and ends none', async () => {
    const device = async (scope: object): Promise<string> => {
      const { json } = await api('POST', '/credentials', { kind: 'device', name: 'phone', user: gateway.user, scope });
      return `Basic ${Buffer.from(`${gateway.user}:${json.password}`).toString('base64')}`;
    };
    const reading = await device({ actions: ['read', 'list', 'bucket.list'] });
    const inTrip = await device({ places: [{ bucket: 'home', prefix: 'trip/' }] });
    const [trip, secret] = [await link({ key: 'trip/' }), await link({ key: 'trip-secret/' })];
    for (const [by, { id }] of [
      [reading, trip],
      [reading, secret],
      [inTrip, secret],
    ] as const) {
      expect((await api('GET', `/links/${id}`, undefined, by)).status).to.equal(404);
      expect((await api('PATCH', `/links/${id}`, { password: null }, by)).status).to.equal(404);
      expect((await api('DELETE', `/links/${id}`, undefined, by)).status).to.equal(404);
    }
    expect((await api('GET', '/links', undefined, reading)).json.items).to.deep.equal([]);
    const shown = (await api('GET', '/links', undefined, inTrip)).json.items as { id: number; key: string }[];
    expect(shown.map(({ id }) => id)).to.include(trip.id);
    for (const { key } of shown) expect(key).to.match(/^trip\//);
    expect((await api('GET', `/links/${trip.id}`, undefined, inTrip)).json.token).to.equal(trip.token);
  });

  it('refuse terms that contradict each other', async () => {
    const bad: [object, string][] = [
      [{ key: 'trip/a.txt', mode: 'drop' }, 'a file takes no files'],
      [{ key: 'trip/', mode: 'drop', downloadsMax: 3 }, 'nothing is downloaded'],
      [{ key: 'trip/', bytesMax: 3 }, 'no drop folder'],
      [{ key: 'trip/', expires: '2020-01-01T00:00:00Z' }, 'over before it began'],
      [{ key: 'trip/', downloadsMax: 0 }, 'none at all'],
      [{ key: 'trip/', password: '' }, 'an empty password'],
      [{ key: 'trip/', mode: 'edit' }, 'no such mode'],
      [{ key: 'trip/', networks: ['192.168.1'] }, 'no network'],
      [{ key: 'trip/', networks: [] }, 'from nowhere'],
      [{ key: 'trip/', surprise: 1 }, 'an unknown term'],
    ];
    for (const [body, why] of bad) expect((await api('POST', '/links', { bucket: 'home', ...body })).status, why).to.equal(400);
    expect((await api('POST', '/links', { bucket: 'home', key: 'nothing/' })).status).to.equal(404);
  });

  it('take changes of all their terms at once, with the password and without it, from many at the same time', async () => {
    const { id } = await link({ key: 'trip/' });
    const terms = {
      mode: 'download',
      label: null,
      expires: null,
      downloadsMax: null,
      networks: null,
      filesMax: null,
      bytesMax: null,
      disabled: false,
    };
    const patches = Array.from({ length: 24 }, (_, n) => (n % 2 === 0 ? { ...terms, password: null } : terms));
    const answers = await Promise.all(patches.map((body) => api('PATCH', `/links/${id}`, body)));
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
  });

  it('with a password give nothing away without it, and slow its guessing down', async () => {
    const { token, id } = await link({ key: 'trip/', password: 'open sesame' });
    for (const path of ['', '/list/', '/files/a.txt']) {
      const { status, json, headers } = await visit('GET', token, path);
      expect(status, path).to.equal(401);
      expect(json.code).to.equal('link_password');
      expect(headers.get('www-authenticate'), 'no browser asks for an account').to.equal(null);
    }
    expect((await visit('POST', token, '/unlock', { body: { password: 'wrong' } })).status).to.equal(401);
    const unlocked = await visit('POST', token, '/unlock', { body: { password: 'open sesame' } });
    expect(unlocked.status).to.equal(200);
    const ticket = { 'x-link-ticket': unlocked.json.ticket };
    expect((await visit('GET', token, '/files/a.txt', { headers: ticket })).text).to.equal('first');
    const cookie = unlocked.headers.get('set-cookie') ?? '';
    expect(cookie)
      .to.match(/HttpOnly/)
      .and.match(/SameSite=Strict/)
      .and.contain(`Path=/api/v1/public/${token}`);
    expect((await visit('GET', token, '/list/', { headers: { cookie: cookie.split(';')[0] ?? '' } })).status).to.equal(200);

    const other = await link({ key: 'trip/', password: 'open sesame' });
    expect((await visit('GET', other.token, '', { headers: ticket })).status, 'a ticket is for one link').to.equal(401);
    await api('PATCH', `/links/${id}`, { password: 'another' });
    expect((await visit('GET', token, '', { headers: ticket })).status, 'and for one password').to.equal(401);
    const statuses = new Set<number>();
    for (let n = 0; n < 12; n++)
      statuses.add((await visit('POST', token, '/unlock', { body: { password: `guess ${n}` } })).status);
    expect([...statuses]).to.have.members([401, 429]);
    await api('PATCH', `/links/${id}`, { password: null });
    expect((await visit('GET', token)).status).to.equal(200);
  });

  it('open from the networks that they are for, and end for who is in from elsewhere', async () => {
    const { token, id } = await link({ key: 'trip/', password: 'open sesame', networks: ['203.0.113.0/24'] });
    for (const path of ['', '/list/', '/files/a.txt', '/zip'])
      expect((await visit('GET', token, path)).json.code, path).to.equal('link_refuses');
    expect((await visit('POST', token, '/unlock', { body: { password: 'open sesame' } })).json.code).to.equal('link_refuses');
    const changed = await api('PATCH', `/links/${id}`, { networks: ['127.0.0.0/8', '::1/128'], password: null });
    expect(changed.json.networks).to.deep.equal(['127.0.0.0/8', '::1/128']);
    expect((await visit('GET', token, '/files/a.txt')).text).to.equal('first');
    await api('PATCH', `/links/${id}`, { networks: ['203.0.113.0/24'] });
    expect((await visit('GET', token, '/files/a.txt')).status).to.equal(403);
    await api('PATCH', `/links/${id}`, { networks: null });
    expect((await visit('GET', token)).status).to.equal(200);
  });

  it('end by themselves, and when they are taken back', async () => {
    let { token, id } = { token: '', id: 0 };
    await beforeItEnds(async (expires) => {
      ({ token, id } = await link({ key: 'trip/', expires }));
      expect((await visit('GET', token)).status).to.equal(200);
    }, 1_500);
    await until(async () => (await visit('GET', token)).json.code === 'link_expired');
    await api('PATCH', `/links/${id}`, { expires: null });
    expect((await visit('GET', token)).status).to.equal(200);
    await api('PATCH', `/links/${id}`, { disabled: true });
    expect((await visit('GET', token)).status).to.equal(404);
    await api('PATCH', `/links/${id}`, { disabled: false });
    await api('DELETE', `/links/${id}`);
    expect((await visit('GET', token)).status).to.equal(404);
    expect((await visit('GET', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA')).status).to.equal(404);
  });

  it('end what is being downloaded through them', async () => {
    await put('large.bin', Buffer.alloc(64 << 20, 7));
    for (const [how, ...end] of [['DELETE'], ['PATCH', { password: 'a new one for others' }]] as [string, object?][]) {
      const { token, id } = await link({ key: 'large.bin' });
      const answer = await slowGet(`/public/${token}/files/`);
      const broken = new Promise((resolve) => answer.once('close', resolve));
      await api(how, `/links/${id}`, ...end);
      answer.resume();
      await broken;
      expect(answer.complete, how).to.equal(false);
    }
  });

  it('are good for so many downloads, also of a hundred at once, and a download goes on', async () => {
    const { token, id } = await link({ key: 'trip/', downloadsMax: 5 });
    const statuses = await Promise.all(
      Array.from({ length: 40 }, () => visit('GET', token, '/files/a.txt').then(({ status }) => status)),
    );
    expect(statuses.filter((status) => status === 200)).to.have.length(5);
    expect(statuses.filter((status) => status === 410)).to.have.length(35);
    expect((await api('GET', `/links/${id}`)).json.downloads).to.equal(5);
    await api('PATCH', `/links/${id}`, { downloadsMax: 6 });
    const first = await visit('GET', token, '/files/a.txt', { headers: { range: 'bytes=0-1' } });
    expect([first.status, first.text]).to.deep.equal([206, 'fi']);
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    const more = await visit('GET', token, '/files/a.txt', { headers: { range: 'bytes=2-', cookie } });
    expect([more.status, more.text]).to.deep.equal([206, 'rst']);
    expect((await visit('GET', token, '/files/a.txt', { headers: { range: 'bytes=2-' } })).json.code).to.equal('link_used_up');
    expect((await visit('GET', token, '/files/page.html', { headers: { cookie } })).json.code, 'another file').to.equal(
      'link_used_up',
    );
  });

  it('do not count what is answered without a byte', async () => {
    const { token, id } = await link({ key: 'trip/', downloadsMax: 1 });
    const beyond = await visit('GET', token, '/files/a.txt', { headers: { range: 'bytes=99-' } });
    expect([beyond.status, beyond.headers.get('set-cookie')]).to.deep.equal([416, null]);
    expect((await api('GET', `/links/${id}`)).json.downloads).to.equal(0);
    expect((await visit('GET', token, '/files/a.txt')).status).to.equal(200);
    expect((await visit('GET', token, '/files/a.txt', { headers: { range: 'bytes=99-' } })).status).to.equal(416);
    expect((await visit('GET', token, '/zip')).json.code).to.equal('link_used_up');
  });

  it('give a folder as one archive', async () => {
    const { token } = await link({ key: 'trip/', label: 'our trip', downloadsMax: 1 });
    const zip = await visit('GET', token, '/zip');
    expect(zip.status, zip.text).to.equal(200);
    expect(zip.headers.get('content-disposition')).to.contain('our trip.zip');
    for (const name of ['a.txt', 'b & c/ü.txt']) expect(zip.text).to.contain(name);
    expect(zip.text).to.not.contain('secret');
    expect((await visit('GET', token, '/zip')).json.code).to.equal('link_used_up');
    expect((await visit('GET', (await link({ key: 'trip/', mode: 'view' })).token, '/zip')).json.code).to.equal('link_refuses');
  });

  it('for looking do not offer to save', async () => {
    const { token } = await link({ key: 'trip/', mode: 'view' });
    expect((await visit('GET', token, '/files/a.txt')).status).to.equal(200);
    expect((await visit('GET', token, '/files/a.txt?download')).json.code).to.equal('link_refuses');
  });

  it('to a drop folder take files, tell nothing, and replace nothing', async () => {
    const { token, id } = await link({ key: 'inbox/', mode: 'drop', bytesMax: 3_000_000, filesMax: 4 });
    expect((await visit('PUT', token, '/files/report.txt', { body: 'one' })).json).to.deep.equal({ name: 'report.txt', size: 3 });
    expect((await visit('PUT', token, '/files/report.txt', { body: 'two!' })).json.name).to.equal('report (2).txt');
    expect((await visit('PUT', token, '/files/deep/er/report.txt', { body: 'three' })).status).to.equal(201);
    for (const path of ['/list/', '/files/report.txt'])
      expect((await visit('GET', token, path)).json.code, path).to.equal('link_refuses');
    for (const name of ['a%00b', '..', '%2e%2e/x', 'a//b', '%E2%80%AEgpj.exe', 'n'.repeat(256)])
      expect((await visit('PUT', token, `/files/${name}`, { body: 'x' })).status, name).to.equal(400);
    expect(await stored('inbox/report.txt')).to.equal('one');
    expect(await stored('inbox/report (2).txt')).to.equal('two!');

    const large = Buffer.alloc(2_999_990, 1);
    expect((await visit('PUT', token, '/files/large', { body: large })).json.code, 'declared').to.equal('quota_exceeded');
    expect((await visit('PUT', token, '/files/large', { body: large, chunked: true })).json?.code, 'found on the way').to.equal(
      'quota_exceeded',
    );
    expect((await api('GET', `/links/${id}`)).json).to.include({ bytes: 12, files: 3 });
    const both = await Promise.all(
      Array.from({ length: 6 }, (_, n) => visit('PUT', token, `/files/race-${n}`, { body: 'x' }).then(({ status }) => status)),
    );
    expect(
      both.filter((status) => status === 201),
      'one file is left',
    ).to.have.length(1);
    expect((await api('GET', `/links/${id}`)).json).to.include({ bytes: 13, files: 4 });
  });

  it('to a drop folder take files in pieces, held against their sum, by this link alone, and count what is on its way', async () => {
    const { token, id } = await link({ key: 'pieces/', mode: 'drop', bytesMax: 1000, filesMax: 3 });
    const other = await link({ key: 'pieces/', mode: 'drop' });
    const tus = { 'tus-resumable': '1.0.0' };
    const piece = { ...tus, 'content-type': 'application/offset+octet-stream' };
    const named = (name: string): string => `key ${Buffer.from(name).toString('base64')},digest ${btoa('yes')}`;
    const begin = async (name: string, length: number, by = token): Promise<Pick<Reply, 'status' | 'json'> & { at: string }> => {
      const headers = { ...tus, 'upload-length': String(length), 'upload-metadata': named(name) };
      const { status, headers: answered, json } = await visit('POST', by, '/uploads', { headers });
      return { status, json, at: `/uploads/${answered.get('location')?.split('/').at(-1)}` };
    };
    const used = async () => {
      const { bytes, files } = (await api('GET', `/links/${id}`)).json;
      return { bytes, files };
    };
    const sum = (text: string): string => `sha-256=:${createHash('sha256').update(text).digest('base64')}:`;
    const send = (at: string, offset: number, body: string, headers = {}, by = token) =>
      visit('PATCH', by, at, { headers: { ...piece, 'upload-offset': String(offset), ...headers }, body });

    const first = await begin('film.txt', 10);
    expect(first.status).to.equal(201);
    expect((await send(first.at, 0, 'first')).headers.get('upload-offset')).to.equal('5');
    expect(await used()).to.deep.equal({ bytes: 10, files: 1 });
    // Another link to the same folder knows nothing of it, nor does this one of what its maker sends.
    for (const method of ['HEAD', 'GET', 'DELETE'])
      expect((await visit(method, other.token, first.at, { headers: tus })).status, method).to.equal(404);
    expect((await send(first.at, 5, ' half', {}, other.token)).status).to.equal(404);
    const own = await fetch(`${gateway.restUrl}/uploads`, {
      method: 'POST',
      headers: {
        authorization: owner,
        ...tus,
        'upload-length': '3',
        'upload-metadata': `bucket ${btoa('home')},${named('pieces/x')}`,
      },
    });
    const ownAt = `/uploads/${own.headers.get('location')?.split('/').at(-1)}`;
    expect((await visit('HEAD', token, ownAt, { headers: tus })).status).to.equal(404);
    expect((await send(ownAt, 0, 'abc')).status).to.equal(404);

    // The name is taken while it comes.
    await put('pieces/film.txt', 'of the owner');
    expect((await visit('HEAD', token, first.at, { headers: tus })).headers.get('upload-offset')).to.equal('5');
    expect((await send(first.at, 5, ' half', { 'repr-digest': sum('first half') })).status).to.equal(204);
    expect((await visit('GET', token, first.at)).json.entry).to.deep.equal({ name: 'film (2).txt', size: 10 });
    expect([await stored('pieces/film.txt'), await stored('pieces/film (2).txt')]).to.deep.equal(['of the owner', 'first half']);

    const wrong = await begin('wrong.txt', 5);
    expect((await send(wrong.at, 0, 'wrong', { 'repr-digest': sum('right') })).json.code).to.equal('upload_checksum_mismatch');
    expect((await visit('HEAD', token, wrong.at, { headers: tus })).status).to.equal(404);
    expect(
      (await visit('PUT', token, '/files/w.txt', { body: 'wrong', headers: { 'repr-digest': sum('right') } })).status,
    ).to.equal(400);
    expect(await used()).to.deep.equal({ bytes: 10, files: 1 });

    const large = await begin('large.bin', 990);
    expect((await begin('more.bin', 1)).json.code, 'what is on its way has its room').to.equal('quota_exceeded');
    expect((await visit('DELETE', token, large.at, { headers: tus })).status).to.equal(204);
    expect(await used()).to.deep.equal({ bytes: 10, files: 1 });
    // Also where its maker ends it, who has it among the uploads of his own; what became a file keeps its room.
    const strangers = await begin('large.bin', 990);
    for (const { at } of [strangers, first]) {
      const headers = { authorization: owner, ...tus };
      expect((await fetch(`${gateway.restUrl}${at}`, { method: 'DELETE', headers })).status).to.equal(204);
      expect(await used()).to.deep.equal({ bytes: 10, files: 1 });
    }
    for (const name of ['../x', 'a//b', '']) expect((await begin(name, 1)).status, name).to.equal(400);
    const reading = await link({ key: 'trip/' });
    expect((await begin('x', 1, reading.token)).json.code).to.equal('link_refuses');

    const cut = await begin('cut.bin', 10);
    await api('PATCH', `/links/${id}`, { disabled: true });
    expect((await send(cut.at, 0, 'first')).status).to.equal(404);
  });

  it('lose what their maker loses', async () => {
    const carol = await user('carol', 'member');
    await api('POST', '/buckets', { name: 'carols' }, carol);
    await put('x.txt', 'of carol', 'carols', carol);
    const made = (await api('POST', '/links', { bucket: 'carols', key: '' }, carol)).json;
    expect((await visit('GET', made.token, '/files/x.txt')).text).to.equal('of carol');
    await cli(['user', 'disable', 'carol']);
    await until(async () => (await visit('GET', made.token, '/files/x.txt')).status === 404);
  });

  async function link(body: object): Promise<{ token: string; id: number }> {
    const { status, json } = await api('POST', '/links', { bucket: 'home', ...body });
    expect(status, JSON.stringify(json)).to.equal(201);
    return json;
  }

  async function api(method: string, path: string, body?: object, authorization = owner): Promise<Reply> {
    return reply(
      await fetch(`${gateway.restUrl}${path}`, {
        method,
        headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  }

  /** Without an account. Paths go out as they are. */
  function visit(
    method: string,
    token: string,
    path = '',
    {
      headers = {},
      body,
      chunked = false,
    }: { headers?: Record<string, string>; body?: string | Buffer | object; chunked?: boolean } = {},
  ): Promise<Reply> {
    const json = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
    const bytes = body === undefined ? null : Buffer.from(json ? JSON.stringify(body) : (body as string));
    return new Promise((resolve, reject) => {
      const { hostname, port, pathname } = new URL(gateway.restUrl);
      const all = {
        ...(json ? { 'content-type': 'application/json' } : {}),
        ...(bytes === null || chunked ? {} : { 'content-length': bytes.length }),
        ...headers,
      };
      const req = httpRequest(
        { hostname, port, method, path: `${pathname}/public/${token}${path}`, headers: all, agent: false },
        (res) => {
          const chunks: Buffer[] = [];
          res.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
          res.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const answered = new Headers();
            for (const [name, value] of Object.entries(res.headers)) if (value !== undefined) answered.set(name, String(value));
            const isJson = /json/.test(res.headers['content-type'] ?? '') && text !== '';
            resolve({ status: res.statusCode ?? 0, headers: answered, text, json: isJson ? JSON.parse(text) : undefined });
          });
        },
      );
      // What is refused in mid-body may be answered and cut.
      req.on('error', (error) =>
        bytes === null ? reject(error) : resolve({ status: 0, headers: new Headers(), text: '', json: undefined }),
      );
      req.end(bytes ?? undefined);
    });
  }

  function slowGet(path: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      httpRequest(`${gateway.restUrl}${path}`, { agent: false }, (res) => {
        res.on('error', () => undefined).pause();
        resolve(res);
      })
        .on('error', reject)
        .end();
    });
  }

  async function put(key: string, body: string | Buffer, bucket = 'home', authorization = owner): Promise<void> {
    const { status } = await fetch(`${gateway.restUrl}/files/${bucket}?key=${encodeURIComponent(key)}`, {
      method: 'PUT',
      headers: { authorization },
      body: new Uint8Array(Buffer.from(body)),
    });
    expect(status).to.be.oneOf([200, 201]);
  }

  async function stored(key: string): Promise<string> {
    return (
      await fetch(`${gateway.restUrl}/files/home?key=${encodeURIComponent(key)}`, { headers: { authorization: owner } })
    ).text();
  }

  /** Gives its Authorization header. */
  async function user(name: string, role: string): Promise<string> {
    await cli(['user', 'add', name, '--role', role, '--password-stdin'], 'a long password\n');
    return `Basic ${Buffer.from(`${name}:a long password`).toString('base64')}`;
  }

  async function cli(args: string[], input = ''): Promise<void> {
    const { code, stderr } = await runProcess(process.execPath, [...NODE_ARGS, MAIN, ...args, '--data-dir', gateway.dataDir], {
      input,
    });
    expect(code, stderr).to.equal(0);
  }
});

async function reply(answer: Response): Promise<Reply> {
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '') && text !== '';
  return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

async function until(test: () => Promise<boolean>): Promise<void> {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 50));
}
