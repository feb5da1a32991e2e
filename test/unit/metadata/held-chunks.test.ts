import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { ChunkRecord } from '#contracts/content';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { address, type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

for (const kind of ['one gateway', 'two gateways'] as const) {
  describe(`chunks that files of one chunk are committed with: ${kind}`, () => {
    let rig: MetadataRig;
    let home: Bucket & { who: Who };
    before(async () => {
      rig = await openMetadataRig(kind);
      home = await rig.bucket();
    });
    after(() => rig?.close());

    const pack = randomBytes(16).toString('hex');
    const chunk = (id = randomBytes(32)): ChunkRecord => ({ id, size: 2000, store: 1, pack, offset: 0, length: 2100 });
    const put = (key: string, { id, size }: ChunkRecord, chunks: ChunkRecord[]) =>
      rig.store.commit({
        ...putIntent(home, key, { chunks }),
        content: { kind: 'chunk' as const, domain: home.domain, size, id },
      });
    async function rowOf({ id }: ChunkRecord): Promise<unknown[] | undefined> {
      const text = `SELECT size, store, encode(pack, 'hex'), pack_offset::float8, length, condemned_ms FROM chunks WHERE domain = $1 AND id = $2`;
      return (await rig.database.sql(text, [home.domain, id]))[0];
    }
    const condemn = ({ id }: ChunkRecord) =>
      rig.database.sql('UPDATE chunks SET condemned_ms = 1 WHERE domain = $1 AND id = $2', [home.domain, id]);

    it('are written down as they lie', async () => {
      const one = { ...chunk(), offset: 2 ** 40 + 5 };
      await put('a', one, [one]);
      expect(await rowOf(one)).to.deep.equal([one.size, one.store, pack, one.offset, one.length, null]);
      const [[live] = []] = await rig.database.sql(`SELECT live_chunks::int FROM packs WHERE id = decode($1, 'hex')`, [pack]);
      expect(live).to.equal(1);
    });

    it('come once where two files of one batch bring them', async () => {
      const one = chunk();
      await Promise.all([put('twice/1', one, [one]), put('twice/2', { ...one }, [{ ...one, offset: 5000 }])]);
      expect(await rowOf(one)).to.have.length(6);
    });

    it('are taken back where they were condemned since they were claimed', async () => {
      const one = chunk();
      await put('first', one, [one]);
      await condemn(one);
      await put('second', one, []);
      expect((await rowOf(one))?.[5], 'condemned').to.equal(null);
    });

    it('are taken back, with their new place, where they were stored anew', async () => {
      const one = chunk();
      await put('third', one, [one]);
      await condemn(one);
      await put('fourth', one, [{ ...one, offset: 9000 }]);
      expect(await rowOf(one)).to.deep.equal([one.size, one.store, pack, 9000, one.length, null]);
    });

    it('do not come to lie in a pack that was removed, nor does their file come', async () => {
      const first = { ...chunk(), pack: randomBytes(16).toString('hex') };
      await put('fifth', first, [first]);
      await rig.database.sql(`UPDATE packs SET state = 'removed' WHERE id = decode($1, 'hex')`, [first.pack]);
      const late = { ...chunk(), pack: first.pack };
      expect(await codeOf(put('late', late, [late, { ...chunk(), pack }]))).to.equal('unavailable');
      expect([await rowOf(late), await rig.store.current(address(home, 'late'))]).to.deep.equal([undefined, null]);
    });

    it('that were collected since refuse the commit, and nothing of it happens', async () => {
      const one = chunk();
      const head = () =>
        rig.database.sql('SELECT revision, seq, objects, bytes FROM bucket_heads WHERE bucket_id = $1', [home.id]);
      const before = await head();
      expect(await codeOf(put('gone', one, []))).to.equal('unavailable');
      expect(await rig.store.current(address(home, 'gone'))).to.equal(null);
      expect(await head()).to.deep.equal(before);
    });
  });
}
