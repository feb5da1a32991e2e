import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createHeldAnswers } from '#http/held-answers';
import { RawClient } from '../../support/listeners.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

const portOf = (server: Server | null): number => (server?.address() as AddressInfo | undefined)?.port ?? 0;

describe('answers held for a turn', () => {
  let server: Server | null = null;
  const faults: unknown[] = [];
  const start = async (serve: (req: IncomingMessage, res: ServerResponse) => void): Promise<RawClient> => {
    faults.length = 0;
    server = createServer({ ServerResponse: createHeldAnswers((error) => faults.push(error)) }, serve);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new RawClient(portOf(server));
  };
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  it('go out together when the turn ends, or when there are many', async () => {
    const answers: ServerResponse[] = [];
    const ended: boolean[] = [];
    const written = (): number => answers.filter(({ writableEnded }) => writableEnded).length;
    const client = await start((req, res) => {
      answers.push(res);
      res.writeHead(200, { 'Content-Length': 2, 'X-Path': req.url }).end('ok');
      ended.push(res.writableEnded);
      if (req.url === '/39') expect(written()).to.equal(32);
    });
    client.send(Array.from({ length: 40 }, (_, i) => get(`/${i}`)).join(''));
    // In order, so the last one says that all are there.
    await client.read(/X-Path: \/39\r\n[\s\S]*\r\n\r\nok$/);
    expect(client.received.match(/200 OK/g)).to.have.length(40);
    expect(ended.map((it, i) => (it ? i : -1)).filter((i) => i >= 0)).to.deep.equal([31]);
    expect(written()).to.equal(40);
    expect(faults).to.deep.equal([]);
  });

  it('are what their first end says', async () => {
    const client = await start((_req, res) => {
      res.writeHead(200, { 'Content-Length': 5, Connection: 'close' });
      res.end('first');
      res.end('other');
    });
    client.send(get('/'));
    expect(await client.waitForClose()).to.match(/\r\n\r\nfirst$/);
  });

  it('that node refuses lose their connection and nobody else', async () => {
    const client = await start((req, res) => {
      res.writeHead(200, { 'Content-Length': 2 });
      if (req.url === '/bad') res.end(42 as unknown as string);
      else res.end('ok');
    });
    const other = new RawClient(portOf(server));
    client.send(get('/bad'));
    other.send(get('/good'));
    await client.waitForClose();
    await other.read(/\r\n\r\nok$/);
    expect(faults).to.have.length(1);
  });

  it('whose client went away meanwhile are dropped', async () => {
    const closed = new Promise<ServerResponse>((resolve) => {
      void start((req, res) => {
        res.once('close', () => resolve(res));
        res.writeHead(200, { 'Content-Length': 2 }).end('ok');
        req.socket.destroy();
      }).then((client) => client.send(get('/')));
    });
    expect((await closed).writableFinished).to.equal(false);
    await new Promise(setImmediate);
    expect(faults).to.deep.equal([]);
  });

  it('whose length is checked tell at once that they are short', async () => {
    let error: unknown = null;
    const client = await start((_req, res) => {
      res.strictContentLength = true;
      res.writeHead(200, { 'Content-Length': 10 });
      res.write('short');
      try {
        res.end();
      } catch (thrown) {
        error = thrown;
        res.destroy();
      }
    });
    client.send(get('/'));
    await client.waitForClose();
    expect((error as NodeJS.ErrnoException | null)?.code).to.equal('ERR_HTTP_CONTENT_LENGTH_MISMATCH');
  });
});
