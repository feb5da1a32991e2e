import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Versioning } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import { restoreDump } from '#metadata/dump/restore';
import { freshDatabase, quiet } from '../../support/database.ts';
import { contentsOf, dumpChain } from '../../support/dump-chain.ts';
import { type Account, type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { type Dice, diceOf, SEED } from '../../support/random.ts';

const ROUNDS = process.env.CLOUDSTORE_TEST_LONG === '1' ? 40 : 2;

/**
 * Whatever was done to a database, by every way that rows change, a base and the dumps of changes behind it restore to the same rows. What a dump of
 * changes forgets stays forgotten, so one missed trigger is found.
 */
describe('dumps of a database that is worked on', function () {
  this.timeout(600_000);

  for (let round = 0; round < ROUNDS; round++) {
    it(`restore to the same rows (seed ${SEED}, round ${round})`, async () => {
      const rig = await openMetadataRig('one gateway');
      try {
        const dice = diceOf(`${SEED}-dump-${round}`);
        const chain = dumpChain(() => rig.gateways[0]!.dumps);
        const work = await workload(rig, dice);
        for (let index = 0; index < 40; index++) await work();
        await chain.take('base');
        for (let dump = 0; dump < 6; dump++) {
          for (let index = 0, count = dice.below(80); index < count; index++) await work();
          await chain.take('changes');
          if (dump === 5) await expectSame(rig, chain);
        }
      } finally {
        await rig.close();
      }
    });
  }
});

async function expectSame(rig: MetadataRig, chain: ReturnType<typeof dumpChain>): Promise<void> {
  const target = await freshDatabase();
  try {
    const { rows } = await restoreDump({ connection: target.connection, chain: chain.chain(), clock: rig.clock, log: quiet });
    const [wanted, got] = [await contentsOf(rig.database), await contentsOf(target)];
    for (const table of Object.keys(wanted)) {
      expect(got[table], table).to.deep.equal(wanted[table]);
      expect(rows[table], table).to.equal(wanted[table]!.length);
    }
  } finally {
    await target.drop();
  }
}

const KEYS = ['a', 'b', 'a/b', 'a/c', 'a/d/e', 'a/d/f', 'g/h', 'g/i/j', 'g/i/ü\u0301\n'];
const FOLDERS = ['a/', 'a/d/', 'g/', 'g/i/', 'k/', 'k/l/'];

/** One random operation a call; refusals are part of it. */
async function workload(rig: MetadataRig, dice: Dice): Promise<() => Promise<void>> {
  const [metadata] = rig.gateways;
  const { store, authority, principals, buckets, uploads, locks, chunks, instance } = metadata!;
  const accounts: Account[] = [await rig.user(), await rig.user()];
  const known: Awaited<ReturnType<MetadataRig['bucket']>>[] = [];
  for (const versioning of ['off', 'enabled', 'suspended'] satisfies Versioning[]) {
    known.push(await rig.bucket({ owner: accounts[0]!, versioning }));
  }
  let names = 0;
  const pick = () => dice.pick(known);
  const version = () => randomBytes(16).toString('hex');
  const chunk = () => ({ id: randomBytes(32), size: 5, store: 0, pack: version(), offset: dice.below(1 << 20), length: 100 });

  const operations: (() => Promise<unknown>)[] = [
    () => store.commit(putIntent(pick(), dice.pick(KEYS))),
    () => store.commit(putIntent(pick(), dice.pick(KEYS), { attributes: { contentType: 'text/plain', tags: { a: 'b' } } })),
    () => {
      const bucket = pick();
      const leaf = { id: randomBytes(32), size: 10, entries: randomBytes(72) };
      return store.commit(putIntent(bucket, dice.pick(KEYS), { chunks: [chunk(), chunk()], leaves: [leaf] }));
    },
    () => store.commit({ kind: 'remove', who: pick().who, bucket: pick().id, key: dice.pick(KEYS), versionId: version() }),
    () => {
      const bucket = pick();
      const remove = { kind: 'remove', who: bucket.who, bucket: bucket.id, key: dice.pick(KEYS), versionId: version() } as const;
      return store.commit({ ...remove, version: 'null' });
    },
    () => {
      const bucket = pick();
      const key = dice.pick([...KEYS, ...FOLDERS]);
      return store.commit({ kind: 'annotate', who: bucket.who, bucket: bucket.id, key, properties: { 'ns p': version() } });
    },
    () => {
      const [from, to] = [pick(), pick()];
      const pair = dice.chance(0.5) ? [dice.pick(FOLDERS), dice.pick(FOLDERS)] : [dice.pick(KEYS), dice.pick(KEYS)];
      const intent = {
        who: from.who,
        from: { bucket: from.id, key: pair[0]! },
        to: { bucket: to.id, key: pair[1]! },
        overwrite: true,
      };
      return dice.chance(0.5) ? store.move(intent) : store.copy(intent);
    },
    () => {
      const bucket = pick();
      return store.removeTree({ who: bucket.who, bucket: bucket.id, key: dice.pick(FOLDERS) });
    },
    async () => accounts.push(await rig.user(`more-${names++}`)),
    () =>
      principals.update(dice.pick(accounts).principal.id, {
        passwordHash: version(),
        disabled: dice.chance(0.3),
        quotaBytes: 1e9,
      }),
    () => principals.addKey({ id: version(), principal: dice.pick(accounts).principal.id, sealedSecret: randomBytes(40) }),
    async () => {
      const keys = await principals.listKeys();
      if (keys.length > 0) await principals.removeKey(dice.pick(keys).id);
    },
    () =>
      authority.setGrant({
        subject: { kind: 'user', id: dice.pick(accounts).principal.id },
        bucket: pick().id,
        prefix: dice.pick(FOLDERS),
        role: 'viewer',
      }),
    async () => known.push(await rig.bucket({ owner: accounts[0]!, versioning: dice.pick(['off', 'enabled']) })),
    () => buckets.update(pick().id, { config: { note: version() } }),
    async () => {
      if (known.length < 4) return;
      const [gone] = known.splice(dice.below(known.length), 1);
      await buckets.remove(gone!.id, { force: true });
    },
    async () => {
      const bucket = pick();
      const { id: upload } = await uploads.create({
        bucket: bucket.id,
        key: dice.pick(KEYS),
        principal: bucket.owner,
        attributes: {},
      });
      const content = { kind: 'inline', domain: bucket.domain, size: 3, sealed: randomBytes(8) } as const;
      const part = { number: 1 + dice.below(3), size: 3, etag: version(), content, digests: {}, modified: rig.clock.now() };
      await uploads.putPart(upload, part, [chunk()], []);
      if (dice.chance(0.3)) await uploads.abort(bucket.id, (await findUpload(upload)) ?? '', upload);
      async function findUpload(id: string): Promise<string | null> {
        return (await uploads.list(bucket.id, '', null, 1000)).find((one) => one.id === id)?.key ?? null;
      }
    },
    () =>
      locks.acquire({
        at: { bucket: pick().id, key: dice.pick(KEYS) },
        principal: accounts[0]!.principal.id,
        exclusive: true,
        infinite: false,
        ownerXml: null,
        timeoutMs: 1,
      }),
    () => chunks.record(pick().domain, [chunk()], [{ id: randomBytes(32), size: 5, entries: randomBytes(36) }]),
    () => instance.putSetting(`setting-${dice.below(3)}`, { value: version() }),
    () => rig.database.sql(`UPDATE chunks SET pack_offset = pack_offset + 1 WHERE id < $1`, [randomBytes(32)]),
    () => rig.database.sql(`DELETE FROM versions WHERE superseded_ms IS NOT NULL AND id < $1`, [randomBytes(16)]),
    () =>
      rig.database.sql(
        `INSERT INTO audit (id, at_ms, protocol, action, outcome, status, request_id, hash)
         SELECT coalesce(max(id), 0) + 1, 1, 'rest', 'put', 'ok', 200, $1, '' FROM audit`,
        [version()],
      ),
    () => rig.database.sql(`DELETE FROM audit WHERE id % 3 = 0`),
    () => rig.database.sql(`DELETE FROM uploads WHERE id < $1`, [randomBytes(16)]),
  ];
  return async () => {
    rig.clock.advance(1 + dice.below(1000));
    try {
      await dice.pick(operations)();
    } catch (error) {
      if (!isCloudStoreError(error) || error.code === 'internal') throw error;
    }
  };
}
