import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Bucket, Versioning } from '#core/bucket';
import type { Who } from '#core/principal';
import { address as at, type MetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

type Home = Bucket & { who: Who };

/** Moves, copies and removals of objects and whole folders. */
export function describeTrees(rigOf: () => MetadataRig): void {
  for (const versioning of ['off', 'enabled'] as const satisfies Versioning[]) {
    describe(`trees, versioning ${versioning}`, () => {
      let rig: MetadataRig;
      let home: Home;
      beforeEach(async () => {
        rig = rigOf();
        home = await rig.bucket({ versioning });
      });
      const put = async (key: string, more = {}, bucket = home) => (await rig.store.commit(putIntent(bucket, key, more))).info;
      const intent = (from: string, to: string, more = {}) => ({
        who: home.who,
        from: at(home, from),
        to: at(home, to),
        overwrite: false,
        ...more,
      });
      const move = (from: string, to: string, more = {}) => rig.store.move(intent(from, to, more));
      const copy = (from: string, to: string, more = {}) => rig.store.copy(intent(from, to, more));
      const removeTree = (key: string, more = {}) => rig.store.removeTree({ who: home.who, bucket: home.id, key, ...more });
      const keysIn = async (bucket: Home = home) => {
        const page = await rig.store.list({ bucket: bucket.id, prefix: '', delimiter: '', after: '', limit: 1000 });
        return page.entries.map((entry) => (entry.kind === 'object' ? entry.info.key : '?'));
      };
      const events = async (bucket: Home = home) => {
        const { journal } = rig.gateways[0]!;
        const all = await journal.since(bucket.id, { epoch: 1, seq: 0 }, 1000);
        expect(all.map(({ cursor }) => cursor.seq)).to.deep.equal(all.map((_, n) => n + 1));
        return all;
      };
      const usage = (bucket: Home = home) => rig.gateways[0]!.buckets.usage(bucket.id);
      const lock = (key: string, more = {}) =>
        rig.gateways[0]!.locks.acquire({
          at: at(home, key),
          principal: home.owner,
          exclusive: true,
          infinite: true,
          ownerXml: null,
          timeoutMs: 60_000,
          ...more,
        });

      it('moves an object: the same file elsewhere', async () => {
        const before = await put('a/x', { mtime: 7, attributes: { contentType: 'x/y' }, properties: { 'urn:x p': '1' } });
        rig.clock.advance(1000);
        const moved = await move('a/x', 'b/y');
        expect(moved).to.include({ created: true, count: 1 });
        const after = await rig.store.current(at(home, 'b/y'));
        expect(moved.entry).to.deep.include({ kind: 'object', key: 'b/y' });
        for (const same of ['nodeId', 'size', 'etag', 'mtime', 'created', 'attributes', 'content', 'properties'] as const) {
          expect(after?.[same], same).to.deep.equal(before[same]);
        }
        expect(await keysIn()).to.deep.equal(['b/y']);
        expect([await rig.store.directory(at(home, 'a/')), (await rig.store.directory(at(home, 'b/')))?.key]).to.deep.equal([
          null,
          'b/',
        ]);
        expect((await events()).at(-1)).to.include({ kind: 'move', key: 'b/y', fromKey: 'a/x', fromBucket: home.id });
      });

      it('copies an object: another file with the same content', async () => {
        const before = await put('a', { properties: { 'urn:x p': '1' } });
        const copied = await copy('a', 'b', { properties: true });
        expect(copied).to.include({ created: true, count: 1 });
        const after = await rig.store.current(at(home, 'b'));
        expect(after).to.deep.include({ etag: before.etag, content: before.content, properties: before.properties });
        expect(after?.nodeId).to.not.equal(before.nodeId);
        await copy('a', 'bare');
        expect((await rig.store.current(at(home, 'bare')))?.properties).to.equal(null);
        expect(await keysIn()).to.deep.equal(['a', 'b', 'bare']);
        expect(await usage()).to.deep.equal({ objects: 3, bytes: 9 });
      });

      it('moves a folder with all below, in one commit with one row', async () => {
        for (const key of ['a/', 'a/x', 'a/sub/y', 'a/sub/deep/z', 'ab', 'a']) await put(key);
        await rig.store.commit({
          kind: 'annotate',
          who: home.who,
          bucket: home.id,
          key: 'a/sub/',
          properties: { 'urn:x p': '1' },
        });
        const [sub, seq] = [await rig.store.directory(at(home, 'a/sub/')), (await events()).length];
        const moved = await move('a/', 'to/b/');
        expect(moved).to.include({ created: true, count: 4 });
        expect(moved.entry).to.include({ kind: 'directory', key: 'to/b/', explicit: true });
        expect(await keysIn()).to.deep.equal(['a', 'ab', 'to/b/', 'to/b/sub/deep/z', 'to/b/sub/y', 'to/b/x']);
        expect((await events()).slice(seq).map(({ kind, key, fromKey }) => [kind, key, fromKey])).to.deep.equal([
          ['move', 'to/b/', 'a/'],
        ]);
        const there = await rig.store.directory(at(home, 'to/b/sub/'));
        expect([there?.directoryId, there?.properties]).to.deep.equal([sub?.directoryId, { 'urn:x p': '1' }]);
        expect(await rig.store.directory(at(home, 'a/'))).to.equal(null);
        expect(await usage()).to.deep.equal({ objects: 6, bytes: 18 });
      });

      it('copies a folder with all below, or alone', async () => {
        for (const key of ['a/x', 'a/sub/y']) await put(key, { properties: { 'urn:x p': key } });
        expect(await copy('a/', 'b/', { properties: true })).to.include({ created: true, count: 2 });
        expect(await keysIn()).to.deep.equal(['a/sub/y', 'a/x', 'b/sub/y', 'b/x']);
        expect((await rig.store.current(at(home, 'b/sub/y')))?.properties).to.deep.equal({ 'urn:x p': 'a/sub/y' });
        expect(await copy('a/', 'alone/', { depth0: true })).to.include({ created: true });
        expect(await rig.store.directory(at(home, 'alone/'))).to.include({ explicit: true });
        expect((await keysIn()).filter((key) => key.startsWith('alone'))).to.deep.equal(['alone/']);
      });

      it('tells the journal of the folder that another one took the place of', async () => {
        for (const key of ['a/x', 'b/y', 'c/z']) await put(key);
        const seq = (await events()).length;
        await move('a/', 'b/', { overwrite: true });
        await copy('c/', 'b/', { overwrite: true });
        expect((await events()).slice(seq).map(({ kind, key }) => [kind, key])).to.deep.equal([
          ['removeTree', 'b/'],
          ['move', 'b/'],
          ['removeTree', 'b/'],
          ['copy', 'b/'],
        ]);
      });

      it('removes a folder with all below, in one commit with one row', async () => {
        for (const key of ['a/', 'a/x', 'a/sub/y', 'a', 'a0', 'p/q/r']) await put(key);
        const seq = (await events()).length;
        expect(await removeTree('a/')).to.deep.equal({ removed: 3 });
        expect(await keysIn()).to.deep.equal(['a', 'a0', 'p/q/r']);
        expect((await events()).slice(seq).map(({ kind, key }) => [kind, key])).to.deep.equal([['removeTree', 'a/']]);
        expect(await removeTree('a/')).to.deep.equal({ removed: 0 });
        expect((await events()).length).to.equal(seq + 1);
        await removeTree('p/q/', { keepParent: true });
        expect(await rig.store.directory(at(home, 'p/'))).to.include({ explicit: true });
        expect(await removeTree('')).to.include({ removed: 3 });
        expect([await keysIn(), (await usage()).objects]).to.deep.equal([[], 0]);
        expect(await rig.store.directory(at(home, ''))).to.include({ key: '' });
      });

      it('overwrites only when told, and then what is there is gone', async () => {
        for (const key of ['a/x', 'a/same', 'b/same', 'b/old', 'b/sub/old', 'f', 'g']) await put(key);
        const kept = await rig.store.current(at(home, 'b/same'));
        expect(await codeOf(move('a/', 'b/'))).to.equal('already_exists');
        expect(await codeOf(copy('f', 'g'))).to.equal('already_exists');
        expect(await copy('a/', 'b/', { overwrite: true })).to.include({ created: false, count: 2 });
        expect(await keysIn()).to.deep.equal(['a/same', 'a/x', 'b/same', 'b/x', 'f', 'g']);
        expect((await rig.store.current(at(home, 'b/same')))?.nodeId).to.equal(kept?.nodeId);
        expect(await rig.store.directory(at(home, 'b/sub/'))).to.equal(null);
        expect(await move('a/', 'b/', { overwrite: true })).to.include({ created: false, count: 2 });
        await move('f', 'g', { overwrite: true });
        expect(await keysIn()).to.deep.equal(['b/same', 'b/x', 'g']);
        expect(await usage()).to.deep.equal({ objects: 3, bytes: 9 });
      });

      it('goes to another bucket of the domain, told in both journals', async () => {
        const owner = { principal: home.who.principal!, domain: home.domain, who: home.who };
        const other = await rig.bucket({ owner });
        await put('a/x', { size: 10 });
        await put('a/y', { size: 20 });
        const across = { ...intent('a/', ''), to: at(other, 'b/') };
        expect(await rig.store.copy(across)).to.include({ created: true, count: 2 });
        expect(await rig.store.move({ ...across, to: at(other, 'c/') })).to.include({ created: true, count: 2 });
        expect([await keysIn(), await keysIn(other)]).to.deep.equal([[], ['b/x', 'b/y', 'c/x', 'c/y']]);
        expect([await usage(), await usage(other)]).to.deep.equal([
          { objects: 0, bytes: 0 },
          { objects: 4, bytes: 60 },
        ]);
        expect((await events(other)).at(-1)).to.include({ kind: 'move', key: 'c/', fromKey: 'a/', fromBucket: home.id });
        expect((await events()).at(-1)).to.include({ kind: 'removeTree', key: 'a/' });
      });

      it('keeps history: moved with the file, or left behind where S3 sees it', async () => {
        const [one] = [await put('a', { size: 1 }), await put('a', { size: 2 })];
        await move('a', 'b');
        const there = await rig.store.version(at(home, 'b'), one!.versionId, { hidden: true });
        const here = await rig.store.version(at(home, 'a'), one!.versionId, { hidden: true });
        expect([there?.size ?? null, here?.size ?? null]).to.deep.equal(versioning === 'off' ? [1, null] : [null, 1]);
        expect(await rig.store.current(at(home, 'a'))).to.equal(null);
        expect(await rig.store.current(at(home, 'b'))).to.include({ size: 2, isLatest: true });
      });

      it('refuses: nothing there, one within the other, parents missing, keys too long, conditions', async () => {
        await put('a/x');
        expect(await codeOf(move('none', 'b'))).to.equal('not_found');
        expect(await codeOf(copy('none/', 'b/'))).to.equal('not_found');
        expect(await codeOf(move('a/', 'a/b/'))).to.equal('invalid_argument');
        expect(await codeOf(copy('a/', 'a/'))).to.equal('invalid_argument');
        expect(await codeOf(move('a/x', 'a/x'))).to.equal('invalid_argument');
        expect(await codeOf(move('', 'b/'))).to.equal('invalid_argument');
        expect(await codeOf(move('a/', '', { overwrite: true }))).to.equal('invalid_argument');
        expect(await codeOf(copy('a/', '', { overwrite: true }))).to.equal('invalid_argument');
        expect(await codeOf(move('a/x', 'a', { overwrite: true, requireParent: true }))).to.equal('invalid_argument');
        expect(await codeOf(move('a/x', 'no/b', { requireParent: true }))).to.equal('parent_missing');
        expect(await codeOf(copy('a/', `${'long/'.repeat(210)}`))).to.equal('invalid_key');
        expect(await codeOf(move('a/x', 'b', { conditions: { ifMatch: ['other'] } }))).to.equal('precondition_failed');
        expect(await codeOf(move('a/', 'b/', { to: { bucket: 999_999, key: 'b/' } }))).to.equal('bucket_not_found');
        expect(await codeOf(removeTree('a/', { conditions: { ifNoneMatch: '*' } }))).to.equal('precondition_failed');
        expect(await keysIn()).to.deep.equal(['a/x']);
      });

      it('keeps the source’s parent with keepParent', async () => {
        await put('p/a/x');
        await put('p/b');
        await move('p/a/', 'q/', { keepParent: true });
        expect(await rig.store.directory(at(home, 'p/'))).to.include({ explicit: false });
        await move('p/b', 'b', { keepParent: true });
        expect(await rig.store.directory(at(home, 'p/'))).to.include({ explicit: true });
      });

      it('is stopped by any lock below, takes the tokens, and leaves no lock behind what went', async () => {
        for (const key of ['a/x', 'a/sub/y', 'b/z']) await put(key);
        const deep = await lock('a/sub/y', { infinite: false });
        expect(await codeOf(move('a/', 'c/'))).to.equal('locked');
        expect(await codeOf(removeTree('a/'))).to.equal('locked');
        expect(await codeOf(copy('b/', 'a/', { overwrite: true }))).to.equal('locked');
        expect(await codeOf(copy('a/', 'c/'))).to.equal('none');
        await move('a/', 'd/', { lockTokens: [deep.token] });
        const { locks } = rig.gateways[0]!;
        expect(await locks.covering(home.id, [''], true)).to.deep.equal([]);
        const target = await lock('e');
        expect(await codeOf(move('d/', 'e/'))).to.equal('locked');
        expect(await codeOf(copy('d/', 'e/in/'))).to.equal('locked');
        await copy('d/', 'e/in/', { lockTokens: [target.token] });
        expect((await locks.covering(home.id, ['e/in/x'])).length).to.equal(1);
      });

      it('is called off by whoever asked for it, also in mid-statement, and leaves nothing', async () => {
        await put('a/1');
        await removeTree('a/', { signal: new AbortController().signal });
        await put('a/1');
        const before = (await events()).length;
        const sleep = 'SELECT pg_sleep(60) FROM (SELECT 1 FROM bucket_heads WHERE bucket_id = $1 FOR UPDATE) x';
        const pids = (what: string): Promise<unknown[][]> =>
          rig.database.sql(
            `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${what}`,
          );
        const found = async (what: string, count: number): Promise<unknown[][]> => {
          for (;;) {
            const rows = await pids(what);
            if (rows.length === count) return rows;
          }
        };
        const held = rig.database.sql(sleep, [home.id]).catch(() => undefined);
        await found("wait_event = 'PgSleep'", 1);
        for (const work of [
          (signal: AbortSignal) => copy('a/', 'b/', { signal }),
          (signal: AbortSignal) => move('a/', 'b/', { signal }),
          (signal: AbortSignal) => removeTree('a/', { signal }),
        ]) {
          const stop = new AbortController();
          const refused = codeOf(work(stop.signal));
          await found("wait_event_type = 'Lock'", 1);
          stop.abort();
          expect(await refused).to.equal('aborted');
          expect(await pids("wait_event_type = 'Lock'"), 'the statement ended with it').to.deep.equal([]);
          expect(await codeOf(work(AbortSignal.abort()))).to.equal('aborted');
        }
        const [[sleeper] = []] = await pids("wait_event = 'PgSleep'");
        await rig.database.sql('SELECT pg_cancel_backend($1)', [sleeper]);
        await held;
        expect(await keysIn()).to.deep.equal(['a/1']);
        expect((await events()).length).to.equal(before);
        expect((await copy('a/', 'b/', { signal: new AbortController().signal })).count).to.equal(1);
      });

      it('holds the quota, and takes none for a move', async () => {
        await put('a/x', { size: 60 });
        await rig.gateways[0]!.principals.update(home.owner, { quotaBytes: 100 });
        expect(await codeOf(copy('a/', 'b/'))).to.equal('quota_exceeded');
        expect(await codeOf(copy('a/x', 'y'))).to.equal('quota_exceeded');
        expect(await keysIn()).to.deep.equal(['a/x']);
        await move('a/', 'b/');
        await put('small', { size: 40 });
        await removeTree('b/');
        await put('again', { size: 60, versionId: randomBytes(16).toString('hex') });
      });
    });
  }
}
