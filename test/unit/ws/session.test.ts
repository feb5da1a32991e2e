import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import type { Hub } from '#contracts/hub';
import type { JournalEvent } from '#contracts/journal';
import type { Logger } from '#contracts/observability';
import { CloudStoreError } from '#core/errors';
import { createWsHandler } from '#protocols/ws/door';
import { memoryAuthenticator, USERS } from '../rest/serve-rest.ts';
import { memoryNamespace } from '../webdav/memory-namespace.ts';

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };

describe('the event stream', () => {
  let stream: Awaited<ReturnType<typeof serveStream>>;
  beforeEach(async () => {
    stream = await serveStream();
  });
  afterEach(() => stream.close());

  it('authenticates, subscribes, and tells every commit in order from the cursor', async () => {
    for (let i = 1; i <= 3; i++) stream.commit(`k${i}`);
    const client = await stream.open();
    client.say({ type: 'auth', token: 'token-ann' });
    expect(await client.next()).to.deep.equal({ type: 'ready', user: 'ann' });
    client.say({ type: 'subscribe', bucket: 'home', cursor: '1.1', id: 's' });
    expect(await client.next()).to.include({ type: 'subscribed', cursor: '1.1', id: 's' });
    stream.commit('k4');
    const keys = [await client.next(), await client.next(), await client.next()];
    expect(keys.map(({ key, cursor }) => `${key} ${cursor}`)).to.deep.equal(['k2 1.2', 'k3 1.3', 'k4 1.4']);
  });
  it('moves the cursor of a prefix along', async () => {
    const client = await stream.ready();
    client.say({ type: 'subscribe', bucket: 'home', prefix: 'p/' });
    expect(await client.next()).to.include({ type: 'subscribed', cursor: '1.0' });
    stream.commit('other');
    expect(await client.next()).to.include({ type: 'cursor', cursor: '1.1' });
    stream.commit('p/mine');
    expect(await client.next()).to.include({ type: 'event', cursor: '1.2', key: 'p/mine' });
    client.say({ type: 'unsubscribe', bucket: 'home', prefix: 'p/' });
    expect(await client.next()).to.include({ type: 'unsubscribed' });
  });
  it('sends a client whose cursor is too old back to the start', async () => {
    stream.commit('k');
    const client = await stream.ready();
    client.say({ type: 'subscribe', bucket: 'home', cursor: '0.1' });
    expect(await client.next()).to.include({ type: 'subscribed' });
    expect(await client.next()).to.include({ type: 'reset', cursor: '1.1' });
  });
  it('closes who does not authenticate', async () => {
    const impatient = await serveStream({ authMs: 100 });
    const silent = await impatient.open();
    expect(await silent.closed).to.equal(4408);
    await impatient.close();
    const wrong = await stream.open();
    wrong.say({ type: 'auth', token: 'nonsense' });
    expect(await wrong.next()).to.include({ type: 'error', code: 'unauthenticated' });
    expect(await wrong.closed).to.equal(4401);
    const early = await stream.open();
    early.say({ type: 'subscribe', bucket: 'home' });
    expect(await early.closed).to.equal(4401);
  });
  it('closes a session that is revoked, or whose token expires', async () => {
    const client = await stream.ready();
    stream.authenticator.revoked.add('token-ann');
    stream.authenticator.changed(USERS.bob?.id ?? 0);
    stream.authenticator.changed(USERS.ann?.id ?? 0);
    expect(await client.closed).to.equal(4401);
    const claims = Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + 1 })).toString('base64url');
    const token = `token-bob.${claims}.x`;
    const short = await stream.open();
    short.say({ type: 'auth', token });
    expect(await short.next()).to.include({ type: 'ready' });
    stream.authenticator.revoked.add(token);
    expect(await short.closed).to.equal(4401);
  });
  it('closes a session that is revoked while it logs in, and one that is renewed by such a session', async () => {
    const { accessToken } = stream.authenticator;
    const client = await stream.ready();
    for (const one of [await stream.open(), client]) {
      const token = one === client ? 'token-ann.renewed' : 'token-ann.first';
      let revoke = true;
      // What was read before the change comes after it.
      stream.authenticator.accessToken = async (asked) => {
        const found = await accessToken(asked);
        if (asked === token && revoke) {
          revoke = false;
          stream.authenticator.revoked.add(token);
          stream.authenticator.changed(found.id);
        }
        return found;
      };
      one.say({ type: 'auth', token });
      expect(await one.next()).to.include({ type: 'error', code: 'unauthenticated' });
      expect(await one.closed).to.equal(4401);
      expect(one.queue).to.deep.equal([]);
    }
    expect(stream.logins).to.deep.equal([200, 401, 401]);
  });
  it('goes on with the token that came while the one before was asked about', async () => {
    const client = await stream.ready();
    const { accessToken } = stream.authenticator;
    let asks = 0;
    let answer: () => void = () => undefined;
    stream.authenticator.accessToken = async (token) => {
      if (token === 'token-ann' && asks++ === 0) {
        await new Promise<void>((resolve) => (answer = resolve));
        throw new CloudStoreError('unauthenticated', 'it has ended');
      }
      return accessToken(token);
    };
    stream.authenticator.changed(USERS.ann?.id ?? 0);
    client.say({ type: 'auth', token: 'token-ann.renewed' });
    expect(await client.next()).to.include({ type: 'ready' });
    answer();
    client.say({ type: 'ping' });
    expect(await client.next()).to.deep.equal({ type: 'pong' });
    expect(asks).to.equal(1);
  });
  it('ends a subscription whose rights have gone, and keeps the socket', async () => {
    const client = await stream.ready();
    client.say({ type: 'subscribe', bucket: 'home', prefix: 'p/', id: 's' });
    await client.next();
    stream.namespace.list = () => Promise.reject(new CloudStoreError('access_denied', 'no more'));
    stream.authenticator.changed(null);
    expect(await client.next()).to.include({ type: 'error', code: 'access_denied', id: 's', bucket: 'home', prefix: 'p/' });
    stream.commit('secret');
    client.say({ type: 'ping' });
    expect(await client.next()).to.deep.equal({ type: 'pong' });
  });
  it('ends a subscription whose rights went while it was begun', async () => {
    const client = await stream.ready();
    const { list } = stream.namespace;
    stream.namespace.list = async (who, query) => {
      const page = await list.call(stream.namespace, who, query);
      stream.namespace.list = () => Promise.reject(new CloudStoreError('access_denied', 'no more'));
      stream.rightsChanged(query.bucket);
      return page;
    };
    client.say({ type: 'subscribe', bucket: 'home', id: 's' });
    client.say({ type: 'ping' });
    expect(await client.next()).to.include({ type: 'subscribed' });
    expect(await client.next()).to.include({ type: 'error', code: 'access_denied', id: 's' });
    expect(await client.next()).to.deep.equal({ type: 'pong' });
    stream.commit('secret');
    client.say({ type: 'ping' });
    expect(await client.next()).to.deep.equal({ type: 'pong' });
  });
  it('says try again, and not that a session or a right has ended, while nobody can tell', async () => {
    const away = new CloudStoreError('unavailable', 'The database cannot be reached.');
    const watching = await stream.ready();
    const { accessToken } = stream.authenticator;
    stream.authenticator.accessToken = () => Promise.reject(away);
    stream.authenticator.changed(null);
    expect(await watching.closed).to.equal(1011);
    stream.authenticator.accessToken = accessToken;
    const client = await stream.ready();
    client.say({ type: 'subscribe', bucket: 'home' });
    expect(await client.next()).to.include({ type: 'subscribed' });
    stream.namespace.list = () => Promise.reject(away);
    stream.authenticator.changed(null);
    expect(await client.closed).to.equal(1011);
    expect(client.queue).to.deep.equal([]);
  });
  it('asks again for what the user is by now, and not for what it was when it subscribed', async () => {
    const groups = [7];
    stream.authenticator.accessToken = () => ({ ...USERS.ann!, groups: [...groups] });
    const { list } = stream.namespace;
    stream.namespace.list = (who, query) =>
      who.principal?.groups?.includes(7) === true
        ? list.call(stream.namespace, who, query)
        : Promise.reject(new CloudStoreError('access_denied', 'not of the group'));
    const client = await stream.ready();
    client.say({ type: 'subscribe', bucket: 'home', id: 's' });
    expect(await client.next()).to.include({ type: 'subscribed' });
    groups.pop();
    stream.authenticator.changed(USERS.ann?.id ?? 0);
    expect(await client.next()).to.include({ type: 'error', code: 'access_denied' });
    expect(client.socket.readyState).to.equal(WebSocket.OPEN);
  });
  it('tells of log-ins, of refused ones too, and of renewals only when they fail', async () => {
    const client = await stream.ready();
    client.say({ type: 'auth', token: 'token-ann' });
    expect(await client.next()).to.include({ type: 'ready' });
    client.say({ type: 'auth', token: 'token-bob' });
    expect(await client.next()).to.include({ type: 'error', code: 'access_denied' });
    const wrong = await stream.open();
    wrong.say({ type: 'auth', token: 'token-nobody' });
    expect(await wrong.closed).to.equal(4401);
    expect(stream.logins).to.deep.equal([200, 403, 401]);
  });
  it('answers what it does not understand and goes on', async () => {
    const client = await stream.ready();
    client.socket.send('{');
    expect(await client.next()).to.include({ type: 'error', code: 'invalid_argument' });
    client.say({ type: 'subscribe', bucket: 'none' });
    expect(await client.next()).to.include({ type: 'error', code: 'bucket_not_found' });
    for (const prefix of ['a', 'b']) client.say({ type: 'subscribe', bucket: 'home', prefix });
    await client.next();
    await client.next();
    client.say({ type: 'subscribe', bucket: 'home', prefix: 'c' });
    expect(await client.next()).to.include({ type: 'error', code: 'rate_limited' });
    client.socket.send('x'.repeat(70_000));
    expect(await client.closed).to.equal(1009);
  });
  it('drops who takes nothing, and lets it go on from its last cursor without a gap', async () => {
    const slow = await stream.ready();
    slow.say({ type: 'subscribe', bucket: 'home', cursor: '1.0', id: 's' });
    expect(await slow.next()).to.include({ type: 'subscribed' });
    stream.commit('first');
    const first = await slow.next();
    slow.socket.pause();
    const count = 20_000;
    for (let n = 0; n < count; n++) stream.commit(`${n} ${'x'.repeat(900)}`);
    await stream.gone();
    slow.socket.resume();
    expect(await slow.closed).to.be.oneOf([4409, 1006]);
    const seen = [first, ...slow.queue.filter(({ type }) => type === 'event')].map(({ cursor }) => String(cursor));
    expect(seen.length).to.be.below(count);
    const again = await stream.ready();
    again.say({ type: 'subscribe', bucket: 'home', cursor: seen.at(-1), id: 's' });
    expect(await again.next()).to.include({ type: 'subscribed' });
    while (seen.length < count + 1) seen.push(String((await again.next()).cursor));
    expect(seen).to.deep.equal(Array.from({ length: count + 1 }, (_, n) => `1.${n + 1}`));
  });
  it('reads no more from who asks and takes no answers, and drops it, before much waits for it', async () => {
    const client = await stream.ready();
    client.socket.pause();
    let gone = false;
    void stream.gone().then(() => (gone = true));
    // An answer that is as long as the question.
    const question = { type: 'unsubscribe', bucket: 'none', prefix: 'x'.repeat(1_000) };
    for (let n = 0; !gone; n++) {
      client.say(question);
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      while (!gone && client.socket.bufferedAmount > 1 << 20) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    client.socket.resume();
    expect(await client.closed).to.be.oneOf([4409, 1006]);
    expect(stream.waited()).to.be.below(1 << 19);
  });
  it('answers pings as long as the answers are taken', async () => {
    const client = await stream.ready();
    const pong = new Promise((resolve) => client.socket.once('pong', (data) => resolve(String(data))));
    client.socket.ping('once');
    expect(await pong).to.equal('once');
    client.socket.pause();
    for (let n = 0; n < 150_000; n++) {
      client.socket.ping(Buffer.alloc(125));
      while (client.socket.bufferedAmount > 1 << 20) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(stream.waited()).to.be.below(65_536);
    client.socket.resume();
    client.say({ type: 'ping' });
    expect(await client.next()).to.deep.equal({ type: 'pong' });
    expect(stream.waited()).to.be.below(65_536);
  });
  it('refuses pages of other origins', async () => {
    const socket = new WebSocket(stream.url, { origin: 'https://evil.example' });
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).to.include('403');
  });
  it('says goodbye when the gateway drains', async () => {
    const client = await stream.ready();
    stream.drain();
    expect(await client.closed).to.equal(1001);
  });
});

