import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { CloudStoreError } from '#core/errors';
import type { Bytes } from '#core/stream';
import { abandonBody, allowBody, readBody, requestBytes, sendBody } from '#http/body';
import type { Door } from '#http/door';
import { RawClient, startListeners, type TestListeners } from '../../support/listeners.ts';

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;

describe('http listeners', () => {
  let running: TestListeners | null = null;
  const start = async (options: Parameters<typeof startListeners>[0] = {}): Promise<TestListeners> =>
    (running = await startListeners(options));
  afterEach(async () => {
    await running?.drain(0);
    running = null;
  });

  it('answers pipelined requests in order, each with its own id', async () => {
    const door: Door = {
      async handle(req, res, cx) {
        if (req.url === '/slow') await sleep(50);
        res.writeHead(200, { 'Content-Length': 16, 'X-Path': req.url ?? '' }).end(cx.requestId);
      },
    };
    const { s3 } = await start({ s3: door });
    const client = new RawClient(s3.port);
    client.send(get('/slow') + get('/quick') + get('/last'));
    const text = await client.read(/X-Path: \/last\r\n[\s\S]*\r\n\r\n[0-9A-F]{16}$/);
    expect([...text.matchAll(/X-Path: (\S+)/g)].map((match) => match[1])).to.deep.equal(['/slow', '/quick', '/last']);
    expect(new Set(text.match(/^[0-9A-F]{16}/gm)).size).to.equal(3);
    expect(text).not.to.match(/^Server:/im);
    client.socket.destroy();
  });

  it('sends 100 Continue only when the door wants the body', async () => {
    const door: Door = {
      async handle(req, res) {
        if (req.url === '/denied') {
          abandonBody(req, res);
          res.writeHead(403, { 'Content-Length': 0 }).end();
          return;
        }
        allowBody(req, res);
        const body = await readBody(req, 100);
        res.writeHead(200, { 'Content-Length': body.length }).end(body);
      },
    };
    const { s3 } = await start({ s3: door });
    const head = (path: string): string => `PUT ${path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`;
    const denied = new RawClient(s3.port);
    denied.send(head('/denied'));
    expect(await denied.waitForClose())
      .to.match(/^HTTP\/1\.1 403 /)
      .and.match(/Connection: close/);
    const allowed = new RawClient(s3.port);
    allowed.send(head('/allowed'));
    await allowed.read(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    allowed.send('hello');
    await allowed.read(/200 OK[\s\S]*hello$/);
    allowed.socket.destroy();
  });

  it('lets a client that is still sending see the early answer', async () => {
    const door: Door = {
      async handle(req, res) {
        abandonBody(req, res);
        res.writeHead(403, { 'Content-Length': 6 }).end('denied');
      },
    };
    const { s3 } = await start({ s3: door });
    const client = new RawClient(s3.port);
    client.send(`PUT /big HTTP/1.1\r\nHost: x\r\nContent-Length: ${8 << 20}\r\n\r\n`);
    for (let i = 0; i < 64 && !client.closed; i++) {
      client.send(Buffer.alloc(131_072));
      if (i % 8 === 0) await sleep(5);
    }
    expect(await client.read(/denied$/)).to.match(/^HTTP\/1\.1 403 /);
    client.socket.destroy();
  });

  it('ends a body that drips and serves one that is slow but moves', async () => {
    const door: Door = {
      async handle(req, res) {
        try {
          const body = await readBody(req, 1e6);
          res.writeHead(200, { 'Content-Length': 0, 'X-Size': body.length }).end();
        } catch {
          res.destroy();
        }
      },
    };
    // A second, because the machine may give this process no time for a part of one: what the honest one sends is read late then.
    const limits = { bodyBytesPerSecondMin: 500, bodyStallMs: 1_000, watchEveryMs: 50 };
    const { s3, lines } = await start({ s3: door, limits });
    const head = 'PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n';
    const dripping = new RawClient(s3.port);
    const honest = new RawClient(s3.port);
    dripping.send(head);
    honest.send(head);
    const drip = setInterval(() => dripping.socket.writable && dripping.send('a'), 50);
    for (let i = 0; i < 20; i++) {
      honest.send(Buffer.alloc(150));
      await sleep(80);
    }
    expect(await dripping.waitForClose()).to.equal('');
    clearInterval(drip);
    await honest.read(/X-Size: 3000/);
    expect(lines.some(({ fields }) => fields.stalled === 'body')).to.equal(true);
    honest.socket.destroy();
  });

  it('ends heads that never come', async () => {
    const { s3 } = await start({ limits: { headersTimeoutMs: 200 } });
    const client = new RawClient(s3.port);
    client.send('GET / HTTP/1.1\r\nHost: x\r\nX-A');
    expect(await client.waitForClose()).to.match(/^HTTP\/1\.1 408 /);
  });

  it('refuses what is no HTTP with a bare status', async () => {
    const { s3, web } = await start();
    for (const [text, status] of [
      ['nonsense\r\n\r\n', 400],
      [get('/', `X-Long: ${'a'.repeat(40_000)}\r\n`), 431],
      ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ] as const) {
      for (const { port } of [s3, web]) {
        const client = new RawClient(port);
        client.send(text);
        expect(await client.waitForClose()).to.match(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*Content-Length: 0\\r\\n\\r\\n$`));
      }
    }
  });

  it('refuses two hosts, also of one name and where the target is absolute (RFC 9112 §3.2)', async () => {
    const { s3, web } = await start();
    for (const { port } of [s3, web]) {
      for (const head of [
        'GET / HTTP/1.1\r\nHost: a',
        'PUT /x HTTP/1.1\r\nContent-Length: 9\r\nhost: b',
        'GET http://a/ HTTP/1.1\r\nHost: a',
      ]) {
        const client = new RawClient(port);
        client.send(`${head}\r\nX-Ghost: x\r\nHOST: a\r\n\r\n`);
        expect(await client.waitForClose(), head).to.match(/^HTTP\/1\.1 400 /);
      }
    }
  });

  it('tells nothing of a door that fails, but the id under which it is logged', async () => {
    const door: Door = {
      async handle() {
        throw new Error('secret detail');
      },
    };
    const { s3, web, lines } = await start({ s3: door, webdav: door });
    for (const url of [`http://127.0.0.1:${s3.port}/`, `http://127.0.0.1:${web.port}/dav/x`]) {
      const answer = await fetch(url);
      const text = await answer.text();
      expect(answer.status).to.equal(500);
      expect(text).to.match(/^Internal error\. Request id: [0-9A-F]{16}\n$/);
      const id = text.slice(-17, -1);
      const line = lines.find(({ level, fields }) => level === 'error' && fields.requestId === id);
      expect(line?.fields.err).to.be.instanceOf(Error);
    }
  });

  it('fires the signal when the client goes away, for those who asked before and after', async () => {
    let early: AbortSignal | null = null;
    let late: (() => AbortSignal) | null = null;
    let reached = Promise.withResolvers<void>();
    const door: Door = {
      async handle(req, _res, cx) {
        if (req.url === '/early') early = cx.signal;
        else late = () => cx.signal;
        reached.resolve();
      },
    };
    const { s3, requests } = await start({ s3: door });
    for (const path of ['/early', '/late']) {
      reached = Promise.withResolvers();
      const client = new RawClient(s3.port);
      client.send(get(path));
      await reached.promise;
      client.socket.destroy();
    }
    await until(() => requests.length === 2);
    expect((early as AbortSignal | null)?.aborted).to.equal(true);
    expect((late as (() => AbortSignal) | null)?.().aborted).to.equal(true);
    expect(requests.map(({ status }) => status)).to.deep.equal([499, 499]);
  });

  it('destroys an answer whose body fails or is not of its declared length', async () => {
    async function* body(path: string): AsyncGenerator<Buffer> {
      yield Buffer.from('12345');
      if (path === '/fails') throw new CloudStoreError('corrupt', 'no');
      if (path === '/long') yield Buffer.from('678901');
    }
    const door: Door = {
      async handle(req, res, cx) {
        res.writeHead(200, { 'Content-Length': 10 });
        const [, way = '', path = ''] = /^(\/handed)?(.*)$/.exec(req.url ?? '') ?? [];
        await sendBody(res, way === '' ? body(path) : handedOut(body(path)), cx.signal).catch(() => undefined);
      },
    };
    const { s3 } = await start({ s3: door });
    for (const path of ['/fails', '/short', '/long'].flatMap((one) => [one, `/handed${one}`])) {
      const client = new RawClient(s3.port);
      client.send(get(path));
      const text = await client.waitForClose();
      expect(text.split('\r\n\r\n')[1]?.length ?? 0, path).to.be.lessThan(10);
    }
  });

  it('lets a body that fails at once be answered, and writes the head of one that is empty', async () => {
    async function* body(path: string): AsyncGenerator<Buffer> {
      if (path === '/fails') throw new CloudStoreError('corrupt', 'no');
      if (path === '/full') yield Buffer.from('12345');
    }
    const whole = (path: string): Bytes => ({
      [Symbol.asyncIterator]: () => body(path),
      async whole() {
        const pieces: Buffer[] = [];
        for await (const piece of body(path)) pieces.push(piece);
        return Buffer.concat(pieces);
      },
    });
    const door: Door = {
      async handle(req, res, cx) {
        const [, way = '', path = ''] = /^(\/handed|\/whole)?(.*)$/.exec(req.url ?? '') ?? [];
        const begin = (): void => void res.writeHead(200, { 'Content-Length': path === '/full' ? 5 : 0, 'X-Begun': 'yes' });
        const source = way === '' ? body(path) : way === '/whole' ? whole(path) : handedOut(body(path));
        await sendBody(res, source, cx.signal, begin).catch((error: unknown) => {
          expect(error).to.have.property('code', 'corrupt');
          res.writeHead(500, { 'Content-Length': 2 }).end('no');
        });
      },
    };
    const { s3 } = await start({ s3: door });
    for (const way of ['', '/handed', '/whole']) {
      const answer = async (path: string) => {
        const got = await fetch(`http://127.0.0.1:${s3.port}${way}${path}`);
        return [got.status, got.headers.get('x-begun'), await got.text()];
      };
      expect(await answer('/fails'), way).to.deep.equal([500, null, 'no']);
      expect(await answer('/full'), way).to.deep.equal([200, 'yes', '12345']);
      expect(await answer('/empty'), way).to.deep.equal([200, 'yes', '']);
    }
  });

  /** A body that hands out what the other one yields, as those of stored objects do. */
  const handedOut = (body: AsyncGenerator<Buffer>): Bytes => ({
    [Symbol.asyncIterator]: () => body,
    async each(take) {
      for await (const piece of body) await take(piece);
    },
  });

  it('holds a slow reader back without holding its bytes', async () => {
    let made = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) {
        made += 262_144;
        yield Buffer.alloc(262_144);
      }
    }
    let stopped = 0;
    const door: Door = {
      async handle(req, res, cx) {
        res.writeHead(200);
        await sendBody(res, req.url === '/handed' ? handedOut(endless()) : endless(), cx.signal);
        stopped++;
      },
    };
    const { s3 } = await start({ s3: door });
    for (const [done, path] of ['/', '/handed'].entries()) {
      made = 0;
      const client = new RawClient(s3.port);
      client.socket.pause();
      client.send(get(path));
      // The kernel takes some megabytes; how soon is the machine's business.
      for (let before = -1; made !== before || made === 0; ) {
        before = made;
        expect(made).to.be.below(64 << 20);
        await sleep(200);
      }
      client.socket.destroy();
      await until(() => stopped === done + 1);
    }
  });

  it('reports a body that breaks off as incomplete', async () => {
    let seen: unknown;
    const door: Door = {
      async handle(req) {
        try {
          for await (const _ of requestBytes(req));
        } catch (error) {
          seen = error;
        }
      },
    };
    const { s3 } = await start({ s3: door });
    const client = new RawClient(s3.port);
    client.send('PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    client.socket.end();
    await client.waitForClose();
    await until(() => seen !== undefined);
    expect(seen).to.be.instanceOf(CloudStoreError).and.have.property('code', 'incomplete_body');
  });

  it('hands a body out piece by piece, nothing while the last piece is being taken, and says how it ended', async () => {
    const outcomes: string[] = [];
    const door: Door = {
      async handle(req, res) {
        const gone = new AbortController();
        let taking = false;
        let [bytes, pieces] = [0, 0];
        if (req.url === '/ready') await until(() => req.complete);
        const take = (piece: Uint8Array): Promise<void> | null => {
          expect(taking, 'one at a time').to.equal(false);
          bytes += piece.length;
          if (req.url === '/refused') throw new CloudStoreError('too_large', 'No more.');
          if (req.url === '/given-up') gone.abort();
          if (++pieces % 2 === 0) return null;
          taking = true;
          return until(() => req.readableLength > 0 || req.complete || req.destroyed).then(() => {
            taking = false;
            if (req.url === '/refused-later') throw new CloudStoreError('too_large', 'No more.');
          });
        };
        const outcome = await requestBytes(req, res).each!(take, gone.signal).then(() => 'whole', codeOf);
        outcomes.push(`${req.url} ${outcome}, ${taking ? 'taking' : 'taken'}`);
        if (outcome === 'whole') expect(bytes).to.equal(Number(req.headers['content-length']));
        if (!req.destroyed) res.writeHead(200, { 'Content-Length': 0 }).end();
      },
    };
    const { s3 } = await start({ s3: door });
    for (const [path, size, sent] of [
      ['/whole', 300_001, 300_001],
      ['/ready', 1001, 1001],
      ['/empty', 0, 0],
      ['/refused', 300_001, 300_001],
      ['/refused-later', 1001, 1001],
      ['/given-up', 300_001, 300_001],
      ['/broken', 300_001, 1001],
    ] as const) {
      const client = new RawClient(s3.port);
      const expects = path === '/whole' ? 'Expect: 100-continue\r\n' : '';
      client.send(`PUT ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${expects}Content-Length: ${size}\r\n\r\n`);
      if (expects !== '') await client.read(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
      client.send('b'.repeat(sent));
      if (path === '/broken') client.socket.end();
      await until(() => outcomes.some((outcome) => outcome.startsWith(`${path} `)));
      client.socket.destroy();
    }
    expect(outcomes).to.deep.equal([
      '/whole whole, taken',
      '/ready whole, taken',
      '/empty whole, taken',
      '/refused too_large, taken',
      '/refused-later too_large, taken',
      '/given-up aborted, taken',
      '/broken incomplete_body, taken',
    ]);
  });

  it('drains: running answers end, connections close, later ones are refused', async () => {
    const reached = Promise.withResolvers<void>();
    const door: Door = {
      async handle(_req, res) {
        reached.resolve();
        await sleep(150);
        res.writeHead(200, { 'Content-Length': 4 }).end('done');
      },
    };
    const listeners = await start({ s3: door });
    const idle = new RawClient(listeners.s3.port);
    const busy = new RawClient(listeners.s3.port);
    busy.send(get('/'));
    await reached.promise;
    await listeners.drain(600_000); // long before that it is through
    expect(await busy.waitForClose()).to.match(/Connection: close[\s\S]*done$/);
    expect(await idle.waitForClose()).to.equal('');
    const late = new RawClient(listeners.s3.port);
    expect(await late.waitForClose()).to.equal('');
  });

  it('drains: a connection whose first request is still on its way gets its answer', async () => {
    const door: Door = { handle: async (_req, res) => void res.writeHead(200, { 'Content-Length': 4 }).end('done') };
    const listeners = await start({ s3: door });
    const client = new RawClient(listeners.s3.port);
    const answered = new RawClient(listeners.s3.port);
    answered.send(get('/'));
    await answered.read(/done$/); // and the older one is accepted
    const drained = listeners.drain(5000);
    await sleep(20);
    client.send(get('/'));
    expect(await client.waitForClose()).to.match(/Connection: close[\s\S]*done$/);
    await drained;
  });

  it('drains: when time is up, signals fire and sockets are destroyed', async () => {
    let aborted = false;
    const reached = Promise.withResolvers<void>();
    const door: Door = {
      handle: (_req, _res, cx) =>
        new Promise(() => {
          cx.signal.addEventListener('abort', () => (aborted = true));
          reached.resolve();
        }),
    };
    const listeners = await start({ s3: door });
    const client = new RawClient(listeners.s3.port);
    client.send(get('/'));
    await reached.promise;
    await listeners.drain(100);
    expect(aborted).to.equal(true);
    expect(await client.waitForClose()).to.equal('');
  });
});

/** Mocha's own time ends what never comes. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

function codeOf(error: unknown): string {
  return error instanceof CloudStoreError ? error.code : String(error);
}
