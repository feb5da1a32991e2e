import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { type Metadata, openMetadata } from '#metadata/open';
import { freshDatabase, quiet, type TestDatabase } from '../../support/database.ts';
import { type LossyWire, lossyWire, type Passage } from '../../support/lossy-wire.ts';
import { putIntent } from '../../support/metadata-rig.ts';
import { diceOf, SEED } from '../../support/random.ts';
import { codeOf } from '../../support/rooms.ts';

/** A commit whose answer is lost has happened or not; the store finds out by its commit id, and nothing happens twice. */
describe(`commits over a wire that breaks (seed ${SEED})`, function () {
  this.timeout(120_000);
  let database: TestDatabase;
  let wire: LossyWire;
  let metadata: Metadata;
  let bucket: Bucket & { who: Who };
  let names = 0;
  before(async () => {
    database = await freshDatabase();
    wire = await lossyWire(database.connection);
    const clock = { now: () => Date.now() };
    metadata = await openMetadata({ connection: wire.connection, clock, random: randomBytes, log: quiet, soleOwner: true });
  });
  beforeEach(async () => {
    const domain = await metadata.keys.insert(randomBytes(8));
    const name = `wire-${++names}`;
    const { id, role } = await metadata.principals.create({ name, role: 'member', passwordHash: null, domain });
    const who: Who = { principal: { id, name, role }, protocol: 'rest', requestId: name };
    bucket = { ...(await metadata.buckets.create({ name, owner: id, domain, versioning: 'enabled' })), who };
  });
  afterEach(() => {
    wire.passage = null;
  });
  after(async () => {
    await metadata?.close();
    await wire?.close();
    await database?.drop();
  });

  const isApply = (message: Buffer): boolean => message.includes('commit-apply');
  const isCommit = (message: Buffer): boolean => message.includes('COMMIT\0');

  /** One event and one version for each, and no other. */
  async function expectOnce(versions: string[]): Promise<void> {
    const { epoch } = await metadata.journal.head(bucket.id);
    const events = await metadata.journal.since(bucket.id, { epoch, seq: 0 }, 10_000);
    expect(events.map(({ cursor }) => cursor.seq)).to.deep.equal(events.map((_, n) => n + 1));
    expect(events.map(({ versionId }) => versionId).sort()).to.deep.equal([...versions].sort());
    const rows = await database.sql(
      `SELECT encode(v.id, 'hex') FROM versions v JOIN slots s ON s.id = v.slot_id WHERE s.bucket_id = $1`,
      [bucket.id],
    );
    expect(
      rows
        .flat()
        .map((id) => String(id))
        .sort(),
    ).to.deep.equal([...versions].sort());
  }

  for (const [passage, attempts] of [
    ['lost', 2],
    ['answer lost', 1],
  ] as const) {
    it(`does it once when the message is: ${passage}`, async () => {
      let applies = 0;
      wire.passage = (message) => (isApply(message) && applies++ === 0 ? passage : 'through');
      const intent = putIntent(bucket, 'a');
      const { created } = await metadata.store.commit(intent);
      expect([created, applies]).to.deep.equal([true, attempts]);
      await expectOnce([intent.versionId]);
    });
  }

  it('does it once when the answer of the second attempt is lost too', async () => {
    let applies = 0;
    let commits = 0;
    wire.passage = (message) => {
      if (isApply(message)) return applies++ === 0 ? 'lost' : 'through';
      return isCommit(message) && commits++ === 0 ? 'answer lost' : 'through';
    };
    const intent = putIntent(bucket, 'a');
    await metadata.store.commit(intent);
    expect([applies, commits]).to.deep.equal([2, 2]);
    await expectOnce([intent.versionId]);
  });

  it('does it once when the first attempt arrives behind the second', async () => {
    let applies = 0;
    let commits = 0;
    let arrived: Promise<void> | null = null;
    wire.passage = (message) => {
      if (isApply(message)) return applies++ === 0 ? 'late' : 'through';
      if (!isCommit(message) || commits++ > 0) return 'through';
      // The second attempt is rolled back, and only now the first one is carried out.
      arrived = wire.release();
      return 'lost';
    };
    const intent = putIntent(bucket, 'a');
    await metadata.store.commit(intent);
    await arrived;
    await expectOnce([intent.versionId]);
  });

  it('says what is done though the database lets the next batch wait', async () => {
    const second = putIntent(bucket, 'b');
    let next: Promise<unknown> | null = null;
    wire.passage = (message) => {
      if (next !== null && message.includes('commit-read')) return 'held';
      if (isApply(message)) next = metadata.store.commit(second);
      return 'through';
    };
    const first = putIntent(bucket, 'a');
    await metadata.store.commit(first);
    await expectOnce([first.versionId]);
    wire.passage = null;
    await wire.release();
    await next;
    await expectOnce([first.versionId, second.versionId]);
  });

  it('does everything once, wherever the wire breaks under concurrent changes', async () => {
    const dice = diceOf(SEED);
    const versions: string[] = [];
    for (let round = 0; round < 25; round++) {
      let left = dice.below(4);
      const passage: Passage = dice.pick(['lost', 'answer lost']);
      let again = dice.below(3);
      wire.passage = () => {
        if (left-- > 0) return 'through';
        if (again-- > 0) left = dice.below(4);
        else left = Infinity;
        return passage;
      };
      const intents = Array.from({ length: 1 + dice.below(8) }, () => putIntent(bucket, dice.pick(['a', 'b', 'c/d'])));
      const codes = await Promise.all(intents.map((intent) => codeOf(metadata.store.commit(intent))));
      expect(codes, `round ${round}`).to.deep.equal(intents.map(() => 'none'));
      wire.passage = null;
      versions.push(...intents.map(({ versionId }) => versionId));
      await expectOnce(versions);
    }
  });

  describe('of a whole folder', () => {
    const at = (key: string) => ({ bucket: bucket.id, key });
    const keys = async (): Promise<string[]> => {
      const page = await metadata.store.list({ bucket: bucket.id, prefix: '', delimiter: '', after: '', limit: 100 });
      return page.entries.flatMap((entry) => (entry.kind === 'object' ? [entry.info.key] : []));
    };
    const changes = {
      move: () => metadata.store.move({ who: bucket.who, from: at('a/'), to: at('b/'), overwrite: false }),
      copy: () => metadata.store.copy({ who: bucket.who, from: at('a/'), to: at('b/'), overwrite: false }),
      removeTree: () => metadata.store.removeTree({ who: bucket.who, bucket: bucket.id, key: 'a/' }),
    };
    const wanted = { move: ['b/1', 'b/2'], copy: ['a/1', 'a/2', 'b/1', 'b/2'], removeTree: [] };

    for (const change of ['move', 'copy', 'removeTree'] as const) {
      for (const passage of ['lost', 'answer lost', 'late'] as const) {
        it(`does a ${change} once when the message is: ${passage}`, async () => {
          for (const key of ['a/1', 'a/2']) await metadata.store.commit(putIntent(bucket, key));
          const { epoch, seq } = await metadata.journal.head(bucket.id);
          let commits = 0;
          let locks = 0;
          let arrived: Promise<void> | null = null;
          wire.passage = (message) => {
            // The second attempt waits for what the first one holds, which is carried out only now.
            if (passage === 'late' && message.includes('tree-lock-heads') && locks++ === 1) arrived = wire.release();
            return isCommit(message) && commits++ === 0 ? passage : 'through';
          };
          const verdict = await changes[change]();
          wire.passage = null;
          await arrived;
          expect('removed' in verdict ? verdict.removed : verdict.count).to.equal(2);
          expect(commits).to.equal(2);
          expect(await keys()).to.deep.equal(wanted[change]);
          expect(await metadata.journal.since(bucket.id, { epoch, seq }, 10)).to.have.length(1);
        });
      }
    }
  });
});
