import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request on its way: nothing, or one of the ways in which a network and a tired store fail. */
export type ProxyFault =
  | null
  /** The connection ends before the store has seen the request. */
  | 'reset'
  /** The store carries it out, and the answer never comes. */
  | 'lost'
  /** 503 SlowDown, and 500 InternalError. */
  | 'slow-down'
  | 'internal'
  /** The connection ends in the middle of the answer's body. */
  | 'cut'
  /** The connection ends in the middle of the request's body. */
  | 'cut-request'
  /** Half a second late. */
  | 'late'
  /** No answer, and the connection stays. */
  | 'silent'
  /** 501 to a conditional put; and a store that does not look at the condition. */
  | 'no-conditions'
  | 'ignore-conditions';

export interface FaultyProxy {
  url: string;
  /** Asked for each request; `ignore-conditions` needs `remove`, which takes an object away. */
  fault: (request: IncomingMessage) => ProxyFault;
  /** Requests that came, by what was done to them. */
  readonly seen: Map<ProxyFault, number>;
  close(): Promise<void>;
}

/** Stands in front of an S3 server and breaks what it is told to break. */
export async function startFaultyProxy(target: string, remove?: (path: string) => Promise<void>): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const seen = new Map<ProxyFault, number>();
  const proxy: FaultyProxy = { url: '', fault: () => null, seen, close };
  const server = createServer((incoming, outgoing) => {
    const fault = proxy.fault(incoming);
    seen.set(fault, (seen.get(fault) ?? 0) + 1);
    incoming.on('error', () => undefined);
    outgoing.on('error', () => undefined);
    if (fault === 'reset') return void incoming.socket.resetAndDestroy();
    if (fault === 'slow-down') return refuse(incoming, outgoing, 503, 'SlowDown');
    if (fault === 'internal') return refuse(incoming, outgoing, 500, 'InternalError');
    if (fault === 'silent') return void incoming.resume();
    const conditional = incoming.headers['if-none-match'] !== undefined;
    if (fault === 'no-conditions' && conditional) return refuse(incoming, outgoing, 501, 'NotImplemented');
    const { headers } = incoming;
    const forward = (): void => {
      const upstream = request({ host: hostname, port, method: incoming.method, path: incoming.url, headers, agent: false });
      upstream.on('error', () => void incoming.socket.destroy());
      upstream.on('response', (answer) => {
        if (fault === 'lost') {
          answer.resume();
          answer.on('end', () => void incoming.socket.resetAndDestroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        if (fault !== 'cut') return void answer.pipe(outgoing);
        answer.once('data', (chunk: Buffer) => {
          outgoing.write(chunk.subarray(0, chunk.length >> 1), () => incoming.socket.destroy());
          answer.destroy();
        });
        answer.once('end', () => void incoming.socket.destroy());
      });
      if (fault === 'cut-request') {
        incoming.once('data', (chunk: Buffer) => {
          upstream.write(chunk.subarray(0, chunk.length >> 1));
          upstream.destroy();
          incoming.socket.resetAndDestroy();
        });
        incoming.once('end', () => void incoming.socket.resetAndDestroy());
        return;
      }
      incoming.pipe(upstream);
    };
    if (fault === 'late') setTimeout(forward, 500);
    // The header is signed, so the condition is made true instead.
    else if (fault === 'ignore-conditions' && conditional && remove)
      void remove((incoming.url ?? '').split('?')[0]!).then(forward);
    else forward();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;

  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, status: number, code: string): void {
  incoming.resume();
  incoming.on('end', () => {
    outgoing.writeHead(status, { 'content-type': 'application/xml' });
    outgoing.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>planted</Message></Error>`);
  });
}
