import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import { DeleteBucketPolicyCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import sharp from 'sharp';
import { ApiError, type Client, createClient, type Entry } from '../../clients/typescript/index.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { unzip } from '../support/unzip.ts';

describe('a drive over REST', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let admin: Client;
  let member: Client;
  before(async () => {
    gateway = await startGateway({ keepData: true });
    admin = createClient({ url: gateway.webUrl, fetch: checkedFetch });
    await admin.login(gateway.user, gateway.password);
    await admin.call('CreateBucket', { body: { name: 'drive' } });
    const env = { CLOUDSTORE_DATA_DIR: gateway.dataDir };
    const made = await cloudstore(['user', 'add', 'mia', '--role', 'member', '--password-stdin'], {
      env,
      input: 'mia-password-1\n',
    });
    expect(made.code, made.stderr).to.equal(0);
    member = createClient({ url: gateway.webUrl, fetch: checkedFetch });
    await member.login('mia', 'mia-password-1');
  });
  after(async () => {
    await gateway.stop();
    rmSync(gateway.dataDir, { recursive: true, force: true });
  });

  const put = (key: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, client = admin) =>
    client.call('PutFile', { path: { bucket: 'drive', key }, body, headers });
  const refusal = (call: Promise<unknown>): Promise<{ status: number; code: string }> =>
    call.then(
      () => ({ status: 0, code: 'none' }),
      (error: unknown) => (error instanceof ApiError ? { status: error.status, code: error.code } : Promise.reject(error)),
    );

  it("names another's bucket so that it is reached, also where an alias of the caller's own has that name", async () => {
    await admin.call('PutFile', { path: { bucket: 'home', key: 'shown/a.txt' }, body: 'of the admin' });
    await admin.call('GrantAccess', {
      path: { bucket: 'home', key: 'shown/' },
      body: { kind: 'user', name: 'mia', role: 'editor' },
    });
    await member.call('PutFile', { path: { bucket: 'home', key: 'shown/a.txt' }, body: 'of mia' });
    const [share] = (await member.call('ListShared', {})).items;
    expect(share).to.include({ bucket: '~home', prefix: 'shown/', role: 'editor' });
    const names = (await member.call('ListBuckets', {})).buckets.map(({ name }) => name);
    expect(names).to.have.members(['~home', 'home-mia']);
    const read = async (bucket: string): Promise<string> =>
      ((await member.call('GetFile', { path: { bucket, key: 'shown/a.txt' }, query: {} })) as Blob).text();
    expect([await read('~home'), await read('home'), await read('home-mia')]).to.deep.equal(['of the admin', 'of mia', 'of mia']);
    const from = { bucket: '~home', key: 'shown/a.txt' };
    const { entry } = await member.call('Copy', { body: { from, to: { ...from, key: 'shown/b.txt' } } });
    expect(entry.bucket).to.equal('~home');
    const listing = (await member.call('GetFile', { path: { bucket: '~home', key: 'shown/' }, query: {} })) as {
      entries: Entry[];
    };
    expect(listing.entries.map(({ bucket, name }) => `${bucket} ${name}`)).to.deep.equal(['~home a.txt', '~home b.txt']);
    expect(await refusal(member.call('Stat', { path: { bucket: '~home', key: 'notes.txt' }, query: {} }))).to.include({
      status: 403,
    });
    expect(await refusal(admin.call('Stat', { path: { bucket: '~nowhere', key: 'x' }, query: {} }))).to.include({
      code: 'bucket_not_found',
    });
    // S3's clients take no tilde.
    const made = await member.call('CreateCredential', { body: { kind: 's3', name: 'mia by S3' } });
    const key = { accessKeyId: made.accessKeyId ?? '', secretAccessKey: made.secretAccessKey ?? '' };
    const s3 = async (path: string): Promise<string> =>
      (await fetch(presign('GET', `${gateway.s3Url}/${path}`, key, new Date()))).text();
    const shown = [...(await s3('')).matchAll(/<Name>([^<]*)/g)].map(([, name]) => name);
    expect(shown).to.deep.equal(['home-mia', 'home-s3alias']);
    const reached = ['home-s3alias', 'home', 'home-mia'].map((name) => s3(`${name}/shown/a.txt`));
    expect(await Promise.all(reached)).to.deep.equal(['of the admin', 'of mia', 'of mia']);
    expect(await s3('home-s3alias?list-type=2&prefix=shown/')).to.contain('<Key>shown/b.txt</Key>');
    expect(await s3('home-s3alias/notes.txt')).to.contain('AccessDenied');
    await admin.call('RevokeAccess', { path: { bucket: 'home', key: 'shown/' }, query: { kind: 'user', name: 'mia' } });
    expect(await s3('home-s3alias/shown/a.txt')).to.contain('AccessDenied');
    expect(await refusal(member.call('Stat', { path: from, query: {} }))).to.include({ code: 'bucket_not_found' });
  });

  describe('a batch', () => {
    it('judges each item by itself, in order', async () => {
      const one = await put('batch/1.txt', 'one');
      await put('batch/2.txt', 'two');
      await put('batch/deep/3.txt', 'three');
      const at = (key: string) => ({ bucket: 'drive', key });
      const { results, failed } = await admin.call('Batch', {
        body: {
          items: [
            { op: 'move', from: at('batch/1.txt'), to: at('batch/moved.txt') },
            { op: 'copy', from: at('batch/moved.txt'), to: at('batch/copy.txt') },
            { op: 'copy', from: at('batch/2.txt'), to: at('batch/copy.txt') },
            { op: 'move', from: at('batch/nothing'), to: at('batch/x') },
            { op: 'delete', at: at('batch/2.txt'), ifMatch: 'another' },
            { op: 'delete', at: at('batch/moved.txt'), ifMatch: one.kind === 'file' ? one.etag : '' },
            { op: 'delete', at: at('batch/deep/') },
            { op: 'delete', at: at('') },
            { op: 'delete', at: { bucket: 'no-such-bucket', key: 'x' } },
          ],
        },
      });
      expect(results.map(({ status }) => status)).to.deep.equal([201, 201, 409, 404, 412, 204, 204, 400, 404]);
      expect(failed).to.equal(5);
      expect(results[2]?.problem).to.include({ code: 'already_exists' });
      const left = await admin.call('GetFile', { path: { bucket: 'drive', key: 'batch/' } });
      expect('entries' in left && left.entries.map(({ key }) => key)).to.deep.equal(['batch/2.txt', 'batch/copy.txt']);
    });
    it('brings back what was deleted, a version and a whole folder', async () => {
      const first = await put('back/a.txt', 'first');
      await put('back/a.txt', 'second');
      await put('back/deep/b.txt', 'b');
      const at = (key: string) => ({ bucket: 'drive', key });
      const gone = await admin.call('Batch', { body: { items: [{ op: 'delete', at: at('back/') }] } });
      expect(gone.failed).to.equal(0);
      const { results } = await admin.call('Batch', {
        body: {
          items: [
            { op: 'restore', at: at('back/') },
            { op: 'restore', at: at('back/a.txt'), versionId: first.kind === 'file' ? first.versionId : '' },
            { op: 'restore', at: at('back/never.txt') },
          ],
        },
      });
      expect(results.map(({ status }) => status)).to.deep.equal([200, 200, 404]);
      const text = async (key: string) => (await admin.fetch('GetFile', { path: { bucket: 'drive', key } })).text();
      expect([await text('back/a.txt'), await text('back/deep/b.txt')]).to.deep.equal(['first', 'b']);
    });
    it('has its bounds, and touches nothing of others', async () => {
      const many = Array.from({ length: 1001 }, () => ({ op: 'delete' as const, at: { bucket: 'drive', key: 'x' } }));
      expect(await refusal(admin.call('Batch', { body: { items: many } }))).to.include({ status: 400 });
      expect(await refusal(admin.call('Batch', { body: { items: [] } }))).to.include({ status: 400 });
      const { results } = await member.call('Batch', {
        body: {
          items: [
            { op: 'delete', at: { bucket: 'drive', key: 'batch/2.txt' } },
            { op: 'copy', from: { bucket: 'drive', key: 'batch/2.txt' }, to: { bucket: 'drive', key: 'y' } },
          ],
        },
      });
      expect(results.map(({ problem }) => problem?.code)).to.deep.equal(['bucket_not_found', 'bucket_not_found']);
    });
  });

  const s3Client = () =>
    new S3Client({
      ...{ endpoint: gateway.s3Url, region: 'us-east-1', forcePathStyle: true },
      credentials: { accessKeyId: gateway.accessKeyId, secretAccessKey: gateway.secretAccessKey },
    });

  describe('an archive', () => {
    it('holds files and folders, with names that are safe everywhere', async () => {
      await put('zip/Ä ö 日本.txt', 'text '.repeat(1000));
      await put('zip/photo.jpg', 'not really one');
      await admin.call('PutFile', { path: { bucket: 'drive', key: 'zip/empty/' }, body: '' });
      for (const key of ['zip/a\\b', 'zip/con.txt', 'zip/dot.', 'zip/CON.TXT', 'zip/../up', 'zip/\u202egpj.exe', 'zip//double'])
        await admin.call('PutFile', { path: { bucket: 'drive', key }, body: key });
      const response = await admin.fetch('Zip', { body: { items: [{ bucket: 'drive', key: 'zip/' }], name: 'my/archive' } });
      expect(response.headers.get('content-disposition')).to.include('filename="my_archive.zip"');
      const entries = unzip(Buffer.from(await response.arrayBuffer()));
      const names = entries.map(({ name }) => name);
      expect(names).to.have.members([
        'zip/Ä ö 日本.txt',
        'zip/photo.jpg',
        'zip/empty/',
        'zip/a_b',
        'zip/_con (2).txt',
        'zip/dot_',
        'zip/_CON.TXT',
        'zip/__/up',
        'zip/_gpj.exe',
        'zip/_/double',
      ]);
      const named = (name: string) => entries.find((entry) => entry.name === name)!;
      expect(named('zip/Ä ö 日本.txt').bytes.toString()).to.equal('text '.repeat(1000));
      expect([named('zip/Ä ö 日本.txt').method, named('zip/photo.jpg').method]).to.deep.equal([8, 0]);
    });
    it('of a folder says in place of a file that only its client can read that it is not there; by itself such a file is refused', async () => {
      const s3 = s3Client();
      const sealed = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: Buffer.alloc(32, 7).toString('base64') };
      await s3.send(new PutObjectCommand({ Bucket: 'drive', Key: 'kept/secret.txt', Body: 'for one client', ...sealed }));
      s3.destroy();
      await put('kept/open.txt', 'for all');
      const response = await admin.fetch('Zip', { body: { items: [{ bucket: 'drive', key: 'kept/' }] } });
      const entries = unzip(Buffer.from(await response.arrayBuffer()));
      const text = new Map(entries.map(({ name, bytes }) => [name, bytes.toString()]));
      expect([...text.keys()]).to.have.members(['kept/open.txt', 'kept/secret.txt (not in this archive).txt']);
      expect(text.get('kept/open.txt')).to.equal('for all');
      expect(text.get('kept/secret.txt (not in this archive).txt')).to.contain('under a key that only its owner has');
      const alone = admin.fetch('Zip', { body: { items: [{ bucket: 'drive', key: 'kept/secret.txt' }] } });
      expect(await refusal(alone)).to.deep.equal({ status: 403, code: 'customer_key_needed' });
    });

    it('of a folder says in place of a file that a rule keeps from the caller that it is not there', async () => {
      await put('ruled/open.txt', 'for all');
      await put('ruled/secret.txt', 'for nobody');
      const s3 = s3Client();
      const Statement = {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::drive/ruled/secret.txt',
      };
      await s3.send(
        new PutBucketPolicyCommand({ Bucket: 'drive', Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
      );
      try {
        const response = await admin.fetch('Zip', { body: { items: [{ bucket: 'drive', key: 'ruled/' }] } });
        const text = unzip(Buffer.from(await response.arrayBuffer())).map(({ name, bytes }) => `${name}: ${bytes}`);
        expect(text).to.have.members([
          'ruled/open.txt: for all',
          'ruled/secret.txt (not in this archive).txt: The rules of the bucket do not let you read this file.\n',
        ]);
      } finally {
        await s3.send(new DeleteBucketPolicyCommand({ Bucket: 'drive' }));
        s3.destroy();
      }
    });

    it('of stored entries tells its length, and is prepared for a browser to open', async () => {
      const item = { bucket: 'drive', key: 'zip/photo.jpg' };
      const { path } = await admin.call('PrepareZip', { body: { items: [item] } });
      const response = await admin.request('GET', path);
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(Number(response.headers.get('content-length'))).to.equal(bytes.length);
      expect(unzip(bytes).map(({ name }) => name)).to.deep.equal(['photo.jpg']);
      expect(await refusal(member.request('GET', path))).to.deep.equal({ status: 404, code: 'not_found' });
      expect(await refusal(member.call('Zip', { body: { items: [item] } }))).to.include({ code: 'bucket_not_found' });
      expect(await refusal(admin.call('Zip', { body: { items: [{ bucket: 'drive', key: 'zip/none' }] } }))).to.include({
        status: 404,
      });
    });
  });

  describe('thumbnails', () => {
    const thumbnail = (
      key: string,
      query: { size?: '64' | '256' | '1024'; v?: string } = {},
      headers: Record<string, string> = {},
      client = admin,
    ) => client.fetch('GetThumbnail', { path: { bucket: 'drive', key }, query, headers });
    const picture = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#336699' } });

    it('are small, upright, and without what the camera wrote', async () => {
      const jpeg = await picture(1600, 800)
        .withMetadata({ orientation: 6 })
        .withExif({ IFD0: { Copyright: 'canary-4711' } })
        .jpeg()
        .toBuffer();
      const file = await put('pictures/a.jpg', new Uint8Array(jpeg), { 'Content-Type': 'text/plain' });
      const response = await thumbnail('pictures/a.jpg');
      expect(response.headers.get('content-type')).to.equal('image/webp');
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(bytes.includes('canary-4711')).to.equal(false);
      const { width, height, format, exif } = await sharp(bytes).metadata();
      expect({ width, height, format, exif }).to.deep.equal({ width: 128, height: 256, format: 'webp', exif: undefined });
      const etag = response.headers.get('etag')!;
      const again = await admin.request('GET', '/thumbnails/drive/pictures/a.jpg', { headers: { 'If-None-Match': etag } });
      expect(again.status).to.equal(304);
      const kept = await thumbnail('pictures/a.jpg', { size: '64', v: file.kind === 'file' ? file.etag : '' });
      expect(kept.headers.get('cache-control')).to.include('immutable');
      expect((await sharp(Buffer.from(await kept.arrayBuffer())).metadata()).height).to.equal(64);
      expect(await refusal(thumbnail('pictures/a.jpg', {}, {}, member))).to.include({ status: 404 });
    });
    it('of PNG, WebP, GIF and AVIF are made too; small ones stay as they are', async () => {
      for (const format of ['png', 'webp', 'gif', 'avif'] as const) {
        await put(`pictures/b.${format}`, new Uint8Array(await picture(40, 20).toFormat(format).toBuffer()));
        const made = Buffer.from(await (await thumbnail(`pictures/b.${format}`)).arrayBuffer());
        expect((await sharp(made).metadata()).width, format).to.equal(40);
      }
    });
    it('are never made of SVG, of bombs, of broken images and of what is none, and the next one is made all the same', async () => {
      const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>1</script></svg>';
      await put('pictures/x.png', svg);
      await put('pictures/bomb.png', bombPng(60_000, 60_000));
      const jpeg = await picture(300, 300).jpeg().toBuffer();
      await put('pictures/cut.jpg', new Uint8Array(jpeg.subarray(0, 200)));
      await put('pictures/text.jpg', 'just text, and more of it than thirty-two bytes');
      for (const key of ['x.png', 'bomb.png', 'cut.jpg', 'text.jpg', '']) {
        expect(await refusal(thumbnail(`pictures/${key}`)), key).to.deep.equal({ status: 415, code: 'no_thumbnail' });
        expect(await refusal(thumbnail(`pictures/${key}`)), key).to.deep.equal({ status: 415, code: 'no_thumbnail' });
      }
      await put('pictures/good.jpg', new Uint8Array(jpeg));
      expect((await thumbnail('pictures/good.jpg')).status).to.equal(200);
    });
  });

  it('keeps the SHA-256 that was announced, of versions and copies too, and makes one of what is stored', async () => {
    const sum = { algorithm: 'sha256', value: createHash('sha256').update('abc').digest('base64') };
    const headers = { 'Repr-Digest': `sha-256=:${sum.value}:` };
    const answer = await admin.request('PUT', '/files/drive/sum.txt', { headers, body: 'abc' });
    expect(((await answer.json()) as { checksum: object }).checksum).to.deep.equal(sum);
    await admin.call('Copy', { body: { from: { bucket: 'drive', key: 'sum.txt' }, to: { bucket: 'drive', key: 'copy.txt' } } });
    for (const key of ['sum.txt', 'copy.txt'])
      expect(await admin.call('Stat', { path: { bucket: 'drive', key }, query: {} })).to.deep.include({ checksum: sum });
    await put('sum.txt', 'abc');
    expect(await admin.call('Stat', { path: { bucket: 'drive', key: 'sum.txt' }, query: {} })).to.not.have.property('checksum');
    expect(await admin.call('Checksum', { path: { bucket: 'drive', key: 'sum.txt' } })).to.deep.equal(sum);
  });

  it('finds by name what a member may see, and nothing else', async () => {
    await put('search/Überraschung für Mia.txt', 'x');
    await put('search/folder/mias list.txt', 'x');
    const found = await admin.call('Search', { query: { q: 'MIA', bucket: 'drive' } });
    expect(found.entries.map(({ key }) => key).sort()).to.deep.equal([
      'search/folder/mias list.txt',
      'search/Überraschung für Mia.txt',
    ]);
    const first = await admin.call('Search', { query: { q: 'mia', limit: 1 } });
    expect(first.entries).to.have.length(1);
    const second = await admin.call('Search', { query: { q: 'mia', limit: 1, cursor: first.next! } });
    expect(second.entries[0]?.key).to.not.equal(first.entries[0]?.key);
    expect((await member.call('Search', { query: { q: 'uberraschung' } })).entries).to.deep.equal([]);
    expect(await refusal(member.call('Search', { query: { q: 'mia', bucket: 'drive' } }))).to.include({
      code: 'bucket_not_found',
    });
    expect(await refusal(admin.call('Search', { query: { q: '...' } }))).to.include({ status: 400 });
  });

  describe('the dashboard', () => {
    it('shows admins how everything is, and members nothing', async () => {
      const health = await admin.call('Health', {});
      expect(health.ready).to.equal(true);
      expect(health.checks.map(({ name }) => name)).to.include.members([
        'database',
        'storage',
        'keys',
        'integrity',
        'space',
        'jobs',
        'tls',
      ]);
      const stats = await admin.call('Stats', {});
      const rest = stats.doors.find(({ door }) => door === 'rest')!;
      expect(rest.requests).to.be.above(20);
      expect(rest.seconds.p50).to.be.above(0);
      expect(stats.operations.map(({ operation }) => operation)).to.include('PutFile');
      const { settings } = await admin.call('Settings', {});
      expect(settings.find(({ name }) => name === 'data-dir')).to.deep.include({ value: gateway.dataDir, isDefault: false });
      const storage = await admin.call('StorageHealth', {});
      expect(storage).to.deep.include({ ok: true, damagedCount: 0, files: [] });
      expect(storage.stores[0]?.state).to.equal('active');
      for (const name of [
        'Health',
        'Stats',
        'Settings',
        'StorageHealth',
        'ListJobs',
        'Space',
        'Integrity',
        'ListQuarantine',
        'ListHurtFiles',
      ] as const) {
        expect(await refusal(member.call(name, {})), name).to.deep.equal({ status: 403, code: 'access_denied' });
      }
    });
    it('hides secrets among the settings', async () => {
      const text = JSON.stringify(await admin.call('Settings', {}));
      for (const secret of [gateway.password, gateway.secretAccessKey]) expect(text).to.not.include(secret);
    });
    it('starts jobs, follows them and cancels them', async () => {
      const started = await admin.call('StartJob', { path: { name: 'scrub' }, body: {} });
      expect(started.name).to.equal('scrub');
      let job = started;
      while (job.state !== 'idle' || job.outcome === null) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        job = await admin.call('GetJob', { path: { name: 'scrub' } });
      }
      expect(job.outcome).to.deep.include({ kind: 'done' });
      expect((await admin.call('StorageHealth', {})).lastScrub).to.not.equal(null);
      expect(await admin.call('CancelJob', { path: { name: 'gc' } })).to.include({ name: 'gc' });
      expect(await refusal(admin.call('StartJob', { path: { name: 'nope' }, body: {} }))).to.deep.equal({
        status: 404,
        code: 'not_found',
      });
      expect(await refusal(member.call('StartJob', { path: { name: 'scrub' }, body: {} }))).to.include({ status: 403 });
    });
  });
});

/** A picture of many pixels in few bytes. */
function bombPng(width: number, height: number): Uint8Array<ArrayBuffer> {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc(1 << 20));
  const all = Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return new Uint8Array(all);
}
