import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { describeCrossProtocol } from '../support/cross-protocol.ts';
import type { TestGateway } from '../support/gateway.ts';
import { apiOf, appCode, openFollower, openSocket, within } from '../support/identity.ts';
import { presign, presignV2 } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { diceOf, SEED } from '../support/random.ts';
import { send } from '../support/requests.ts';
import { describeRevocation } from './revocation-suite.ts';

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

  describe('and whoever is revoked on the one', () => {
    it('is nobody on the other within a second: key, presigned URL, password, session, socket, code', async () => {
      const [here, there] = [apiOf(one), apiOf(two)];
      const admin = await here.tokenOf(one.user, one.password);
      const made = (await here.call('POST', '/users', admin, { name: 'rover' })).json;
      const rover = await there.tokenOf('rover', made.password);
      const device = (await there.call('POST', '/credentials', rover, { kind: 'device', name: 'phone' })).json;
      const url = presign('PUT', `${two.s3Url}/${made.bucket}/a`, device, new Date());
      const older = presignV2('PUT', `${two.s3Url}/${made.bucket}/a`, device, new Date());
      for (const one of [url, older]) expect((await send('PUT', one, { body: 'x' })).status).to.equal(200);
      expect((await there.dav('rover', device.password)).status).to.equal(207);
      const session = await there.tokenOf('rover', device.password);
      const socket = await openSocket(two, session.token);
      expect((await here.call('DELETE', `/credentials/${device.id}`, admin)).status).to.equal(204);
      expect(await socket.closed).to.equal(4401);
      for (const one of [url, older]) await within(async () => (await send('PUT', one, { body: 'y' })).status === 403);
      await within(async () => (await there.dav('rover', device.password)).status === 401);
      await within(async () => (await there.call('GET', '/me', session)).status === 401);
      // The owner's own log-in stays, until the owner is disabled, over there.
      expect((await there.call('GET', '/me', rover)).status).to.equal(200);
      expect((await here.call('PATCH', '/users/rover', admin, { disabled: true })).status).to.equal(200);
      await within(async () => (await there.call('GET', '/me', rover)).status === 401);
    });

    describeRevocation(() => ({ one, two }));

    it('hears nothing more on the other within a second: a grant, a group, a member, a role, a policy', async () => {
      const [here, there] = [apiOf(one), apiOf(two)];
      const admin = await here.tokenOf(one.user, one.password);
      const { password } = (await here.call('POST', '/users', admin, { name: 'listener' })).json;
      const listener = await there.tokenOf('listener', password);
      expect((await here.call('POST', '/buckets', admin, { name: 'heard' })).status).to.equal(201);
      const grants = (body: object) => here.call('PUT', '/access/heard/', admin, body);
      const ended = async (begin: () => Promise<unknown>, end: () => Promise<{ status: number }>, prefix = ''): Promise<void> => {
        await begin();
        const open = async () => openFollower(two, listener.token, { bucket: 'heard', prefix });
        const follower = await open().catch(async () => {
          // What is granted there is known here a moment later.
          await within(async () => (await there.call('GET', '/files/heard/', listener)).status === 200);
          return open();
        });
        expect((await end()).status).to.be.below(300);
        const begun = performance.now();
        expect(await follower.refused).to.be.oneOf(['access_denied', 'bucket_not_found']);
        // Long before the socket is asked of anyhow, which is every 25 s.
        expect(performance.now() - begun, 'ms').to.be.below(15_000);
        follower.close();
      };
      const ann = { kind: 'user', name: 'listener' };
      await ended(
        () => grants({ ...ann, role: 'viewer' }),
        () => here.call('DELETE', '/access/heard/?kind=user&name=listener', admin),
      );
      const team = { kind: 'group', name: 'team' };
      await here.call('POST', '/groups', admin, { name: 'team', members: ['listener'] });
      await ended(
        () => grants({ ...team, role: 'viewer' }),
        () => here.call('PATCH', '/groups/team', admin, { remove: ['listener'] }),
      );
      await ended(
        () => here.call('PATCH', '/groups/team', admin, { add: ['listener'] }),
        () => here.call('DELETE', '/groups/team', admin),
      );
      await ended(
        () => grants({ ...ann, role: 'viewer' }),
        () => grants({ ...ann, role: 'uploader' }),
      );
      const policy = { Effect: 'Deny', Principal: '*', Action: 's3:ListBucket', Resource: 'arn:aws:s3:::heard' };
      await ended(
        () => grants({ ...ann, role: 'viewer' }),
        async () => {
          const body = Buffer.from(JSON.stringify({ Version: '2012-10-17', Statement: [policy] }));
          return send('PUT', presign('PUT', `${one.s3Url}/heard?policy`, one, new Date()), { body });
        },
      );
    });

    it('guesses no faster for asking both', async () => {
      const [here, there] = [apiOf(one), apiOf(two)];
      const admin = await here.tokenOf(one.user, one.password);
      const away = (): number => `${one.output().stderr}${two.output().stderr}`.split('Redis does not answer').length;
      // A gateway that waited for Redis in vain counts by itself for a moment: then the two together let in twice as many at most.
      for (let round = 0; ; round++) {
        const [name, before] = [`target-${round}`, away()];
        await here.call('POST', '/users', admin, { name, password: 'the right one' });
        const statuses: number[] = [];
        for (let i = 0; i < 14; i++) statuses.push((await (i % 2 ? here : there).login(name, `guess ${i}`)).status);
        const guessed = statuses.filter((status) => status === 401).length;
        if (away() > before && round < 10) {
          expect(guessed).to.be.at.most(20);
          continue;
        }
        expect(guessed).to.equal(10);
        expect((await there.login(name, 'the right one')).status).to.equal(429);
        return;
      }
    });

    it('spends a one-time code for both', async () => {
      const [here, there] = [apiOf(one), apiOf(two)];
      const admin = await here.tokenOf(one.user, one.password);
      const { password } = (await here.call('POST', '/users', admin, { name: 'coder' })).json;
      const coder = await here.tokenOf('coder', password);
      const { secret } = (await here.call('POST', '/me/totp', coder)).json;
      expect((await there.call('POST', '/me/totp/confirm', coder, { code: appCode(secret) })).status).to.equal(200);
      const otp = appCode(secret, 1);
      const answers = await Promise.all([here, there, here, there].map((api) => api.login('coder', password, { otp })));
      expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    });
  });

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
