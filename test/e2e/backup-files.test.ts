import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectTaggingCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { type BackupScene, filesIn, openBackupScene } from '../support/backup-scene.ts';
import { startGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { SEED, seededRandom } from '../support/random.ts';

/** Single files and folders out of a backup, into the gateway that runs and onto the machine. */
describe('files out of a backup', function () {
  this.timeout(300_000);
  let scene: BackupScene;
  before(async () => (scene = await openBackupScene()));
  after(() => scene.close());

  it('gives single files and folders back, by the page’s routes and the command line, and writes over nothing', async () => {
    const { directory, dataDir, key, gateway, ann } = scene;
    const url = (name: string) => `${gateway.s3Url}/home/${name}`;
    const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const admin = basic('admin', gateway.password);
    const ask = async (path: string, body: object | null = null, as = admin) => {
      const answer = await fetch(`${gateway.restUrl}${path}`, {
        method: body === null ? 'GET' : 'POST',
        headers: { authorization: as, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
      });
      // biome-ignore lint/suspicious/noExplicitAny: a foreign border; the test looks into answers of any shape
      return { status: answer.status, json: (answer.status === 204 ? null : await answer.json()) as any };
    };
    const settled = async (job: 'opening' | 'extracting') => {
      for (;;) {
        const { json } = await ask('/backups');
        if (json[job].state === 'idle') return json;
        await sleep(20);
      }
    };
    const s3 = (method: string, name: string, init: RequestInit = {}) =>
      fetch(presign(method, url(name), gateway, new Date()), { method, ...init });
    const dav = (method: string, name: string, body: string) =>
      fetch(`${gateway.webdavUrl}home/${name}`, { method, headers: { authorization: admin, depth: '0' }, body });
    const noted = '<D:propfind xmlns:D="DAV:"><D:prop><x xmlns="urn:test"/></D:prop></D:propfind>';
    const note =
      '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:test">kept</x></D:prop></D:set></D:propertyupdate>';
    const body = seededRandom(`${SEED}-album`)(300_000);
    const { accessKeyId, secretAccessKey } = gateway;
    const sdk = new S3Client({
      ...{ endpoint: gateway.s3Url, region: 'us-east-1', forcePathStyle: true },
      credentials: { accessKeyId, secretAccessKey },
    });
    const one = { Bucket: 'home', Key: 'album/one.heic' };
    const facts = { ContentType: 'image/heic', Metadata: { camera: 'old one' } };
    await sdk.send(new PutObjectCommand({ ...one, ...facts, Body: body, Tagging: 'trip=north' }));
    for (let index = 0; index < 5; index++) await s3('PUT', `album/sub/${index}.txt`, { body: `text ${index}` });
    await s3('PUT', 'album/letter.txt', { body: 'first' });
    await s3('PUT', 'album/letter.txt', { body: 'second' });
    expect((await dav('PROPPATCH', 'album/one.heic', note)).status).to.equal(207);
    expect((await dav('PROPPATCH', 'album/sub/', note)).status).to.equal(207);
    const was = await sdk.send(new HeadObjectCommand(one));
    const from = join(directory, 'single');
    const { name } = await scene.run(dataDir, ['backup', '--to', from]);
    await s3('DELETE', 'album/one.heic');
    await s3('PUT', 'album/letter.txt', { body: 'third' });
    for (let index = 0; index < 4; index++) await s3('DELETE', `album/sub/${index}.txt`);

    const backup = { from, name };
    const bucket = 'home';
    const member = basic('ann', ann.password);
    for (const path of ['/backups/open', '/backups/browse']) expect((await ask(path, backup, member)).status, path).to.equal(403);
    expect((await ask('/backups/browse', backup)).json.detail).to.contain('not open here');
    expect((await ask('/backups/open', { from, name: '../../etc/passwd' })).status).to.equal(400);
    expect((await ask('/backups/open', backup)).status).to.equal(202);
    expect((await settled('opening')).opening.outcome).to.deep.include({ kind: 'done' });
    expect((await ask('/backups/open', backup)).json).to.deep.include({ ready: true });
    expect((await ask('/backups/browse', backup)).json.buckets).to.include(bucket);
    const shownIn = async (folder: string, limit: number) => {
      const all: { kind: string; key: string; versionId?: string }[] = [];
      for (let cursor = null; ; ) {
        const { json } = await ask('/backups/browse', { ...backup, bucket, folder, limit, cursor });
        all.push(...json.entries);
        expect(json.entries.length).to.be.at.most(limit);
        if (json.next === null) return all.map(({ kind, key }) => `${kind} ${key}`);
        cursor = json.next;
      }
    };
    for (const limit of [1, 2, 200])
      expect(await shownIn('album/', limit)).to.deep.equal(['file album/letter.txt', 'file album/one.heic', 'folder album/sub/']);
    const root = await shownIn('', 2);
    expect(root).to.deep.equal(await shownIn('', 1000));
    expect(root).to.include.members(['folder album/', 'folder photos/', 'file note.txt']);
    const at = { ...backup, bucket, key: 'album/letter.txt' };
    const { versions } = (await ask('/backups/versions', at)).json;
    expect(versions.map(({ size, current }: { size: number; current: boolean }) => [size, current])).to.deep.equal([
      [6, true],
      [5, false],
    ]);
    const query = new URLSearchParams({ ...at, versionId: versions[1].versionId });
    const saved = await fetch(`${gateway.restUrl}/backups/file?${query}`, { headers: { authorization: admin } });
    expect([await saved.text(), saved.headers.get('content-disposition')?.includes('letter.txt')]).to.deep.equal(['first', true]);
    expect((await fetch(`${gateway.restUrl}/backups/file?${query}`, { headers: { authorization: member } })).status).to.equal(
      403,
    );

    const to = { bucket: 'home', folder: '', name: 'album' };
    const wanted = { ...backup, bucket, key: 'album/', to };
    expect((await ask('/backups/extract', wanted, member)).status).to.equal(403);
    expect((await ask('/backups/extract', { ...wanted, key: 'nothing/' })).status).to.equal(404);
    expect((await ask('/backups/extract', { ...wanted, to: { ...to, name: '../x' } })).status).to.equal(400);
    // Who starts the job past the door has no order that it would take.
    await ask('/jobs/backup-extract/start', { argument: { order: JSON.stringify({ ...wanted, by: 1 }), seal: '00' } });
    expect((await settled('extracting')).extracting.outcome.kind).to.equal('failed');
    expect((await ask('/backups/extract', wanted)).status).to.equal(202);
    const [done] = (await settled('extracting')).extracts;
    expect(done).to.deep.include({ outcome: 'done', restored: 6, renamed: 1, unchanged: 1, skipped: 0, failed: 0 });
    const is = await sdk.send(new HeadObjectCommand(one));
    expect([is.ETag, is.ContentType, is.Metadata]).to.deep.equal([was.ETag, 'image/heic', { camera: 'old one' }]);
    expect((await sdk.send(new GetObjectTaggingCommand(one))).TagSet).to.deep.equal([{ Key: 'trip', Value: 'north' }]);
    const back = await s3('GET', 'album/one.heic');
    expect(Buffer.from(await back.arrayBuffer()).equals(body)).to.equal(true);
    for (const path of ['album/one.heic', 'album/sub/'])
      expect(await (await dav('PROPFIND', path, noted)).text()).to.contain('kept');
    expect(await (await s3('GET', 'album/letter.txt')).text()).to.equal('third');
    const beside = await (
      await fetch(presign('GET', `${gateway.s3Url}/home?list-type=2&prefix=album/letter`, gateway, new Date()))
    ).text();
    expect(beside).to.match(/letter \(backup \d{4}-\d\d-\d\d/);
    // A script's password that may not read is told so, though its admin may.
    const scope = { actions: ['admin', 'write', 'account.read'] };
    const { json: script } = await ask('/credentials', { kind: 'app-password', name: 'script', scope });
    expect((await ask('/backups/extract', wanted, basic('admin', script.password))).status).to.equal(403);
    // Once more, by two who do not know of one another: one is told, and nothing is there twice.
    const both = await Promise.all([ask('/backups/extract', wanted), ask('/backups/extract', wanted)]);
    expect(both.map(({ status }) => status).sort()).to.deep.equal([202, 409]);
    expect((await ask('/backups/extract', { ...wanted, versionId: versions[0].versionId })).status).to.equal(400);
    expect((await settled('extracting')).extracts[0]).to.deep.include({ restored: 0, unchanged: 7 });
    await ask('/backups/extract', {
      ...at,
      versionId: versions[1].versionId,
      to: { ...to, folder: 'album/', name: 'letter.txt' },
      conflict: 'version',
    });
    expect((await settled('extracting')).extracts[0]).to.deep.include({ restored: 1, versions: 1 });
    expect(await (await s3('GET', 'album/letter.txt')).text()).to.equal('first');

    // The command line: onto this machine, without the gateway's help, and into a bucket with it.
    const out = join(directory, 'out');
    mkdirSync(out);
    writeFileSync(join(out, 'letter.txt'), 'mine');
    expect(await scene.run(dataDir, ['backup', 'extract', from, `${bucket}/album`, '--to', out])).to.deep.include({
      files: 7,
      failed: 0,
    });
    expect(readFileSync(join(out, 'one.heic')).equals(body)).to.equal(true);
    expect(readFileSync(join(out, 'letter.txt'), 'utf8')).to.equal('mine');
    const elsewhere = { CLOUDSTORE_MASTER_KEY: key };
    const listed = await scene.run(join(directory, 'none'), ['backup', 'list', from, `${bucket}/album/`], 0, elsewhere);
    expect(listed.map((one: { path: string }) => one.path.slice(bucket.length))).to.deep.equal([
      '/album/letter.txt',
      '/album/one.heic',
      '/album/sub/',
    ]);
    const cli = await scene.run(dataDir, [
      'backup',
      'extract',
      from,
      `${bucket}/album/one.heic`,
      '--into',
      'home/again',
      '--name',
      'two.heic',
    ]);
    expect(cli).to.deep.include({ restored: 1, to: 'home/again/two.heic' });
    expect(Buffer.from(await (await s3('GET', 'again/two.heic')).arrayBuffer()).equals(body)).to.equal(true);
    await scene.run(dataDir, ['backup', 'extract', from, `${bucket}/nothing`, '--to', out], 4);

    // What is not whole is said in a sentence, and nothing of it appears.
    const sentence = async (args: string[], env: Record<string, string>) => {
      const { code, stderr } = await cloudstore(args, { env });
      expect([code, stderr]).to.satisfy(
        ([got, text]: [number, string]) => got !== 0 && /^(cloudstore|missing): [^\n]+\n$/.test(text),
      );
      return stderr;
    };
    const wrongKey = { CLOUDSTORE_DATA_DIR: join(directory, 'none'), CLOUDSTORE_MASTER_KEY: 'ab'.repeat(32) };
    expect(await sentence(['backup', 'list', from, '/'], wrongKey)).to.contain('another master key');
    const pack = filesIn(from).find((one) => one.endsWith('.pack') && statSync(one).size > 300_000)!;
    const bytes = readFileSync(pack);
    rmSync(pack);
    await ask('/backups/extract', { ...backup, bucket, key: 'album/one.heic', to: { ...to, name: 'lost.heic' } });
    const lost = await settled('extracting');
    expect(lost.extracting.outcome.message).to.contain('cannot be had whole');
    expect(lost.extracts[0]).to.deep.include({ restored: 0, failed: 1 });
    expect((await s3('GET', 'lost.heic')).status).to.equal(404);
    const hurt = await ask(`/backups/file?${new URLSearchParams({ ...backup, bucket, key: 'album/one.heic' })}`);
    expect([hurt.status >= 500, hurt.json.detail]).to.satisfy(
      ([late, text]: [boolean, string]) => late && text.includes('cannot be had whole'),
    );
    // A backup that was opened while a disk of it was away is read anew when that is back.
    const missing = async () => {
      expect((await ask('/backups/open', backup)).status).to.equal(202);
      expect((await settled('opening')).opening.outcome.kind).to.equal('done');
      return (await ask('/backups/browse', backup)).json.missingPacks;
    };
    rmSync(join(dataDir, 'opened-backups'), { recursive: true });
    expect(await missing()).to.equal(1);
    expect((await ask('/backups/open', backup)).status).to.equal(200);
    writeFileSync(pack, bytes);
    expect(await missing()).to.equal(0);
    const dump = filesIn(from).find((one) => one.endsWith('.dump'))!;
    rmSync(dump);
    expect(
      await sentence(['backup', 'list', from, '/'], { ...elsewhere, CLOUDSTORE_DATA_DIR: join(directory, 'none') }),
    ).to.contain('A snapshot of this backup is missing');
    sdk.destroy();
    for (const name of ['album/one.heic', 'again/two.heic', 'album/letter.txt']) await s3('DELETE', name);
    const { json: audit } = await ask('/audit?action=ExtractFromBackup');
    expect(audit.items.map(({ outcome }: { outcome: string }) => outcome)).to.include.members(['ok', 'denied', 'failed']);
  });

  it('killed in the middle: every file that is there is whole, and the rest comes when it is asked for once more, none twice', async () => {
    const { directory, dataDir, gateway } = scene;
    const bodies = new Map<string, Buffer>();
    for (let index = 0; index < 60; index++) {
      const name = `many/${index}.bin`;
      bodies.set(name, seededRandom(`${SEED}-many-${index}`)(200_000));
      await scene.put(name, bodies.get(name)!);
    }
    const from = join(directory, 'many');
    await scene.run(dataDir, ['backup', '--to', from]);
    const extract = () =>
      cloudstore(['backup', 'extract', from, 'home/many', '--into', 'home', '--name', 'back'], {
        env: { CLOUDSTORE_DATA_DIR: dataDir },
      });
    const dying = extract();
    const get = (of: typeof gateway, name: string) => fetch(presign('GET', `${of.s3Url}/home/${name}`, gateway, new Date()));
    const keysIn = async (of: typeof gateway) => {
      const list = await (await fetch(presign('GET', `${of.s3Url}/home?list-type=2&prefix=back/`, gateway, new Date()))).text();
      return [...list.matchAll(/<Key>([^<]+)</g)].map(([, key]) => key ?? '');
    };
    while ((await keysIn(gateway)).length === 0) await sleep(1);
    await gateway.kill();
    await dying;
    const second = await startGateway({ dataDir });
    try {
      for (const key of await keysIn(second)) {
        const body = Buffer.from(await (await get(second, key)).arrayBuffer());
        expect(body.equals(bodies.get(key.replace('back/', 'many/'))!), key).to.equal(true);
      }
      // The gateway goes on with it by itself when the lease of the one that died has ended; who does not want to wait takes the rest onto the machine.
      const all = await scene.run(dataDir, ['backup', 'extract', from, 'home/many', '--to', join(directory, 'rest')]);
      expect(all).to.deep.include({ files: 60, failed: 0 });
      if (process.env.CLOUDSTORE_TEST_LONG === '1') {
        while ((await keysIn(second)).length < 60) await sleep(200);
        for (let done = false; !done; await sleep(200)) {
          const jobs: { name: string; state: string }[] = await scene.run(dataDir, ['jobs', 'list']);
          done = jobs.find(({ name }) => name === 'backup-extract')?.state === 'idle';
        }
        expect((await keysIn(second)).length).to.equal(60);
      }
    } finally {
      await second.stop();
    }
  });
});
