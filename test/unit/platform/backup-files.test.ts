import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDiskOps } from '#blob/disk-ops';
import type { Namespace } from '#contracts/namespace';
import type { Bucket } from '#core/bucket';
import type { Principal, Who } from '#core/principal';
import { bytesOf, collect } from '#core/stream';
import { besideName, type ExtractOptions, type ExtractState, extractInto, none } from '../../../src/backup-extract.ts';
import { whoOf } from '../../../src/backup-extract-job.ts';
import { backupJobs } from '../../../src/backup-job.ts';
import { lockBackups } from '../../../src/backup-lock.ts';
import { leaveMark, OPENED_DIRECTORY } from '../../../src/backup-opened.ts';
import { backupSource } from '../../../src/backup-place.ts';
import { extractOnto } from '../../../src/cli/offline/extract-onto.ts';
import { BUCKET, type OpenedBackup, openBackup, TAKEN_MS, type WantedFile } from '../../support/opened-backup.ts';
import { diceOf, SEED, seededRandom } from '../../support/random.ts';
import { codeOf, openRooms, type TestRooms } from '../../support/rooms.ts';

const SEED_USED = SEED;
const body = (name: string, size: number): Buffer => seededRandom(`${SEED}-${name}`)(size);
const text = (value: string): Buffer => Buffer.from(value);
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('what is in a backup', () => {
  const open: OpenedBackup[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  async function opened(wanted: readonly WantedFile[], options: { twice?: boolean } = {}): Promise<OpenedBackup> {
    const backup = await openBackup(wanted, options);
    open.push(backup);
    return backup;
  }
  const read = ({ files }: OpenedBackup, key: string) =>
    collect(files.read(files.file(BUCKET, key, null)), 1 << 26, () => new Error('too large'));
  const messageOf = (call: Promise<unknown>) =>
    call.then(
      () => 'none',
      (error: Error) => error.message,
    );

  it(`pages through folders as a plain model does, whatever the keys (CLOUDSTORE_TEST_SEED=${SEED_USED})`, async () => {
    const dice = diceOf(`${SEED}-page`);
    const pieces = ['a', 'b', 'a', '/', '/', '/', '.', '0', '-', '!', '..', '\u0001', 'é', '\uffee', '\u{10330}', '~'];
    const keys = new Set(['a', 'a/', 'a/b', 'a/b/', 'a.', 'a0', 'a!', '/', '//', 'only-a-marker/', 'b//x', '../x']);
    while (keys.size < 150) {
      const key = Array.from({ length: 1 + dice.below(6) }, () => dice.pick(pieces)).join('');
      keys.add(key);
    }
    const { files } = await opened([...keys].map((key) => ({ key })));
    const sorted = [...keys].sort(byBytes);
    const folders = new Set([
      '',
      ...sorted.flatMap((key) => [...key.matchAll(/\//g)].map(({ index }) => key.slice(0, index + 1))),
    ]);
    for (const folder of folders) {
      const inside = sorted.filter((key) => key.startsWith(folder) && key !== folder);
      const model = new Set(
        inside.map((key) => {
          const slash = key.indexOf('/', folder.length);
          return slash === -1 ? `file ${key}` : `folder ${key.slice(0, slash + 1)}`;
        }),
      );
      for (const limit of [1, 2, 3, 1000]) {
        const shown: string[] = [];
        for (let after: string | null = null; ; ) {
          const page = files.page(BUCKET, folder, after, limit);
          expect(page.entries.length).to.be.at.most(limit);
          shown.push(...page.entries.map(({ kind, key }) => `${kind} ${key}`));
          after = page.next;
          if (after === null) break;
          expect(page.entries).to.have.length(limit);
        }
        expect(shown, `${JSON.stringify(folder)} by ${limit}`).to.deep.equal([...model]);
      }
      const below = sorted.filter((key) => key.startsWith(folder));
      const walked: string[] = [];
      for (let window = files.below(BUCKET, folder, '', 3); window.length > 0; ) {
        walked.push(...window.map(({ key }) => key));
        window = files.below(BUCKET, folder, walked.at(-1)!, 3);
      }
      expect(walked, `below ${JSON.stringify(folder)}`).to.deep.equal(below);
      expect((await files.count(BUCKET, folder)).files).to.equal(below.length);
    }
  });

  it('gives bytes that are what was stored, and none that only say so', async () => {
    const whole = body('whole', 3_000_000);
    const backup = await opened([
      { key: 'good', body: whole },
      { key: 'small', body: text('x') },
      { key: 'empty' },
      { key: 'other hash', body: body('other', 5_000), contentHash: randomBytes(32) },
      { key: 'other small hash', body: text('y'), contentHash: randomBytes(32) },
      { key: 'other length', body: text('abc'), size: 4 },
    ]);
    expect((await read(backup, 'good')).equals(whole)).to.equal(true);
    expect((await read(backup, 'small')).toString()).to.equal('x');
    expect(await read(backup, 'empty')).to.have.length(0);
    expect(await messageOf(read(backup, 'other hash'))).to.contain('does not have the hash');
    expect(await messageOf(read(backup, 'other small hash'))).to.contain('does not have the hash');
    expect(await messageOf(read(backup, 'other length'))).to.contain('another length');
  });

  it('reads on from the other place of each chunk that is damaged in one, and says so where both are', async () => {
    const whole = body('twice', 6_000_000);
    const backup = await opened([{ key: 'x', body: whole }], { twice: true });
    const places = await backup.places('x');
    const second = (index: number) => ({ ...places[index]!, pack: `ffffffff${places[index]!.pack.slice(8)}` });
    expect(places.length).to.be.greaterThan(2);
    backup.flip(places[0]!);
    backup.flip(second(1));
    backup.flip(places[2]!);
    expect((await read(backup, 'x')).equals(whole)).to.equal(true);
    backup.flip(second(2));
    expect(await codeOf(read(backup, 'x'))).to.equal('corrupt');
  });

  it('stays readable while the backup is written to: its open pack grows, and is sealed', async () => {
    const whole = body('open', 400_000);
    const backup = await opened([{ key: 'x', body: whole }]);
    const packs = join(backup.from, 'packs');
    const places = await backup.places('x');
    const name = `${places[0]!.pack}.pack`;
    const sealed = readdirSync(packs).includes(name);
    const [now, later] = sealed ? [packs, join(packs, 'open')] : [join(packs, 'open'), packs];
    writeFileSync(join(now, name), randomBytes(10_000), { flag: 'a' });
    expect((await read(backup, 'x')).equals(whole)).to.equal(true);
    mkdirSync(later, { recursive: true });
    renameSync(join(now, name), join(later, name));
    expect((await read(backup, 'x')).equals(whole)).to.equal(true);
  });

  it('refuses a directory whose first backup is being made, and says by whom', async () => {
    const from = mkdtempSync(join(tmpdir(), 'cloudstore-held-'));
    const lock = await lockBackups(from, { by: 'command', clock: Date, random: randomBytes });
    try {
      expect(await codeOf(backupSource(from))).to.equal('conflict');
      expect(await messageOf(backupSource(from))).to.contain(String(process.pid));
    } finally {
      await lock.release();
      rmSync(from, { recursive: true, force: true });
    }
  });

  it('is not opened for somebody on another machine of the database, who would never find it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cloudstore-marks-'));
    const job = backupJobs({
      config: { values: { 'data-dir': directory } },
      clock: { now: () => Date.now() },
      masterKey: () => randomBytes(32),
    } as unknown as Parameters<typeof backupJobs>[0]).find(({ name }) => name === 'backup-open')!; // what is asked for before the thread
    const run = (mark: string) =>
      messageOf(
        job.run({
          signal: new AbortController().signal,
          state: null,
          argument: { from: join(directory, 'none'), name: `0000000001.1.${'0'.repeat(32)}.backup`, host: 'attic', mark },
          save: async () => undefined,
          progress: () => undefined,
        }),
      );
    const own = await leaveMark(join(directory, OPENED_DIRECTORY), { disk: nodeDiskOps(), random: randomBytes });
    for (const foreign of [randomBytes(16).toString('hex'), '../index', ''])
      expect(await run(foreign))
        .to.contain('attic')
        .and.to.contain(hostname())
        .and.to.contain('Open it once more');
    expect(await run(own)).to.contain('There is no backup in');
    rmSync(directory, { recursive: true, force: true });
  });

  it('names what comes beside: before the ending, a folder with its slash', () => {
    for (const [key, first, second] of [
      ['a/b.txt', 'a/b (backup 2026-11-25).txt', 'a/b (backup 2026-11-25 2).txt'],
      ['b', 'b (backup 2026-11-25)', 'b (backup 2026-11-25 2)'],
      ['a.d/b', 'a.d/b (backup 2026-11-25)', 'a.d/b (backup 2026-11-25 2)'],
      ['.profile', '.profile (backup 2026-11-25)', '.profile (backup 2026-11-25 2)'],
      ['a/.x.tar', 'a/.x (backup 2026-11-25).tar', 'a/.x (backup 2026-11-25 2).tar'],
      ['x.tar.gz', 'x.tar (backup 2026-11-25).gz', 'x.tar (backup 2026-11-25 2).gz'],
      ['end.', 'end. (backup 2026-11-25)', 'end. (backup 2026-11-25 2)'],
      ['a//b.c', 'a//b (backup 2026-11-25).c', 'a//b (backup 2026-11-25 2).c'],
      ['a/with bytes/', 'a/with bytes (backup 2026-11-25)/', 'a/with bytes (backup 2026-11-25 2)/'],
      ['new\nline.é', 'new\nline (backup 2026-11-25).é', 'new\nline (backup 2026-11-25 2).é'],
    ] as const)
      expect([besideName(key, TAKEN_MS, 1), besideName(key, TAKEN_MS, 2)], key).to.deep.equal([first, second]);
  });

  describe('brought back', () => {
    let rooms: TestRooms;
    let root: Principal;
    let who: Who;
    let home: Bucket;
    let buckets = 0;
    before(async () => {
      rooms = await openRooms();
      root = await rooms.user('root', 'admin');
      who = rooms.who(root);
    });
    after(() => rooms.close());
    beforeEach(async () => (home = await rooms.bucket(root, `home-${++buckets}`)));

    const fresh = (): ExtractState => ({ after: '', counts: none(), failures: [] });
    /** All of the backup, into the bucket. */
    const extract = ({ files }: OpenedBackup, more: Partial<ExtractOptions> = {}) =>
      extractInto({
        ...{ files, namespace: rooms.namespace, who, conflict: 'both', state: fresh() },
        source: { bucket: BUCKET, key: '', version: null },
        target: { bucket: home.id, folder: '', name: '' },
        signal: new AbortController().signal,
        save: async () => undefined,
        progress: () => undefined,
        ...more,
      });
    const keysIn = async (): Promise<string[]> => {
      const { entries } = await rooms.namespace.list(who, { bucket: home.id, prefix: '', delimiter: '', after: '', limit: 1000 });
      return entries.flatMap((entry) => (entry.kind === 'object' ? [entry.info.key] : []));
    };
    const textOf = (key: string) => rooms.text(who, home, key);

    it('by a credential that may less than its admin: no more than that', async () => {
      const backup = await opened([{ key: 'a', body: text('x') }]);
      const scoped = (actions: string[]) =>
        whoOf(
          {
            ...{ by: root.id, protocol: 'rest', requestId: 'test' },
            credential: { kind: 'app-password', id: 'of-a-script', scope: { actions, places: null } },
          },
          rooms.metadata.principals,
        );
      for (const actions of [['admin'], ['admin', 'read'], ['admin', 'write']]) {
        expect(await codeOf(extract(backup, { who: await scoped(actions) })), actions.join()).to.equal('access_denied');
        expect(await keysIn()).to.deep.equal([]);
      }
      await extract(backup, { who: await scoped(['admin', 'read', 'write']) });
      expect(await textOf('a')).to.equal('x');
      await rooms.metadata.principals.create({ name: 'other', role: 'admin', passwordHash: null, domain: home.domain });
      await rooms.metadata.principals.update(root.id, { role: 'member' });
      expect(await codeOf(scoped(['admin', 'read', 'write']))).to.equal('access_denied');
      await rooms.metadata.principals.update(root.id, { role: 'admin' });
    });

    it('nothing of a file whose pack is damaged, and all of the others', async () => {
      const whole = body('hurt', 2_500_000);
      const backup = await opened([
        { key: 'a', body: text('before') },
        { key: 'hurt', body: whole },
        { key: 'other hash', body: text('no'), contentHash: randomBytes(32) },
        { key: 'z', body: text('behind') },
      ]);
      backup.flip((await backup.places('hurt')).at(-1)!);
      const state = fresh();
      await extract(backup, { state });
      expect(await keysIn()).to.deep.equal(['a', 'z']);
      expect(state.counts).to.deep.include({ restored: 2, failed: 2 });
      expect(state.failures.map(({ key }) => key).sort()).to.deep.equal(['hurt', 'other hash']);
      for (const { why } of state.failures) expect(why).to.contain('cannot be had whole');
    });

    it('what was cancelled: whole files only, and the next run brings the rest, none twice', async () => {
      const names = Array.from({ length: 130 }, (_, index) => `f${String(index).padStart(3, '0')}`);
      const backup = await opened(names.map((key) => ({ key, body: text(`of ${key}`) })));
      const cancel = new AbortController();
      const state = fresh();
      const progress = () => {
        if (state.after >= 'f099' && state.counts.restored > 50) cancel.abort(new Error('It is to end.', { cause: 'cancelled' }));
      };
      expect(await messageOf(extract(backup, { state, progress, signal: cancel.signal }))).to.equal('It is to end.');
      const there = await keysIn();
      expect(there.length).to.be.within(51, 129);
      for (const key of there) expect(await textOf(key)).to.equal(`of ${key}`);
      const later = fresh();
      await extract(backup, { state: later });
      expect(await keysIn()).to.deep.equal(names);
      expect(later.counts).to.deep.include({ restored: 130 - there.length, unchanged: there.length, renamed: 0, failed: 0 });
    });

    it('no file past the quota, and none that was there is touched', async () => {
      const ann = await rooms.user(`ann-${buckets}`, 'member');
      home = await rooms.bucket(ann, 'anns');
      await rooms.put(rooms.who(ann), home, 'mine', '12345');
      await rooms.metadata.principals.update(ann.id, { quotaBytes: 12 });
      const backup = await opened([
        { key: 'a', body: text('67890') },
        { key: 'b', body: text('more than there is room for') },
      ]);
      expect(await codeOf(extract(backup))).to.equal('quota_exceeded');
      expect(await keysIn()).to.not.include('b');
      expect(await textOf('mine')).to.equal('12345');
    });

    it('as a new version where versions are locked: the locked one stays, the new one gets what the bucket gives', async () => {
      home = await rooms.buckets.create(who, `locked-${buckets}`, { objectLock: true });
      const until = Date.now() + 3_600_000;
      const at = { bucket: home.id, key: 'a' };
      const held = await rooms.namespace.put(who, at, bytesOf(text('held')), {
        ...{ etag: 'md5' as const, lock: { retention: { mode: 'compliance', until } } },
      });
      await rooms.buckets.update(who, home.id, { config: { objectLock: { mode: 'governance', days: 1 } } });
      const backup = await opened([{ key: 'a', body: text('of then') }]);
      const state = fresh();
      await extract(backup, { conflict: 'version', state });
      expect(state.counts).to.deep.include({ restored: 1, versions: 1, failed: 0 });
      expect(await textOf('a')).to.equal('of then');
      const { versionId: now } = await rooms.namespace.stat(who, at);
      expect((await rooms.namespace.stat(who, at, { version: now })).lock?.retention?.mode).to.equal('governance');
      const version = held.info.versionId;
      expect(await codeOf(rooms.namespace.remove(who, at, { version }))).to.equal('object_locked');
    });

    it('a file under a customer’s key as it is, for whoever has the key, and never onto a disk', async () => {
      const customerKey = { salt: 'c2FsdA==', check: 'Y2hlY2s=' };
      const backup = await opened([{ key: 'sealed', body: text('cipher'), attributes: { customerKey, contentType: 'a/b' } }]);
      await extract(backup);
      const at = { bucket: home.id, key: 'sealed' };
      expect(await codeOf(rooms.namespace.get(who, at))).to.equal('customer_key_needed');
      const { info, body: bytes } = await rooms.namespace.get(who, at, { sealed: true });
      expect([info.attributes, info.etag]).to.deep.equal([{ customerKey, contentType: 'a/b' }, 'etag-0']);
      expect((await collect(bytes(), 1 << 20, () => new Error('too large'))).toString()).to.equal('cipher');
      const to = join(backup.from, 'onto');
      const source = { bucket: BUCKET, version: null };
      expect(await codeOf(extractOnto(backup.files, { ...source, key: 'sealed' }, { to, name: null }))).to.equal(
        'customer_key_needed',
      );
      const report = await extractOnto(backup.files, { ...source, key: '' }, { to, name: null });
      expect(report).to.deep.include({ files: 0, failed: 1 });
      expect(readdirSync(to)).to.deep.equal([]);
    });

    it('beside what somebody else has written in that moment, never over it', async () => {
      const backup = await opened([{ key: 'a.txt', body: text('of then') }]);
      for (const conflict of ['both', 'version', 'skip'] as const) {
        home = await rooms.bucket(root, `raced-${conflict}`);
        let writes = 1;
        const raced: Namespace = {
          ...rooms.namespace,
          async put(as, at, bytes, options) {
            if (writes-- > 0) await rooms.put(who, home, at.key, 'of the other');
            return rooms.namespace.put(as, at, bytes, options);
          },
        };
        const state = fresh();
        await extract(backup, { namespace: raced, conflict, state });
        const beside = 'a (backup 2026-11-25).txt';
        expect(await keysIn(), conflict).to.deep.equal(conflict === 'both' ? [beside, 'a.txt'].sort(byBytes) : ['a.txt']);
        expect(await textOf('a.txt')).to.equal(conflict === 'version' ? 'of then' : 'of the other');
        if (conflict === 'both') expect(await textOf(beside)).to.equal('of then');
        expect(state.counts).to.deep.include(
          { both: { renamed: 1 }, version: { versions: 1 }, skip: { skipped: 1, restored: 0 } }[conflict],
        );
      }
    });

    it('a file and a folder of one name, empty folders, a folder that has bytes: each as it was, and once only', async () => {
      const wanted = [
        { key: 'a', body: text('file') },
        { key: 'a/' },
        { key: 'a/b', body: text('in the folder') },
        { key: 'c', body: text('file alone') },
        { key: 'c/' },
        { key: 'empty/' },
        { key: 'with bytes/', body: text('bytes') },
        { key: '/' },
        { key: '..', body: text('dots') },
        { key: 'x//y', body: text('nothing between') },
      ];
      const backup = await opened(wanted);
      const names = wanted.map(({ key }) => key).sort(byBytes);
      for (const expected of [{ restored: 10 }, { restored: 0, unchanged: 10 }]) {
        const state = fresh();
        await extract(backup, { state });
        expect(await keysIn()).to.deep.equal(names);
        expect(state.counts).to.deep.include({ ...expected, failed: 0, renamed: 0 });
      }
      for (const { key, body: bytes } of wanted) if (bytes !== undefined) expect(await textOf(key)).to.equal(bytes.toString());
      const to = join(backup.from, 'onto');
      for (const unchanged of [0, 6]) {
        const source = { bucket: BUCKET, key: '', version: null };
        expect(await extractOnto(backup.files, source, { to, name: null })).to.deep.include({ files: 6, failed: 0, unchanged });
      }
      const found = readdirSync(to, { recursive: true, withFileTypes: true }).map(({ parentPath, name }) =>
        join(parentPath, name),
      );
      expect(found.some((path) => path.endsWith('cloudstore-new'))).to.equal(false);
      expect(readFileSync(join(to, 'a%!'), 'utf8')).to.equal('file');
      expect(readFileSync(join(to, 'a', 'b'), 'utf8')).to.equal('in the folder');
    });
  });
});
