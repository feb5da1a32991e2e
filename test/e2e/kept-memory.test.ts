import { Agent, request } from 'node:http';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { INSPECTED, openHeap } from '../support/gateway-heap.ts';
import { presign } from '../support/presign.ts';
import { SEED, seededRandom } from '../support/random.ts';
import { type Answer, doorsOf } from '../support/requests.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG !== undefined;
const COUNT = LONG ? 2000 : 250;
const AT_ONCE = 8;
const ROUNDS_MAX = 3;
/** Of so many more of the same: caches and code that was compiled meanwhile fit in, a request or a body that is kept for each does not. */
const HEAP_GROWTH_MAX = LONG ? 6 << 20 : 1.5 * 2 ** 20;
/** Buffers are lent again, and some more than before may be out at a time. */
const BUFFERS_GROWTH_MAX = LONG ? 16 << 20 : 6 << 20;
/** Above what is gathered in a buffer of its own. */
const BODY_BYTES = 70_000;

/** Each kind of request is done many times, then as many times more: of those nothing may be left once garbage has been collected. */
describe('what a request leaves in memory', function () {
  this.timeout(LONG ? 600_000 : 120_000);
  let gateway: TestGateway;
  let heap: Awaited<ReturnType<typeof openHeap>>;
  let doors: ReturnType<typeof doorsOf>;
  let token = '';
  const agent = new Agent({ keepAlive: true });
  const random = seededRandom(SEED);

  before(async () => {
    gateway = await startGateway({ env: INSPECTED });
    heap = await openHeap(gateway);
    doors = doorsOf(gateway, { agent });
    const login = JSON.stringify({ user: gateway.user, password: gateway.password });
    const answer = await doors.rest('POST', '/auth/login', '', { body: login, headers: { 'content-type': 'application/json' } });
    token = JSON.parse(answer.body.toString()).accessToken;
    for (const key of ['a/1', 'a/2', 'a/3']) taken(await doors.s3('PUT', key, { body: random(3_000_000) }));
  });
  after(async () => {
    agent.destroy();
    heap?.close();
    await gateway?.stop();
  });

  function taken(answer: Answer): Answer {
    expect(answer.status, answer.body.toString().slice(0, 300)).to.be.within(200, 299);
    return answer;
  }

  async function many(act: (n: number) => Promise<unknown>): Promise<void> {
    let next = 0;
    const one = async (): Promise<void> => {
      while (next < COUNT) await act(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  }

  /** The client goes away: while it sends the body, or without one when the first bytes have come. */
  async function brokenOff(method: string, url: string, headers: Record<string, string>, body?: Buffer): Promise<void> {
    const outgoing = request(url, { method, headers, agent: false }).on('error', () => undefined);
    if (body === undefined) outgoing.end();
    else outgoing.write(body);
    outgoing.once('response', (response) => response.once('data', () => outgoing.destroy()).on('error', () => undefined));
    if (body !== undefined) setTimeout(() => outgoing.destroy(), 10);
    await new Promise((resolve) => outgoing.once('close', resolve));
  }

  const signed = (method: string, key: string): string =>
    presign(method, `${gateway.s3Url}/${gateway.bucket}/${key}`, gateway, new Date());
  const encoded = (text: string): string => Buffer.from(text).toString('base64');

  const kinds: Record<string, (n: number) => Promise<unknown>> = {
    'a small PUT by S3': async (n) => taken(await doors.s3('PUT', `small/${n % 50}`, { body: random(1000) })),
    'a PUT of some chunks by S3': async (n) => taken(await doors.s3('PUT', `large/${n % 50}`, { body: random(BODY_BYTES) })),
    'a PUT by S3 that breaks off': (n) =>
      brokenOff('PUT', signed('PUT', `broken/${n % 50}`), { 'content-length': '1000000' }, random(300_000)),
    'a GET by S3': async (n) => taken(await doors.s3('GET', `large/${n % 50}`)),
    'a GET by S3 that breaks off': (n) => brokenOff('GET', signed('GET', `a/${1 + (n % 3)}`), {}),
    'a PUT by WebDAV': async (n) => taken(await doors.dav('PUT', `dav-${n % 50}`, { body: random(BODY_BYTES) })),
    'a listing by WebDAV': async () => taken(await doors.dav('PROPFIND', 'large/', { headers: { depth: '1' } })),
    'a folder by WebDAV, made, moved and deleted': async (n) => {
      taken(await doors.dav('MKCOL', `made-${n}/`));
      const destination = `${gateway.webdavUrl}${gateway.bucket}/moved-${n}/`;
      taken(await doors.dav('MOVE', `made-${n}/`, { headers: { destination } }));
      taken(await doors.dav('DELETE', `moved-${n}/`));
    },
    'a PUT by REST': async (n) => {
      const headers = { 'content-type': 'application/octet-stream' };
      taken(await doors.rest('PUT', `/files/${gateway.bucket}/rest/${n % 50}`, token, { body: random(BODY_BYTES), headers }));
    },
    'an upload by tus': async (n) => {
      const tus = { 'tus-resumable': '1.0.0' };
      const metadata = `bucket ${encoded(gateway.bucket)},key ${encoded(`tus/${n % 50}`)}`;
      const begun = { ...tus, 'upload-length': String(BODY_BYTES), 'upload-metadata': metadata };
      const { headers } = taken(await doors.rest('POST', '/uploads', token, { headers: begun }));
      const path = new URL(headers.location ?? '', gateway.restUrl).pathname.replace('/api/v1', '');
      const going = { ...tus, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
      taken(await doors.rest('PATCH', path, token, { headers: going, body: random(BODY_BYTES) }));
    },
    'an archive': async () => {
      const body = JSON.stringify({
        items: [
          { bucket: gateway.bucket, key: 'small/1' },
          { bucket: gateway.bucket, key: 'small/2' },
        ],
      });
      taken(await doors.rest('POST', '/zip', token, { body, headers: { 'content-type': 'application/json' } }));
    },
    'a socket that subscribes': (n) =>
      new Promise<void>((resolve, reject) => {
        const socket = new WebSocket(`${gateway.restUrl.replace(/^http/, 'ws').replace('/api/v1', '/ws')}`);
        const say = (message: object): void => socket.send(JSON.stringify(message));
        let subscribed = false;
        socket.addEventListener('open', () => say({ type: 'auth', token }));
        socket.addEventListener('message', ({ data }) => {
          const { type } = JSON.parse(String(data));
          if (type === 'ready') say({ type: 'subscribe', bucket: gateway.bucket, prefix: `a/${n}`, id: 'x' });
          if (type !== 'subscribed') return;
          subscribed = true;
          socket.close();
        });
        socket.addEventListener('close', () => (subscribed ? resolve() : reject(new Error('It was not subscribed.'))));
      }),
  };
  for (const [name, act] of Object.entries(kinds)) {
    it(`is nothing: ${name}`, async () => {
      await many(act);
      // On a busy machine what has come to stay, code and caches, may come in any round, once; what each request keeps comes in every one.
      for (let round = 1; ; round++) {
        const before = await heap.collected();
        await many(act);
        const after = await heap.collected();
        const [grown, lent] = [after.heap - before.heap, after.buffers - before.buffers];
        if (round < ROUNDS_MAX && (grown >= HEAP_GROWTH_MAX || lent >= BUFFERS_GROWTH_MAX)) continue;
        expect(grown, `bytes of the heap, of ${COUNT}`).to.be.below(HEAP_GROWTH_MAX);
        expect(lent, `bytes of buffers, of ${COUNT}`).to.be.below(BUFFERS_GROWTH_MAX);
        break;
      }
    });
  }
});