/** The handler behind a bare server, on a journal in memory of the bucket `home`. */
async function serveStream({ authMs = 30_000, slowMs = 1_000 } = {}) {
  const store = memoryNamespace();
  const authenticator = memoryAuthenticator();
  const events: JournalEvent[] = [];
  let wake: () => void = () => undefined;
  let grown = new Promise<void>((resolve) => (wake = resolve));
  const head = () => ({ epoch: 1, seq: events.length });
  const hub: Hub = {
    async follow(_bucket, from, deliver, signal) {
      if (from.epoch !== 1) throw new CloudStoreError('cursor_expired', 'too old');
      for (let seq = from.seq; !signal.aborted; ) {
        const batch = events.slice(seq);
        const more = grown;
        if (batch.length > 0) await deliver(batch);
        else await more;
        seq += batch.length;
      }
    },
  };
  await store.buckets.create({ principal: USERS.ann ?? null, protocol: 'rest', requestId: 'setup' }, 'home');
  store.buckets.get = async () => store.buckets.resolve({ principal: null, protocol: 'ws', requestId: '' }, 'home');
  const logins: number[] = [];
  const rights = new Set<(bucket: number | null) => void>();
  const handler = createWsHandler({
    namespace: store.namespace,
    buckets: store.buckets,
    authenticator,
    authorizer: {
      require: () => undefined,
      decide: () => ({ allowed: true, rule: { kind: 'owner' } }),
      visible: () => true,
      listed: () => true,
      onChange: (listener) => {
        rights.add(listener);
        return () => rights.delete(listener);
      },
    },
    hub,
    journal: { head: async () => head(), since: async () => [] },
    clock: { now: () => Date.now() },
    loggedIn: (_req, _cx, status) => void logins.push(status),
    // Client and gateway are one process here, which may get no time for a while: longer than that it must be until nobody is there.
    limits: { authMs, subscriptionsMax: 2, slowMs },
  });
  const server = createServer();
  let left: () => void = () => undefined;
  const firstLeft = new Promise<void>((resolve) => (left = resolve));
  let waited = 0;
  server.on('upgrade', (req, socket, bytes) => {
    socket.once('close', left);
    socket.on('data', () => (waited = Math.max(waited, socket.writableLength)));
    const cx = {
      requestId: 'R',
      remoteAddress: '127.0.0.1',
      secure: false,
      header: () => undefined,
      log,
      signal: new AbortController().signal,
      op: '',
    };
    handler.upgrade(req, socket, bytes, cx);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`;
  const sockets: WebSocket[] = [];

  async function open() {
    const socket = new WebSocket(url);
    sockets.push(socket);
    const queue: Record<string, unknown>[] = [];
    let arrived: () => void = () => undefined;
    socket.on('message', (data) => {
      queue.push(JSON.parse(data.toString()));
      arrived();
    });
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('open', resolve));
    const next = async (): Promise<Record<string, unknown>> => {
      while (queue.length === 0) await new Promise<void>((resolve) => (arrived = resolve));
      return queue.shift() ?? {};
    };
    return { socket, closed, next, queue, say: (message: object) => socket.send(JSON.stringify(message)) };
  }
  async function ready() {
    const client = await open();
    client.say({ type: 'auth', token: 'token-ann' });
    await client.next();
    return client;
  }
  function commit(key: string): void {
    const cursor = { epoch: 1, seq: events.length + 1 };
    const rest = { kind: 'put', fromKey: null, fromBucket: null, versionId: null, size: 1, etag: 'e', at: 0 } as const;
    events.push({ bucket: 1, cursor, key, ...rest, principal: 1, protocol: 's3', requestId: 'R' });
    const before = wake;
    grown = new Promise<void>((resolve) => (wake = resolve));
    before();
  }
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.terminate();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return {
    ...store,
    authenticator,
    rightsChanged: (bucket: number) => {
      for (const listener of rights) listener(bucket);
    },
    logins,
    url,
    open,
    ready,
    commit,
    close,
    gone: () => firstLeft,
    /** The most bytes that waited for a client. */
    waited: () => waited,
    drain: () => handler.drain(),
  };
}
