import { randomBytes } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import type { Logger, Metrics } from '#contracts/observability';
import type { Door } from '#http/door';
import { createListeners, type ListenersOptions } from '#http/server';

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  fields: Record<string, unknown>;
  message: string;
}

/** A logger that remembers. */
export function rememberingLog(lines: LogLine[] = [], bound: object = {}): { log: Logger; lines: LogLine[] } {
  const at =
    (level: LogLine['level']) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields: { ...bound, ...fields }, message });
  return {
    lines,
    log: {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => rememberingLog(lines, { ...bound, ...fields }).log,
    },
  };
}

export interface TestListeners {
  s3: AddressInfo;
  web: AddressInfo;
  lines: LogLine[];
  requests: { protocol: string; op: string; status: number; bytesIn: number; bytesOut: number }[];
  drain(ms: number): Promise<void>;
}

/** A door that answers 404 to everything. */
export const nothing: Door = {
  async handle(req, res) {
    req.resume();
    res.writeHead(404, { 'Content-Length': 0 }).end();
  },
};

/** The real listeners on free ports, with the doors of a test. */
export async function startListeners(options: Partial<ListenersOptions> = {}): Promise<TestListeners> {
  const { log, lines } = rememberingLog();
  const requests: TestListeners['requests'] = [];
  const metrics: Metrics = {
    request: (protocol, op, status, _seconds, bytesIn, bytesOut) =>
      void requests.push({ protocol, op, status, bytesIn, bytesOut }),
    gauge: () => undefined,
    counter: () => ({ add: () => undefined }),
    render: async () => 'cloudstore_requests_total 1\n',
  };
  const listeners = createListeners({
    host: '127.0.0.1',
    s3Port: 0,
    webPort: 0,
    tls: null,
    trustedProxies: [],
    metricsToken: null,
    publicUrl: null,
    s3: nothing,
    webdav: nothing,
    rest: nothing,
    nextcloud: nothing,
    ws: { upgrade: (_req, socket) => void socket.destroy() },
    push: { upgrade: (_req, socket) => void socket.destroy() },
    health: async () => ({ ready: true, checks: { database: 'ok' } }),
    clock: Date,
    random: randomBytes,
    log,
    metrics,
    ...options,
  });
  const { s3, web } = await listeners.listen();
  return { s3, web, lines, requests, drain: (ms) => listeners.drain(ms) };
}

/** A connection that a test speaks byte by byte; `read` waits until what came matches. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  closed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
    this.socket.on('error', () => undefined); // a reset is one of the ways in which a server says no
    this.socket.on('close', () => (this.closed = true));
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  async read(pattern: RegExp, ms = 5000): Promise<string> {
    const until = performance.now() + ms;
    while (!pattern.test(this.received)) {
      if (this.closed || performance.now() > until)
        throw new Error(`Did not come: ${pattern}. Received: ${JSON.stringify(this.received)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.received;
  }

  async waitForClose(ms = 5000): Promise<string> {
    const until = performance.now() + ms;
    while (!this.closed) {
      if (performance.now() > until) throw new Error(`Did not close. Received: ${JSON.stringify(this.received)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.received;
  }
}
