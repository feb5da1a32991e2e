import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { HistoryStore, PurgeIntent, Restored, RestoreIntent } from '#contracts/history-store';
import type { Bucket, Versioning } from '#core/bucket';
import type { Who } from '#core/principal';
import { accountsOf } from '../../support/metadata-accounts.ts';
import { address as at, type MetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

const ALL = { after: '', names: 1_000 };
const NOTHING = { restored: 0, replaced: 0, renamed: 0, skipped: 0, unchanged: 0, removed: 0, bytes: 0, next: null };

/** Every clause of HistoryStore. Whatever it does, what is kept of the use of space stays what can be counted. */
export function describeHistoryStore(rigOf: () => MetadataRig): void {
  describe('what was', () => {
    let rig: MetadataRig;
    let home: Bucket & { who: Who };
    let turn = 0;
    before(() => {
      rig = rigOf();
    });
    afterEach(async () => {
      const { kept, counted } = await accountsOf(rig.database, home);
      expect(kept).to.deep.equal(counted);
    });

    /** The gateways in turn. */
    const history = (): HistoryStore => rig.gateways[turn++ % rig.gateways.length]!.history;
    const fresh = async (versioning: Versioning = 'off', more = {}) => {
      home = await rig.bucket({ versioning, ...more });
    };
    const put = async (key: string, size = 3, more = {}) => {
      rig.clock.advance(10);
      return (await rig.store.commit(putIntent(home, key, { size, ...more }))).info;
    };
    const remove = (key: string) => {
      rig.clock.advance(10);
      const versionId = randomBytes(16).toString('hex');
      return rig.store.commit({ kind: 'remove', who: home.who, bucket: home.id, key, versionId });
    };
    const current = (key: string) => rig.store.current(at(home, key));
    const keys = async (): Promise<string[]> => {
      const page = await rig.store.list({ bucket: home.id, prefix: '', delimiter: '', after: '', limit: 1_000 });
      return page.entries.flatMap((entry) => (entry.kind === 'object' ? [entry.info.key] : []));
    };
    const restore = (what: Restored, more: Partial<RestoreIntent> = {}, window = ALL) =>
      history().restore({ who: home.who, bucket: home.id, what, conflict: 'fail', ...more }, window);
    const deletedAt = (key: string, more = {}): Restored => ({ kind: 'deleted', key, ...more });
    const purge = (what: PurgeIntent['what'], window = ALL) => history().purge({ bucket: home.id, what }, window);
    const trash = async (prefix: string, more = {}) =>
      (await history().trash({ bucket: home.id, prefix, after: '', limit: 100, ...more })).entries.map((entry) =>
        entry.kind === 'file' ? entry.info.key : entry.prefix,
      );

    it('lists the versions of a key, the latest first, page by page, hidden ones too', async () => {
      for (const versioning of ['off', 'enabled', 'suspended'] as const) {
        await fresh(versioning);
        const made = [];
        for (let n = 1; n <= 4; n++) made.unshift(await put('a', n));
        const found = await history().versions(at(home, 'a'), null, 100);
        if (versioning !== 'suspended')
          expect(found.map(({ versionId }) => versionId)).to.deep.equal(made.map(({ versionId }) => versionId));
        expect(found[0]).to.include({ size: 4, superseded: null, isLatest: true });
        for (const [index, one] of found.slice(1).entries()) expect(one.superseded).to.equal(found[index]?.modified);
        const paged = [];
        for (let after: string | null = null, page = found; ; after = page.at(-1)!.versionId) {
          page = await history().versions(at(home, 'a'), after, 1);
          if (page.length === 0) break;
          paged.push(...page);
        }
        expect(paged).to.deep.equal(found);
        expect(await history().versions(at(home, 'never'), null, 10)).to.deep.equal([]);
      }
    });

    it('tells what was done in a folder lately, by whom, the latest first, and nothing of others', async () => {
      await fresh('off');
      const other = (await rig.user()).who;
      const foreign = { ...other, protocol: 's3' as const };
      await put('f/a');
      await put('f%/a');
      await put('f/b/c', 5, { who: foreign });
      await put('beside');
      await rig.store.move({ who: home.who, from: at(home, 'f/a'), to: at(home, 'd'), overwrite: false });
      await rig.store.copy({ who: foreign, from: at(home, 'd'), to: at(home, 'f/e'), overwrite: false });
      await rig.store.removeTree({ who: foreign, ...at(home, 'f/b/') });
      const told = async (prefix: string, limit = 10, before: number | null = null): Promise<string[]> =>
        (await history().activity({ bucket: home.id, prefix }, before, limit)).changes.map(
          ({ kind, key, fromKey, size, writer }) =>
            [kind, fromKey, key, size, writer.name === other.principal?.name ? 'other' : 'own', writer.protocol].join(' '),
        );
      const own = home.who.protocol;
      const all = [
        'removeTree  f/b/  other s3',
        'copy d f/e 3 other s3',
        `move f/a d 3 own ${own}`,
        'put  f/b/c 5 other s3',
        `put  f/a 3 own ${own}`,
      ];
      expect(await told('f/')).to.deep.equal(all);
      expect(await told('f/', 2)).to.deep.equal(all.slice(0, 2));
      const paged = async (): Promise<string[][]> => {
        const pages: string[][] = [];
        for (let before: number | null = null; pages.length === 0 || before !== null; ) {
          pages.push(await told('f/', 2, before));
          ({ next: before } = await history().activity({ bucket: home.id, prefix: 'f/' }, before, 2));
        }
        return pages;
      };
      expect((await paged()).flat()).to.deep.equal(all);
      expect(await told('f%/')).to.deep.equal([`put  f%/a 3 own ${own}`]);
      expect(await told('')).to.have.lengthOf(7);
      expect(await told('nowhere/')).to.deep.equal([]);
      // As if much had been done elsewhere in the bucket since.
      await rig.database.sql('UPDATE bucket_heads SET seq = seq + 25000 WHERE bucket_id = $1', [home.id]);
      await put('beside');
      const pages = await paged();
      expect(pages.flat()).to.deep.equal(all);
      expect(pages.slice(0, 2)).to.deep.equal([[], []]);
    });

    it('tells who wrote each version, and by which door, whatever brought it', async () => {
      for (const versioning of ['off', 'enabled'] as const) {
        await fresh(versioning);
        const other = (await rig.user()).who;
        const by = async (key: string, bucket = home): Promise<(string | null)[]> => {
          const found = await history().versions(at(bucket, key), null, 100);
          const writers = await history().writers(
            at(bucket, key),
            found.map(({ versionId }) => versionId),
          );
          return found.map(({ versionId }) => {
            const writer = writers.get(versionId);
            return writer === undefined ? 'unknown' : writer.name === null ? null : `${writer.name} ${writer.protocol}`;
          });
        };
        const own = `${home.who.principal?.name} ${home.who.protocol}`;
        const theirs = `${other.principal?.name} s3`;
        const foreign = { ...other, protocol: 's3' as const };
        await put('f/a');
        await put('f/a', 4, { who: foreign });
        await put('f/a', 5, { who: { ...other, principal: null } });
        await put('f/b');
        expect(await by('f/a')).to.deep.equal([null, theirs, own]);
        rig.clock.advance(10);
        await rig.store.copy({ who: foreign, from: at(home, 'f/'), to: at(home, 'g/'), overwrite: false });
        expect([await by('g/a'), await by('g/b')]).to.deep.equal([[theirs], [theirs]]);
        rig.clock.advance(10);
        await rig.store.removeTree({ who: foreign, ...at(home, 'f/') });
        await history().restore(
          {
            who: { ...home.who, protocol: 'webdav' },
            bucket: home.id,
            what: { kind: 'deleted', key: 'f/' },
            conflict: 'fail',
          },
          ALL,
        );
        expect((await by('f/b'))[0]).to.equal(`${home.who.principal?.name} webdav`);
        if (versioning === 'enabled') expect((await by('f/b'))[1], 'its delete marker').to.equal(theirs);
        // A name that has been moved keeps what it was, and who made it.
        await rig.store.move({ who: foreign, from: at(home, 'g/'), to: at(home, 'h/'), overwrite: false });
        expect((await by('h/a')).at(0)).to.equal(theirs);
        // What the journal of another bucket knows is not said of this one.
        const elsewhere = await rig.bucket({ owner: { ...home, who: home.who, principal: home.who.principal! } });
        for (let n = 0; n < 20; n++) await rig.store.commit(putIntent({ ...elsewhere, who: foreign }, `${n}`));
        await put('alone');
        await rig.store.move({ who: foreign, from: at(home, 'alone'), to: at(elsewhere, 'alone'), overwrite: false });
        expect(await by('alone', elsewhere)).to.deep.equal([versioning === 'off' ? 'unknown' : theirs]);
      }
    });

    it('shows what S3 sees, in its order, the same by pages of any size', async () => {
      await fresh('enabled');
      for (const key of ['a', 'b/1', 'a', 'b/2', 'c', 'c']) await put(key);
      await remove('c');
      const page = async (query: { after: string; version: string | null; limit: number; delimiter: string }) =>
        history().visible({ bucket: home.id, prefix: '', ...query });
      const name = (entry: Awaited<ReturnType<typeof page>>['entries'][number]): string =>
        entry.kind === 'prefix' ? entry.prefix : `${entry.info.key}${entry.info.deleteMarker ? ' gone' : ''}`;
      for (const [delimiter, wanted] of [
        ['', ['a', 'a', 'b/1', 'b/2', 'c gone', 'c', 'c']],
        ['/', ['a', 'a', 'b/', 'c gone', 'c', 'c']],
      ] as const) {
        for (const limit of [1, 2, 3, 100]) {
          const names: string[] = [];
          for (let next: { key: string; version: string | null } | null = { key: '', version: null }; next !== null; ) {
            const found: Awaited<ReturnType<typeof page>> = await page({
              after: next.key,
              version: next.version,
              limit,
              delimiter,
            });
            names.push(...found.entries.map(name));
            next = found.next;
          }
          expect(names, `${limit} a page, by "${delimiter}"`).to.deep.equal(wanted);
        }
      }
      await fresh('off');
      await put('a');
      await put('a');
      expect((await page({ after: '', version: null, limit: 9, delimiter: '' })).entries).to.have.length(1);
      expect(
        await codeOf(history().visible({ bucket: 2 ** 30, prefix: '', delimiter: '', after: '', version: null, limit: 9 })),
      ).to.equal('bucket_not_found');
    });

    it('has in the trash what is deleted and was not moved away, by level and all of it, by pages', async () => {
      await fresh();
      for (const key of ['live', 'x', 'd/1', 'd/2', 'd/e/3', 'gone/away']) await put(key);
      await rig.store.move({ who: home.who, from: at(home, 'gone/'), to: at(home, 'went/'), overwrite: false });
      for (const key of ['x', 'd/1', 'd/e/3']) await remove(key);
      expect(await trash('')).to.deep.equal(['d/', 'x']);
      expect(await trash('', { recursive: true })).to.deep.equal(['d/1', 'd/e/3', 'x']);
      expect(await trash('d/')).to.deep.equal(['d/1', 'd/e/']);
      const paged: string[] = [];
      for (let after: string | null = ''; after !== null; ) {
        const page = await history().trash({ bucket: home.id, prefix: '', recursive: true, after, limit: 1 });
        for (const entry of page.entries) if (entry.kind === 'file') paged.push(entry.info.key);
        after = page.next;
      }
      expect(paged).to.deep.equal(['d/1', 'd/e/3', 'x']);
      expect(await history().deleted(at(home, 'x'))).to.include({ key: 'x', size: 3 });
      for (const key of ['live', 'never', 'gone/away']) expect(await history().deleted(at(home, key)), key).to.equal(null);
      expect(await codeOf(history().trash({ bucket: 2 ** 30, prefix: '', after: '', limit: 1 }))).to.equal('bucket_not_found');
    });

    it('brings a version back as a new one, and loses none by it', async () => {
      await fresh();
      const [one, two] = [await put('a', 1), await put('a', 2)];
      const back: Restored = { kind: 'version', key: 'a', version: one.versionId };
      expect(await codeOf(restore(back))).to.equal('already_exists');
      expect(await restore(back, { conflict: 'replace', dryRun: true })).to.include({ restored: 1, replaced: 1 });
      expect(await current('a')).to.include({ versionId: two.versionId });
      expect(await restore(back, { conflict: 'replace' })).to.deep.equal({ ...NOTHING, restored: 1, replaced: 1, bytes: 1 });
      const now = await current('a');
      expect(now).to.include({ size: 1, etag: one.etag });
      expect(now?.versionId).to.not.equal(one.versionId);
      expect((await history().versions(at(home, 'a'), null, 9)).map(({ size }) => size)).to.deep.equal([1, 2, 1]);
      expect(await restore(back, { conflict: 'replace' })).to.deep.equal({ ...NOTHING, unchanged: 1 });
      expect(await restore(back, { to: 'elsewhere' })).to.include({ restored: 1 });
      expect(await current('elsewhere')).to.include({ size: 1 });
      for (const version of [randomBytes(16).toString('hex')])
        expect(await codeOf(restore({ kind: 'version', key: 'a', version }))).to.equal('version_not_found');
    });

    it('brings back what is deleted, and does what is asked where another file is now', async () => {
      await fresh();
      const again = async (): Promise<void> => {
        for (const key of ['d/1', 'd/2']) await put(key, 5);
        for (const key of ['d/1', 'd/2']) await remove(key);
        await put('d/1', 1);
      };
      await again();
      expect(await codeOf(restore(deletedAt('d/1')))).to.equal('not_found');
      // What is there now is not deleted: only the other comes back.
      expect(await restore(deletedAt('d/'))).to.include({ restored: 1, bytes: 5 });
      expect(await keys()).to.deep.equal(['d/1', 'd/2']);
      await put('to/2', 9);
      await remove('d/2');
      const elsewhere = deletedAt('d/');
      expect(await codeOf(restore(elsewhere, { to: 'to/' }))).to.equal('already_exists');
      expect(await restore(elsewhere, { to: 'to/', conflict: 'skip' })).to.deep.equal({ ...NOTHING, skipped: 1 });
      expect(await restore(elsewhere, { to: 'to/', conflict: 'rename' })).to.include({ restored: 1, renamed: 1 });
      expect((await keys()).filter((key) => key.startsWith('to/'))).to.have.length(2);
      expect(await current('to/2')).to.include({ size: 9 });
      expect(await restore(elsewhere, { to: 'to/', conflict: 'replace' })).to.include({ restored: 1, replaced: 1 });
      expect(await current('to/2')).to.include({ size: 5 });
    });

    it('takes of the deleted what went between two times', async () => {
      await fresh();
      for (const key of ['1', '2', '3']) await put(key);
      await remove('1');
      const since = rig.clock.now() + 1;
      await remove('2');
      const until = rig.clock.now();
      await remove('3');
      expect(await restore(deletedAt('', { since, until }))).to.include({ restored: 1 });
      expect(await keys()).to.deep.equal(['2']);
    });

    it('goes window by window, and does nothing twice that was done', async () => {
      for (const versioning of ['off', 'enabled'] as const) {
        await fresh(versioning);
        const names = Array.from({ length: 7 }, (_, n) => `k${n}`);
        for (const key of names) await put(key);
        for (const key of names) await remove(key);
        const counts = [];
        for (let after: string | null = ''; after !== null; ) {
          const window = { after, names: 3 };
          const { next, restored } = await restore(deletedAt(''), { conflict: 'skip' }, window);
          // As after a kill that lost the place.
          expect(await restore(deletedAt(''), { conflict: 'skip' }, window)).to.include({ replaced: 0, removed: 0 });
          counts.push(restored);
          after = next;
        }
        expect(counts[0]).to.equal(3);
        expect(await keys()).to.deep.equal(names);
      }
    });

    it('goes back to a time: what was there, and with `remove` nothing else', async () => {
      await fresh();
      await put('kept', 1);
      await put('changed', 1);
      await put('deleted', 1);
      const then = rig.clock.now() + 1;
      await put('changed', 2);
      await remove('deleted');
      await put('added', 1);
      const asOf = (added: 'keep' | 'remove'): Restored => ({ kind: 'asOf', prefix: '', at: then, added });
      expect(await restore(asOf('remove'), { conflict: 'replace', dryRun: true })).to.include({ restored: 2, removed: 1 });
      expect(await keys()).to.deep.equal(['added', 'changed', 'kept']);
      expect(await restore(asOf('keep'), { conflict: 'replace' })).to.include({
        restored: 2,
        replaced: 1,
        removed: 0,
        unchanged: 1,
      });
      expect(await keys()).to.deep.equal(['added', 'changed', 'deleted', 'kept']);
      expect(await current('changed')).to.include({ size: 1 });
      expect(await restore(asOf('remove'), { conflict: 'replace' })).to.include({ restored: 0, removed: 1 });
      expect(await keys()).to.deep.equal(['changed', 'deleted', 'kept']);
    });

    it('holds quotas and locks, and then does nothing', async () => {
      await fresh();
      await put('d/a', 60);
      await put('d/b', 60);
      for (const key of ['d/a', 'd/b']) await remove(key);
      await rig.gateways[0]!.buckets.update(home.id, { quota: { objects: null, bytes: 100 } });
      expect(await codeOf(restore(deletedAt('d/')))).to.equal('quota_exceeded');
      expect(await keys()).to.deep.equal([]);
      await rig.gateways[0]!.buckets.update(home.id, { quota: { objects: 1, bytes: null } });
      expect(await codeOf(restore(deletedAt('d/')))).to.equal('quota_exceeded');
      await rig.gateways[0]!.buckets.update(home.id, { quota: { objects: null, bytes: null } });
      const locked = { at: at(home, 'd/b'), principal: home.owner, exclusive: true, infinite: false, ownerXml: null };
      const { token } = await rig.gateways[0]!.locks.acquire({ ...locked, timeoutMs: 60_000 });
      expect(await codeOf(restore(deletedAt('d/')))).to.equal('locked');
      expect(await keys()).to.deep.equal([]);
      expect(await restore(deletedAt('d/'), { lockTokens: [token] })).to.include({ restored: 2 });
      expect(
        await codeOf(history().restore({ who: home.who, bucket: 2 ** 30, what: deletedAt(''), conflict: 'fail' }, ALL)),
      ).to.equal('bucket_not_found');
    });

    it('purges a version, the deleted, the history, and nothing that is there', async () => {
      await fresh();
      const [one, two] = [await put('a', 1), await put('a', 2)];
      const other = await put('b', 4);
      await remove('b');
      const version = (key: string, id: string) => ({ kind: 'version' as const, key, version: id });
      expect(await codeOf(purge(version('a', two.versionId)))).to.equal('conflict');
      expect(await codeOf(purge(version('b', one.versionId)))).to.equal('version_not_found');
      expect(await purge(version('a', one.versionId))).to.deep.equal({ versions: 1, bytes: 1, held: 0, next: null });
      await put('a', 3);
      await put('c', 1);
      expect(await purge({ kind: 'history', key: '' })).to.deep.equal({ versions: 1, bytes: 2, held: 0, next: null });
      expect(await trash('')).to.deep.equal(['b']);
      expect(await purge({ kind: 'deleted', key: '', until: rig.clock.now() - 1_000_000 })).to.include({ versions: 0 });
      expect(await purge({ kind: 'deleted', key: '' })).to.deep.equal({ versions: 1, bytes: 4, held: 0, next: null });
      expect(await codeOf(restore({ kind: 'version', key: 'b', version: other.versionId }))).to.equal('version_not_found');
      expect(await keys()).to.deep.equal(['a', 'c']);
      expect(await codeOf(history().purge({ bucket: 2 ** 30, what: { kind: 'history', key: '' } }, ALL))).to.equal(
        'bucket_not_found',
      );
    });

    it('purges by windows, leaves what is held, and counts it', async () => {
      await fresh('enabled', { objectLock: true });
      const held = await put('k2', 3, { lock: { legalHold: true } });
      for (const key of ['k0', 'k1', 'k3', 'k4']) await put(key);
      for (const key of ['k0', 'k1', 'k2', 'k3', 'k4']) await remove(key);
      const sum = { versions: 0, held: 0, windows: 0 };
      for (let after: string | null = ''; after !== null; sum.windows++) {
        const { versions, held: left, next } = await purge({ kind: 'deleted', key: '' }, { after, names: 2 });
        sum.versions += versions;
        sum.held += left;
        after = next;
      }
      expect(sum.versions).to.equal(4);
      expect(sum.held).to.equal(1);
      expect(sum.windows).to.be.at.least(3);
      expect(await codeOf(purge({ kind: 'version', key: 'k2', version: held.versionId }))).to.equal('object_locked');
      expect(await history().deleted(at(home, 'k2'))).to.include({ versionId: held.versionId });
    });

    it('knows whether there is more than a window', async () => {
      await fresh();
      for (const key of ['d/1', 'd/2', 'd/3']) await put(key);
      await put('d/1');
      const exceeds = (what: Restored | PurgeIntent['what'], names: number) =>
        history().exceeds({ bucket: home.id, what }, names);
      const asOf: Restored = { kind: 'asOf', prefix: 'd/', at: 0, added: 'keep' };
      expect([await exceeds(asOf, 2), await exceeds(asOf, 4)]).to.deep.equal([true, false]);
      expect(await exceeds(deletedAt('d/'), 1)).to.equal(false);
      expect(await exceeds(deletedAt('d/1'), 1)).to.equal(false);
      expect(await exceeds({ kind: 'history', key: 'd/' }, 2)).to.equal(true);
      for (const key of ['d/1', 'd/2']) await remove(key);
      expect([await exceeds(deletedAt('d/'), 1), await exceeds(deletedAt('d/'), 3)]).to.deep.equal([true, false]);
    });
  });
}
