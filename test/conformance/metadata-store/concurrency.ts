import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { address as at, type MetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

type Home = Bucket & { who: Who };

/** Many at once, through every gateway: as if one after the other. */
export function describeConcurrency(rigOf: () => MetadataRig): void {
  describe('at once', () => {
    let rig: MetadataRig;
    let home: Home;
    beforeEach(async () => {
      rig = rigOf();
      home = await rig.bucket();
    });
    const put = (key: string, more = {}, bucket = home) => rig.store.commit(putIntent(bucket, key, more));
    const times = <T>(count: number, work: (n: number) => Promise<T>) =>
      Promise.all(Array.from({ length: count }, (_, n) => work(n)));

    async function expectDense(bucket: Home): Promise<Awaited<ReturnType<(typeof rig.gateways)[0]['journal']['since']>>> {
      const { journal } = rig.gateways.at(-1)!;
      const head = await journal.head(bucket.id);
      const events = await journal.since(bucket.id, { ...head, seq: 0 }, 10_000);
      expect(events.map(({ cursor }) => cursor)).to.deep.equal(events.map((_, n) => ({ epoch: head.epoch, seq: n + 1 })));
      expect(head.seq).to.equal(events.length);
      return events;
    }

    it('lets exactly one of many win If-None-Match: *', async () => {
      for (let round = 0; round < 5; round++) {
        const conditions = { ifNoneMatch: '*' as const };
        const codes = await times(12, () => codeOf(put(`new-${round}`, { conditions })));
        expect(codes.filter((code) => code === 'none').length).to.equal(1);
        expect(codes.filter((code) => code === 'precondition_failed').length).to.equal(11);
      }
    });

    it('lets exactly one of many win If-Match, round after round', async () => {
      let { etag } = (await put('swapped')).info;
      for (let round = 0; round < 5; round++) {
        const intents = Array.from({ length: 8 }, () => putIntent(home, 'swapped', { conditions: { ifMatch: [etag] } }));
        const codes = await times(8, (n) => codeOf(rig.store.commit(intents[n]!)));
        const winners = intents.filter((_, n) => codes[n] === 'none');
        expect(winners.length).to.equal(1);
        etag = winners[0]!.etag;
        expect((await rig.store.current(at(home, 'swapped')))?.etag).to.equal(etag);
      }
    });

    it('numbers every commit in its bucket, densely and in order, and tells the seq', async () => {
      const other = await rig.bucket();
      const verdicts = await times(60, (n) => put(`k${n % 7}`, {}, n % 3 === 0 ? other : home));
      const events = await expectDense(home);
      await expectDense(other);
      for (const { info, seq } of verdicts.filter(({ info }) => info.bucket === home.id)) {
        expect(events[seq - 1]).to.include({
          kind: 'put',
          key: info.key,
          versionId: info.versionId,
          size: info.size,
          etag: info.etag,
          principal: home.owner,
          protocol: 'rest',
          requestId: home.who.requestId,
        });
      }
      for (const key of ['k1', 'k2', 'k4']) {
        const last = events.findLast((event) => event.key === key);
        expect((await rig.store.current(at(home, key)))?.versionId).to.equal(last?.versionId);
      }
    });

    it('counts right whatever came in between', async () => {
      const removal = { kind: 'remove' as const, who: home.who, bucket: home.id };
      await times(120, async (n) => {
        const key = `d${n % 3}/k${n % 10}`;
        if (n % 4 === 0) await rig.store.commit({ ...removal, key, versionId: randomBytes(16).toString('hex') });
        else if (n % 13 === 0) await rig.store.removeTree({ who: home.who, bucket: home.id, key: `d${n % 3}/` });
        else await put(key, { size: n });
      });
      const page = await rig.store.list({ bucket: home.id, prefix: '', delimiter: '', after: '', limit: 1000 });
      const sizes = page.entries.map((entry) => (entry.kind === 'object' ? entry.info.size : 0));
      const usage = await rig.gateways.at(-1)!.buckets.usage(home.id);
      expect(usage).to.deep.equal({ objects: sizes.length, bytes: sizes.reduce((a, b) => a + b, 0) });
      const kept = await rig.database.sql('SELECT bytes FROM usage WHERE principal = $1', [home.owner]);
      expect(Number(kept[0]?.[0])).to.equal(usage.bytes);
      const folders = await rig.store.list({
        bucket: home.id,
        prefix: '',
        delimiter: '/',
        after: '',
        limit: 10,
        directories: true,
      });
      for (const entry of folders.entries) if (entry.kind === 'prefix') expect(entry.directory).to.not.equal(null);
      await expectDense(home);
    });

    it('never lets the quota be passed together, by puts or copies, in any bucket', async () => {
      const owner = await rig.user();
      const buckets = [await rig.bucket({ owner }), await rig.bucket({ owner })] as const;
      for (const bucket of buckets) await put('source', { size: 10 }, bucket);
      await rig.gateways[0]!.principals.update(owner.principal.id, { quotaBytes: 120 });
      const codes = await times(20, (n) => codeOf(put(`k${n}`, { size: 10 }, buckets[n % 2])));
      expect(codes.filter((code) => code === 'none').length).to.equal(10);
      expect(codes.filter((code) => code === 'quota_exceeded').length).to.equal(10);
      await rig.gateways[0]!.principals.update(owner.principal.id, { quotaBytes: 220 });
      const folders = await times(16, (n) => {
        const bucket = buckets[n % 2]!;
        return codeOf(
          rig.store.copy({ who: owner.who, from: at(bucket, 'source'), to: at(bucket, `copy-${n}`), overwrite: false }),
        );
      });
      const used = await rig.database.sql('SELECT bytes FROM usage WHERE principal = $1', [owner.principal.id]);
      expect(Number(used[0]?.[0])).to.equal(220);
      expect(folders.filter((code) => code === 'none').length).to.equal(10);
    });

    it('moves a folder under writers: each file is in one place or the other', async () => {
      await times(30, (n) => put(`from/${n}`));
      const [moved] = await Promise.all([
        rig.store.move({ who: home.who, from: at(home, 'from/'), to: at(home, 'to/'), overwrite: false }),
        ...Array.from({ length: 30 }, (_, n) => put(`from/${n}`, { size: 100 + n })),
      ]);
      expect(moved.count).to.be.within(30, 60);
      const page = await rig.store.list({ bucket: home.id, prefix: '', delimiter: '', after: '', limit: 1000 });
      const to = page.entries.filter((entry) => entry.kind === 'object' && entry.info.key.startsWith('to/'));
      expect(to.length).to.equal(30);
      const usage = await rig.gateways[0]!.buckets.usage(home.id);
      expect(usage.objects).to.equal(page.entries.length);
      await expectDense(home);
    });

    it('completes an upload once; a repetition gives the first verdict', async () => {
      const { uploads } = rig.gateways[0]!;
      const upload = await uploads.create({ bucket: home.id, key: 'big', principal: home.owner, attributes: {} });
      const verdicts = await times(4, () => put('big', { completesUpload: upload.id }));
      expect(new Set(verdicts.map(({ info }) => info.versionId)).size).to.equal(1);
      expect((await uploads.find(home.id, 'big', upload.id))?.completedVersion).to.equal(verdicts[0]!.info.versionId);
      await put('big');
      const again = await put('big', { completesUpload: upload.id });
      expect(again.info.versionId).to.equal(verdicts[0]!.info.versionId);
      expect(again.created).to.equal(false);
      expect(await codeOf(put('other', { completesUpload: upload.id }))).to.equal('upload_not_found');
      expect(await codeOf(put('big', { completesUpload: 'f'.repeat(32) }))).to.equal('upload_not_found');
      await expectDense(home);
    });

    it('completes an upload or gives it up, never both', async () => {
      for (let round = 0; round < 40; round++) {
        const key = `either-${round}`;
        const { uploads } = rig.gateways[round % rig.gateways.length]!;
        const upload = await uploads.create({ bucket: home.id, key, principal: home.owner, attributes: {} });
        const completion = codeOf(put(key, { completesUpload: upload.id }));
        for (let turn = 0; turn < round % 8; turn++) await setImmediate();
        const codes = [await codeOf(uploads.abort(home.id, key, upload.id)), await completion];
        expect([...codes].sort()).to.deep.equal(['none', 'upload_not_found']);
        expect((await rig.store.current(at(home, key))) !== null).to.equal(codes[1] === 'none');
      }
      await expectDense(home);
    });

    it('records the chunks and leaves of a put along with it, and nothing of one that is refused', async () => {
      const record = (name: string) => ({
        id: Buffer.alloc(32, name),
        size: 5,
        store: 0,
        pack: 'ab'.repeat(16),
        offset: 80,
        length: 117,
      });
      const leaf = { id: Buffer.alloc(32, 'leaf'), size: 5, entries: Buffer.concat([record('one').id, Buffer.alloc(4)]) };
      await put('named', { chunks: [record('one')], leaves: [leaf] });
      const { chunks } = rig.gateways.at(-1)!;
      expect(await chunks.claim(home.domain, [record('one').id])).to.deep.include.members([
        { store: 0, pack: 'ab'.repeat(16), offset: 80, length: 117 },
      ]);
      expect(await chunks.leaves(home.domain, [leaf.id])).to.deep.equal([leaf.entries]);
      await codeOf(put('named', { chunks: [record('two')], conditions: { ifNoneMatch: '*' } }));
      expect(await chunks.claim(home.domain, [record('two').id])).to.deep.equal([null]);
    });
  });
}
