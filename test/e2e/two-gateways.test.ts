import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { describeCrossProtocol } from '../support/cross-protocol.ts';
import type { TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { diceOf, SEED } from '../support/random.ts';

const SIZES = [0, 500, 3_000, 60_000, 400_000, 3_000_000];
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const absent = 'absent';

describe('two gateways on one Postgres, one Redis and one S3 store', () => {
  requireProgram('redis-server');
  let cluster: Cluster;
  let one: TestGateway;
  let two: TestGateway;

  before(async function () {
    this.timeout(240_000);
    cluster = await startCluster();
    one = await cluster.start('one');
    two = await cluster.start('two');
  });
  after(async function () {
    this.timeout(120_000);
    await cluster?.stop();
  });

  describeCrossProtocol('written on one gateway, read on the other', async () => ({
    writer: one,
    reader: two,
    stop: async () => undefined,
  }));

  describe('and what becomes of them', () => {
    it('keeps no packs of its own', () => {
      for (const { dataDir } of [one, two]) expect(readdirSync(dataDir)).to.not.include('packs').and.not.include('spool');
    });

    it(`loses nothing that it acknowledged when either is killed (seed ${SEED})`, async function () {
      this.timeout(240_000);
      const dice = diceOf(SEED);
      /** What each key holds by the answers that came; several where none came. */
      const state = new Map<string, Set<string>>();
      const gateways = [one, two];
      let stop = false;
      let acknowledged = 0;

      async function worker(number: number): Promise<void> {
        for (let n = 0; !stop; n++) {
          const key = `kill/${number}/${n % 7}`;
          const gateway = gateways[dice.below(2)]!;
          const before = state.get(key) ?? new Set([absent]);
          const body = dice.chance(0.15) ? null : randomBytes(dice.pick(SIZES));
          const after = body === null ? absent : digestOf(body);
          state.set(key, new Set([...before, after]));
          const method = body === null ? 'DELETE' : 'PUT';
          const url = presign(method, `${gateway.s3Url}/${gateway.bucket}/${key}`, gateway, new Date());
          const status = await fetch(url, { method, ...(body === null ? {} : { body: new Uint8Array(body) }) }).then(
            async (answer) => {
              await answer.arrayBuffer();
              return answer.status;
            },
            () => 0, // killed meanwhile, or not there: it may have happened or not
          );
          if (status >= 200 && status < 300) {
            state.set(key, new Set([after]));
            acknowledged++;
          } else await sleep(50);
        }
      }

      const workers = Array.from({ length: 6 }, (_, number) => worker(number));
      for (const [index, name] of ['one', 'two'].entries()) {
        await sleep(2_500);
        await gateways[index]!.kill({ database: false });
        await sleep(1_000);
        gateways[index] = await cluster.start(name);
      }
      await sleep(1_500);
      stop = true;
      await Promise.all(workers);
      [one, two] = gateways as [TestGateway, TestGateway];

      for (const gateway of gateways) {
        for (const [key, possible] of state) {
          const answer = await fetch(presign('GET', `${gateway.s3Url}/${gateway.bucket}/${key}`, gateway, new Date()));
          const bytes = new Uint8Array(await answer.arrayBuffer());
          const seen = answer.status === 404 ? absent : answer.status === 200 ? digestOf(bytes) : `status ${answer.status}`;
          expect([...possible], `${key} on ${gateway.dataDir}`).to.include(seen);
          state.set(key, new Set([seen])); // and the other gateway says the same
        }
      }
      console.log(`      ${acknowledged} writes acknowledged, ${state.size} keys`);
      expect(acknowledged).to.be.greaterThan(20);
    });

    it('refuses a third gateway that would write elsewhere', async function () {
      this.timeout(120_000);
      const refused = async (env: Record<string, string>): Promise<string> => {
        const failure = await cluster.start('three', env).then(
          () => null,
          (error: Error) => error.message,
        );
        expect(failure, 'it started').to.not.equal(null);
        return failure!;
      };
      expect(await refused({ CLOUDSTORE_CHUNKS_URL: cluster.chunksUrl.replace('/packs?', '/others?') })).to.match(
        /others.*is not the store of packs that the database knows .*packs/,
      );
      expect(await refused({ CLOUDSTORE_CHUNKS_URL: '' })).to.match(/lie in s3:.*CLOUDSTORE_CHUNKS_URL/);
      expect(await refused({ CLOUDSTORE_CHUNKS_ACK: 'local' })).to.match(/Another gateway .* serves from this database/);
    });

    it('takes turns with itself: local when it is alone, all of it in the store before another one serves', async function () {
      this.timeout(180_000);
      await two.stop();
      await one.stop();
      // Both have signed off, so nobody's heartbeat moves.
      let alone = await cluster.start('one', { CLOUDSTORE_CHUNKS_ACK: 'local' });
      const body = randomBytes(300_000);
      const put = await fetch(presign('PUT', `${alone.s3Url}/${alone.bucket}/alone`, alone, new Date()), {
        method: 'PUT',
        body: new Uint8Array(body),
      });
      expect(put.status).to.equal(200);
      expect(readdirSync(join(alone.dataDir, 'spool', 'open'))).to.have.length(1);
      await alone.kill({ database: false });
      const other = await cluster.start('two').then(
        () => '',
        (error: Error) => error.message,
      );
      expect(other).to.match(/may lie in .*spool.* only/);
      alone = await cluster.start('one');
      two = await cluster.start('two');
      const read = await fetch(presign('GET', `${two.s3Url}/${two.bucket}/alone`, two, new Date()));
      expect(digestOf(new Uint8Array(await read.arrayBuffer()))).to.equal(digestOf(body));
      const { code } = await cloudstore(['check-storage', '--url', cluster.chunksUrl, '--json']);
      expect(code).to.equal(0);
    });
  });
});
