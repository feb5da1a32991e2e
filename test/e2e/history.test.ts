import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { MAIN, NODE_ARGS } from '../support/process.ts';
import { send } from '../support/requests.ts';

/** What was, as people get at it: REST, the command beside the gateway, and the drive. */
describe('history over REST, by command and on the drive', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let basic: string;

  before(async () => {
    gateway = await startGateway();
    basic = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
  });
  after(() => gateway?.stop());

  async function rest(method: string, path: string, body?: object | string, headers: Record<string, string> = {}) {
    const json = typeof body === 'object';
    const answer = await fetch(`${gateway.restUrl.replace(/\/$/, '')}${path}`, {
      method,
      headers: { authorization: basic, ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(body === undefined ? {} : { body: json ? JSON.stringify(body) : body }),
    });
    const text = await answer.text();
    const isJson = (answer.headers.get('content-type') ?? '').includes('json');
    // biome-ignore lint/suspicious/noExplicitAny: a foreign border; tests look into answers of any shape
    return { status: answer.status, text, json: (isJson && text !== '' ? JSON.parse(text) : null) as any };
  }
  const put = async (key: string, text: string) =>
    expect((await rest('PUT', `/files/home/${key}`, text)).status).to.be.oneOf([200, 201]);
  const remove = async (key: string) => expect((await rest('DELETE', `/files/home/${key}?recursive=true`)).status).to.equal(204);
  const text = async (key: string) => (await rest('GET', `/files/home/${key}`)).text;
  const versions = async (key: string) => (await rest('GET', `/versions/home/${key}`)).json.versions;
  const dav = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    fetch(`${gateway.webdavUrl}${path}`, {
      method,
      headers: { authorization: basic, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  function command(...args: string[]) {
    const run = spawnSync(process.execPath, [...NODE_ARGS, MAIN, ...args, '--data-dir', gateway.dataDir, '--json'], {
      encoding: 'utf8',
    });
    return { status: run.status, json: run.stdout === '' ? null : JSON.parse(run.stdout), stderr: run.stderr };
  }

  it('lists what a file was, gives its bytes, and makes a version current again', async () => {
    for (const body of ['one', 'two', 'three']) await put('v.txt', body);
    const listed = await versions('v.txt');
    expect(listed.map((one: { size: number; current: boolean }) => [one.size, one.current])).to.deep.equal([
      [5, true],
      [3, false],
      [3, false],
    ]);
    expect(listed.map((one: { writer: unknown }) => one.writer)).to.deep.equal(
      Array.from(listed, () => ({ name: gateway.user, protocol: 'rest' })),
    );
    const { versionId } = listed[2];
    expect((await rest('GET', `/versions/home/v.txt?version=${versionId}`)).text).to.equal('one');
    const body = { bucket: 'home', key: 'v.txt', versionId };
    const refused = await rest('POST', '/versions/restore', body);
    expect([refused.status, refused.json.code]).to.deep.equal([409, 'already_exists']);
    expect((await rest('POST', '/versions/restore', { ...body, conflict: 'replace', dryRun: true })).json).to.include({
      restored: 1,
      replaced: 1,
    });
    expect(await text('v.txt')).to.equal('three');
    expect((await rest('POST', '/versions/restore', { ...body, conflict: 'replace' })).json).to.include({ restored: 1 });
    expect([await text('v.txt'), (await versions('v.txt')).length]).to.deep.equal(['one', 4]);
    await rest('POST', '/versions/restore', { ...body, versionId: listed[1].versionId, conflict: 'rename' });
    const names = (await rest('GET', '/files/home')).json.entries.map(({ name }: { name: string }) => name);
    expect(
      names.some((name: string) => /^v \(restored \d{4}-\d\d-\d\d \d\d\.\d\d\)\.txt$/.test(name)),
      names.join(),
    ).to.equal(true);
    expect(
      (await rest('POST', '/versions/restore', { ...body, versionId: 'f'.repeat(32), conflict: 'replace' })).status,
    ).to.equal(404);
  });

  it('brings a deleted folder back whole, and only what went with it', async () => {
    for (const key of ['t/a', 't/b', 't/deep/c']) await put(key, key);
    await remove('t/b');
    const since = new Date(Date.now() + 1).toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await remove('t/');
    const trash = (await rest('GET', '/trash/home')).json;
    expect(trash.entries.find(({ key }: { key: string }) => key === 't/')).to.include({ kind: 'folder', name: 't' });
    const below = (await rest('GET', '/trash/home/t/?recursive')).json.entries.map(({ key }: { key: string }) => key);
    expect(below).to.deep.equal(['t/a', 't/b', 't/deep/c']);
    const restored = await rest('POST', '/trash/restore', { bucket: 'home', key: 't/', deletedSince: since });
    expect(restored.json).to.include({ restored: 2, replaced: 0 });
    expect([await text('t/a'), await text('t/deep/c'), (await rest('GET', '/files/home/t/b')).status]).to.deep.equal([
      't/a',
      't/deep/c',
      404,
    ]);
    expect((await rest('POST', '/trash/restore', { bucket: 'home', key: 't/b' })).json).to.include({ restored: 1 });
    expect((await rest('POST', '/trash/restore', { bucket: 'home', key: 't/b' })).status).to.equal(404);
  });

  it('makes a folder as it was at a time, also what was renamed since', async () => {
    for (const key of ['as/one', 'as/two']) await put(key, 'before');
    await new Promise((resolve) => setTimeout(resolve, 5));
    const at = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await put('as/one', 'after');
    await rest('POST', '/move', { from: { bucket: 'home', key: 'as/two' }, to: { bucket: 'home', key: 'as/renamed' } });
    await put('as/new', 'after');
    const body = { bucket: 'home', prefix: 'as/', at };
    expect((await rest('POST', '/restore-as-of', body)).json.code).to.equal('already_exists');
    const done = await rest('POST', '/restore-as-of', { ...body, conflict: 'replace', added: 'remove' });
    expect(done.json).to.include({ restored: 2, replaced: 1, removed: 2 });
    const entries = (await rest('GET', '/files/home/as/')).json.entries.map(({ name }: { name: string }) => name);
    expect([entries, await text('as/one'), await text('as/two')]).to.deep.equal([['one', 'two'], 'before', 'before']);
  });

  it('gives what comes back its dead properties again, whoever deleted it and however it comes', async () => {
    const paint = async (path: string, colour: string, bucket = 'home') => {
      const set = `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><c xmlns="urn:x">${colour}</c></d:prop></d:set></d:propertyupdate>`;
      expect((await dav('PROPPATCH', `${bucket}/${path}`, {}, set)).status).to.equal(207);
    };
    const colour = async (path: string, bucket = 'home'): Promise<string | undefined> => {
      const ask = '<d:propfind xmlns:d="DAV:"><d:prop><c xmlns="urn:x"/></d:prop></d:propfind>';
      const answer = await (await dav('PROPFIND', `${bucket}/${path}`, { depth: '0' }, ask)).text();
      return /<(?:\w+:)?c(?: [^>]*)?>(\w+)</.exec(answer)?.[1];
    };
    for (const folder of ['paint', 'paint/deep']) expect((await dav('MKCOL', `home/${folder}`)).status).to.equal(201);
    await put('paint/deep/file', 'first');
    for (const [path, is] of Object.entries({ 'paint/': 'green', 'paint/deep/': 'blue', 'paint/deep/file': 'red' }))
      await paint(path, is);
    await put('paint/deep/file', 'second');

    // A file by WebDAV, REST and S3, each deleted and brought back.
    const s3 = (method: string, path: string) => send(method, presign(method, `${gateway.s3Url}/${path}`, gateway, new Date()));
    for (const how of [
      () => dav('DELETE', 'home/paint/deep/file'),
      () => rest('DELETE', '/files/home/paint/deep/file'),
      () => s3('DELETE', 'home/paint/deep/file'),
    ]) {
      expect((await how()).status).to.equal(204);
      expect((await rest('POST', '/trash/restore', { bucket: 'home', key: 'paint/deep/file' })).json).to.include({ restored: 1 });
      expect([await text('paint/deep/file'), await colour('paint/deep/file')]).to.deep.equal(['second', 'red']);
    }
    // A new file of the name begins without; an older version that takes its place leaves it as it is, and beside it has its own.
    expect((await dav('DELETE', 'home/paint/deep/file')).status).to.equal(204);
    await put('paint/deep/file', 'another');
    expect(await colour('paint/deep/file')).to.equal(undefined);
    const old = (await versions('paint/deep/file')).at(-1).versionId;
    const one = { bucket: 'home', key: 'paint/deep/file', versionId: old };
    expect((await rest('POST', '/versions/restore', { ...one, to: 'paint/copy' })).status).to.equal(200);
    expect([await text('paint/copy'), await colour('paint/copy')]).to.deep.equal(['first', 'red']);
    expect((await rest('POST', '/versions/restore', { ...one, conflict: 'replace' })).status).to.equal(200);
    expect(await colour('paint/deep/file')).to.equal(undefined);
    await paint('paint/deep/file', 'white');

    // The whole folder, by the folder's own way and as of a time.
    const at = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const restore of [
      () => rest('POST', '/trash/restore', { bucket: 'home', key: 'paint/' }),
      () => rest('POST', '/restore-as-of', { bucket: 'home', prefix: 'paint/', at }),
    ]) {
      expect((await dav('DELETE', 'home/paint/')).status).to.equal(204);
      expect((await restore()).status).to.equal(200);
      const paths = ['paint/', 'paint/deep/', 'paint/deep/file', 'paint/copy'];
      expect(await Promise.all(paths.map((path) => colour(path)))).to.deep.equal(['green', 'blue', 'white', 'red']);
    }

    // Where S3 keeps versions: the marker goes, and the file is as it was.
    expect((await rest('POST', '/buckets', { name: 'painted' })).status).to.equal(201);
    const enabled = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
    const versioning = presign('PUT', `${gateway.s3Url}/painted?versioning`, gateway, new Date());
    expect((await send('PUT', versioning, { body: enabled })).status).to.equal(200);
    expect((await rest('PUT', '/files/painted/file', 'x')).status).to.equal(201);
    await paint('file', 'black', 'painted');
    const marker = (await s3('DELETE', 'painted/file')).headers['x-amz-version-id'];
    expect((await s3('DELETE', `painted/file?versionId=${marker}`)).status).to.equal(204);
    expect(await colour('file', 'painted')).to.equal('black');
  });

  it('shows the trash on the drive, read only', async () => {
    await put('d/kept', 'x');
    await put('d/gone ü.txt', 'gone');
    await remove(encodeURI('d/gone ü.txt'));
    const listing = async (path: string) => (await dav('PROPFIND', path, { depth: '1' })).text();
    expect(await listing('.trash/')).to.include('/dav/.trash/home/');
    expect(await listing('.trash/home/')).to.include('/dav/.trash/home/d/');
    const inside = await listing('.trash/home/d/');
    expect(inside).to.include('/dav/.trash/home/d/gone%20%C3%BC.txt').and.not.include('kept');
    expect(await (await dav('GET', '.trash/home/d/gone%20%C3%BC.txt')).text()).to.equal('gone');
    expect(await (await dav('GET', '.trash/home/d/gone%20%C3%BC.txt', { range: 'bytes=1-2' })).text()).to.equal('on');
    expect((await dav('HEAD', '.trash/home/d/gone%20%C3%BC.txt')).headers.get('content-length')).to.equal('4');
    for (const method of ['PUT', 'DELETE', 'MKCOL', 'PROPPATCH', 'LOCK', 'MOVE'])
      expect(
        (await dav(method, '.trash/home/d/gone%20%C3%BC.txt', { destination: `${gateway.webdavUrl}x` })).status,
        method,
      ).to.equal(403);
    expect((await dav('GET', '.trash/home/d/kept')).status).to.equal(404);
    expect((await dav('COPY', 'home/d/kept', { destination: `${gateway.webdavUrl}.trash/home/d/x` })).status).to.be.within(
      400,
      499,
    );
    expect(await listing('')).to.not.include('.trash');
  });

  it('purges for good, by file and by folder', async () => {
    for (const key of ['p/a', 'p/b', 'p/c']) await put(key, key);
    await put('p/c', 'again');
    await remove('p/a');
    await remove('p/b');
    expect((await rest('POST', '/trash/purge', { bucket: 'home', key: 'p/a' })).json).to.include({ versions: 1, held: 0 });
    expect((await rest('GET', '/versions/home/p/a')).status).to.equal(404);
    expect((await rest('POST', '/trash/purge', { bucket: 'home', key: 'p/' })).json).to.include({ versions: 1 });
    const [current, old] = await versions('p/c');
    expect((await rest('POST', '/trash/purge', { bucket: 'home', key: 'p/c', versionId: current.versionId })).json.code).to.equal(
      'conflict',
    );
    expect((await rest('POST', '/trash/purge', { bucket: 'home', key: 'p/', what: 'history' })).json).to.include({ versions: 1 });
    expect((await versions('p/c')).map(({ versionId }: { versionId: string }) => versionId)).to.deep.equal([current.versionId]);
    expect(old.current).to.equal(false);
  });

  it('keeps what the retention of the bucket says', async () => {
    expect((await rest('GET', '/buckets/home/retention')).json).to.deep.equal({
      days: 30,
      versions: null,
      bytes: null,
      own: false,
    });
    await put('r', '1');
    for (let n = 0; n < 4; n++) await put('r', String(n));
    expect((await rest('PUT', '/buckets/home/retention', { days: null, versions: 2 })).json).to.deep.equal({
      days: null,
      versions: 2,
      bytes: null,
      own: true,
    });
    expect(command('jobs', 'start', 'expire-history', '--wait').status).to.equal(0);
    expect((await versions('r')).length).to.equal(3);
    expect((await rest('PUT', '/buckets/home/retention', { bytes: 0 })).status).to.equal(200);
    command('jobs', 'start', 'expire-history', '--wait');
    expect([(await versions('r')).length, await text('r')]).to.deep.equal([1, '3']);
    await rest('PUT', '/buckets/home/retention', {});
    expect((await rest('GET', '/buckets/home/retention')).json.own).to.equal(false);
  });

  it('refuses what is over a quota on every door, and says what is used', async () => {
    await rest('POST', '/buckets', { name: 'small' });
    expect((await rest('PATCH', '/buckets/small', { quota: { bytes: 100_000, objects: 3 } })).json.quota).to.deep.equal({
      bytes: 100_000,
      objects: 3,
    });
    const big = 'x'.repeat(150_000);
    const refused = await rest('PUT', '/files/small/a', big);
    expect([refused.status, refused.json.code]).to.deep.equal([507, 'quota_exceeded']);
    // Without a length it is cut off where it has become too much.
    let pieces = 0;
    const streamed = await fetch(`${gateway.webdavUrl}small/b`, {
      method: 'PUT',
      headers: { authorization: basic },
      body: new ReadableStream({
        pull(controller) {
          if (++pieces > 6) controller.close();
          else controller.enqueue(new Uint8Array(40_000));
        },
      }),
      duplex: 'half',
    } as RequestInit).then(
      ({ status }) => status,
      () => 507, // the answer may come while the body is still being sent, and the connection is cut
    );
    expect(streamed).to.equal(507);
    expect((await rest('PUT', '/files/small/a', 'x'.repeat(90_000))).status).to.equal(201);
    expect((await rest('PUT', '/files/small/a', 'x'.repeat(95_000))).status).to.equal(200);
    for (const key of ['b', 'c']) await rest('PUT', `/files/small/${key}`, '');
    expect((await rest('PUT', '/files/small/d', '')).status).to.equal(507);
    const { owners, buckets } = (await rest('GET', '/usage')).json;
    expect(buckets.find(({ name }: { name: string }) => name === 'small')).to.include({
      objects: 3,
      bytes: 95_000,
      historyVersions: 1,
      historyBytes: 90_000,
    });
    expect(owners[0].objects).to.equal(buckets.reduce((sum: number, one: { objects: number }) => sum + one.objects, 0));
    const props = await (await dav('PROPFIND', 'small/', { depth: '0' })).text();
    expect(props).to.not.include('quota-available'); // only who asks is told (RFC 4331)
    const set = command('quota', 'set', '--user', gateway.user, '--bytes', '200K');
    expect([set.status, set.json?.quota.bytes]).to.deep.equal([0, 204_800]);
    expect((await rest('PUT', '/files/home/too-much', big)).status).to.equal(507);
    command('quota', 'set', '--user', gateway.user, '--bytes', 'none');
    expect((await rest('PUT', '/files/home/too-much', big)).status).to.equal(201);
  });

  it('measures what buckets take after deduplication: by whoever asks, and by command; and says whether that is so still', async () => {
    const [shared, own] = [randomBytes(300_000), randomBytes(200_000)];
    for (const name of ['dedupe-a', 'dedupe-b']) await rest('POST', '/buckets', { name });
    const store = async (path: string, body: Buffer) =>
      expect((await rest('PUT', `/files/${path}`, body.toString('latin1'))).status).to.equal(201);
    await store('dedupe-a/one', shared);
    await store('dedupe-a/two', shared);
    await store('dedupe-b/one', shared);
    await store('dedupe-b/own', own);
    await store('dedupe-b/note', Buffer.from('small'));
    type Physical = Record<'ownBytes' | 'ownChunks' | 'sharedBytes' | 'sharedChunks' | 'inlineBytes', number> & {
      current: boolean;
      measured: string;
    };
    const physical = async (name: string): Promise<Physical | null> =>
      (await rest('GET', '/usage')).json.buckets.find((one: { name: string }) => one.name === name).physical;
    const asked = await rest('POST', '/usage/measure');
    expect([asked.status, asked.json.name]).to.deep.equal([202, 'measure']);
    while ((await physical('dedupe-b'))?.current !== true) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await rest('POST', '/usage/measure');
    }
    const [a, b] = [(await physical('dedupe-a'))!, (await physical('dedupe-b'))!];
    expect(a.ownBytes, 'nothing of it is its own').to.equal(0);
    expect([a.sharedBytes, a.sharedChunks]).to.deep.equal([b.sharedBytes, b.sharedChunks]);
    expect(a.sharedBytes).to.be.within(1, 2 * shared.length);
    expect(b.inlineBytes).to.equal(5);
    expect(b.ownBytes).to.be.above(0);
    // What a bucket takes by itself is what the owner's account loses with it, to the byte; what was shared is then the other's own.
    expect((await rest('DELETE', '/files/dedupe-b/own')).status).to.equal(204);
    expect((await physical('dedupe-b'))?.current).to.equal(false);
    const listed = command('quota', 'list', '--measure');
    expect(listed.status, listed.stderr).to.equal(0);
    const history = (await physical('dedupe-b'))!;
    expect([history.current, history.ownBytes], 'what was counts').to.deep.equal([true, b.ownBytes]);
    expect(command('bucket', 'remove', 'dedupe-b', '--force').status).to.equal(0);
    command('quota', 'list', '--measure');
    expect(await physical('dedupe-a'), 'the other can come back').to.include({ ownBytes: 0, current: true });
    expect(command('bucket', 'purge', 'dedupe-b').status).to.equal(0);
    expect((await physical('dedupe-a'))?.current).to.equal(false);
    command('quota', 'list', '--measure');
    expect(await physical('dedupe-a')).to.include({
      ...{ ownBytes: a.sharedBytes, ownChunks: a.sharedChunks },
      sharedBytes: 0,
      current: true,
    });
  });

  it('holds the quota of a bucket against writers at once through every door, to the object and the byte', async () => {
    await rest('POST', '/buckets', { name: 'raced' });
    const each = 10_000;
    const body = 'r'.repeat(each);
    const s3 = (method: string, key: string, content?: string) =>
      send(
        method,
        presign(method, `${gateway.s3Url}/raced/${key}`, gateway, new Date()),
        content === undefined ? {} : { body: content },
      );
    const begun = async (key: string): Promise<string> => {
      const id = /<UploadId>([^<]+)/.exec(String((await s3('POST', `${key}?uploads`)).body))?.[1];
      const part = await s3('PUT', `${key}?partNumber=1&uploadId=${id}`, body);
      expect(part.status).to.equal(200);
      return `${id} ${part.headers.etag}`;
    };
    const multiparts = await Promise.all(Array.from({ length: 6 }, (_, n) => begun(`m${n}`)));
    const tus = (key: string) =>
      fetch(`${gateway.restUrl}/uploads`, {
        method: 'POST',
        headers: {
          authorization: basic,
          'tus-resumable': '1.0.0',
          'upload-length': String(each),
          'upload-metadata': `bucket ${btoa('raced')},key ${btoa(key)}`,
          'content-type': 'application/offset+octet-stream',
        },
        body,
      });
    const doors: ((n: number) => Promise<{ status: number }>)[] = [
      (n) => rest('PUT', `/files/raced/r${n}`, body),
      (n) => fetch(`${gateway.webdavUrl}raced/d${n}`, { method: 'PUT', headers: { authorization: basic }, body }),
      (n) => s3('PUT', `s${n}`, body),
      (n) => tus(`t${n}`),
      (n) => {
        const [id, etag] = multiparts[n]!.split(' ');
        const parts = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
        return s3('POST', `m${n}?uploadId=${id}`, parts);
      },
    ];
    const used = async () =>
      (await rest('GET', '/usage')).json.buckets.find(({ name }: { name: string }) => name === 'raced') as {
        objects: number;
        bytes: number;
      };
    const race = async (quota: object) => {
      await rest('PATCH', '/buckets/raced', { quota });
      const before = (await used()).objects;
      const statuses = await Promise.all(
        Array.from({ length: 30 }, (_, n) => doors[n % 5]!(Math.floor(n / 5)).then(({ status }) => status)),
      );
      const written = statuses.filter((status) => status < 300).length;
      expect(statuses.filter((status) => status >= 300 && status !== 507 && status !== 403)).to.deep.equal([]);
      return { written, before, ...(await used()) };
    };
    expect(await race({ bytes: null, objects: 4 })).to.deep.include({ written: 4, objects: 4, bytes: 4 * each });
    for (const key of ['r', 'd', 's', 't', 'm'].flatMap((door) => [0, 1, 2, 3, 4, 5].map((n) => door + n)))
      await rest('DELETE', `/files/raced/${key}`);
    // What completed took its upload along: those are begun anew.
    multiparts.splice(0, 6, ...(await Promise.all(Array.from({ length: 6 }, (_, n) => begun(`m${n}`)))));
    expect(await race({ bytes: 7 * each + 1, objects: null })).to.deep.include({
      before: 0,
      written: 7,
      objects: 7,
      bytes: 7 * each,
    });
  });

  it('gives a bucket back that was removed, with all that was in it, to who might remove it and nobody else', async () => {
    await rest('POST', '/buckets', { name: 'gone' });
    for (const body of ['one', 'two']) await rest('PUT', '/files/gone/f.txt', body);
    const secret = spawnSync(process.execPath, [
      ...NODE_ARGS,
      MAIN,
      'user',
      'add',
      'gone-ann',
      '--role',
      'member',
      '--json',
      '--data-dir',
      gateway.dataDir,
    ]);
    const other = `Basic ${Buffer.from(`gone-ann:${JSON.parse(secret.stdout.toString()).password}`).toString('base64')}`;
    await rest('PUT', '/access/gone/', { kind: 'user', name: 'gone-ann', role: 'editor' });
    const link = (await rest('POST', '/links', { bucket: 'gone', key: 'f.txt' })).json;
    expect((await rest('DELETE', '/buckets/gone')).status).to.equal(409);
    expect((await rest('DELETE', '/files/gone/f.txt')).status).to.equal(204);
    expect((await rest('DELETE', '/buckets/gone')).status).to.equal(204);
    const [shown] = (await rest('GET', '/removed-buckets?limit=1')).json.buckets;
    expect(shown).to.deep.include({ name: 'gone', usage: { objects: 0, bytes: 0, historyVersions: 2, historyBytes: 6 } });
    expect((await rest('GET', '/files/gone/f.txt')).status).to.equal(404);
    expect((await rest('GET', '/links')).json.items).to.deep.equal([]);
    expect((await rest('GET', `/public/${link.token}/files/`)).json.code).to.equal('link_refuses');
    const at = `/removed-buckets/${shown.id}`;
    expect((await rest('GET', '/removed-buckets', undefined, { authorization: other })).json.buckets).to.deep.equal([]);
    expect((await rest('POST', `${at}/restore`, {}, { authorization: other })).status).to.equal(404);
    expect((await rest('DELETE', at, undefined, { authorization: other })).status).to.equal(404);
    await rest('POST', '/buckets', { name: 'gone' });
    expect((await rest('POST', `${at}/restore`, {})).status).to.equal(409);
    expect((await rest('POST', `${at}/restore`, { name: 'gone-before' })).json).to.include({ name: 'gone-before' });
    expect((await rest('POST', '/trash/restore', { bucket: 'gone-before', key: 'f.txt' })).json).to.include({ restored: 1 });
    const read = await rest('GET', '/files/gone-before/f.txt', undefined, { authorization: other });
    expect(read.text, 'rights are what they were').to.equal('two');
    expect((await rest('GET', `/public/${link.token}/files/`)).text, 'and links').to.equal('two');

    expect(command('bucket', 'remove', 'gone-before', '--force').status).to.equal(0);
    expect((await rest('GET', '/files/gone-before/f.txt')).status).to.equal(404);
    expect(command('bucket', 'removed').json.map(({ name }: { name: string }) => name)).to.include('gone-before');
    expect(command('bucket', 'restore', 'gone-before', '--name', 'gone-back').json).to.include({ name: 'gone-back' });
    expect((await rest('GET', '/files/gone-back/f.txt')).text).to.equal('two');
    expect(command('bucket', 'remove', 'gone-back', '--force').status).to.equal(0);
    expect((await rest('DELETE', at)).status).to.equal(204);
    expect(command('bucket', 'restore', 'gone-back').status).to.equal(4);
  });

  it('does the same by command, beside the running gateway', async () => {
    await put('c/x', 'one');
    await put('c/x', 'two');
    await put('c/y', 'y');
    await remove('c/y');
    const listed = command('versions', 'list', 'home', 'c/x').json;
    expect(listed.length).to.equal(2);
    expect(listed[1].writer).to.deep.equal({ name: gateway.user, protocol: 'rest' });
    expect(command('versions', 'restore', 'home', 'c/x', listed[1].versionId).status).to.equal(1);
    expect(command('versions', 'restore', 'home', 'c/x', listed[1].versionId, '--conflict', 'replace').json).to.include({
      restored: 1,
    });
    expect(await text('c/x')).to.equal('one');
    expect(command('trash', 'list', 'home', 'c/').json.map(({ key }: { key: string }) => key)).to.deep.equal(['c/y']);
    expect(command('trash', 'restore', 'home', 'c/y', '--to', 'c/z').json).to.include({ restored: 1 });
    expect(await text('c/z')).to.equal('y');
    expect(command('trash', 'purge', 'home').status).to.equal(2);
    expect(command('trash', 'purge', 'home', '--all').json.versions).to.be.greaterThan(0);
    expect(command('trash', 'list', 'home', '--recursive').json).to.deep.equal([]);
    expect(command('restore-as-of', 'home', new Date().toISOString(), '--dry-run').json).to.include({ restored: 0, removed: 0 });
  });
});
