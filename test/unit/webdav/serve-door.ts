import { randomBytes } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Authenticator } from '#contracts/authenticator';
import type { Logger } from '#contracts/observability';
import { CloudStoreError } from '#core/errors';
import { createWebdavDoor } from '#protocols/webdav/door';
import { memoryNamespace } from './memory-namespace.ts';

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** The door behind a bare HTTP server, on the namespace in memory, with the users `ann` and `bob` (password `pw`) and the bucket `home`. */
export async function serveDoor({ publicUrl = null }: { publicUrl?: string | null } = {}) {
  const store = memoryNamespace();
  const errors: unknown[] = [];
  const log: Logger = { debug() {}, info() {}, warn() {}, error: (fields) => void errors.push(fields), child: () => log };
  const users = new Map(
    ['ann', 'bob', 'guest'].map((name, i) => [name, { id: i + 1, name, role: name === 'guest' ? 'guest' : 'member' } as const]),
  );
  const remembered = (name: string, password: string) => (password === 'pw' ? (users.get(name) ?? null) : null);
  const no = (): never => {
    throw new CloudStoreError('not_implemented', 'not of WebDAV');
  };
  const authenticator: Authenticator = {
    remembered,
    password: async (name) => {
      throw new CloudStoreError(name === 'flood' ? 'rate_limited' : 'unauthenticated', 'no');
    },
    accessKey: no,
    admit: () => undefined,
    accessToken: no,
    login: no,
    refresh: no,
    renew: no,
    logout: no,
    onChange: no,
    stillValid: no,
  };
  const door = createWebdavDoor({
    namespace: store.namespace,
    buckets: store.buckets,
    authenticator,
    authorizer: {
      require: no,
      decide: () => ({ allowed: true, rule: { kind: 'owner' } }),
      visible: () => true,
      listed: () => true,
      onChange: () => () => undefined,
    },
    principals: { find: async () => null },
    journal: store.journal,
    clock: { now: () => Date.now() },
    random: randomBytes,
    base: '/dav',
    publicUrl,
  });
  const server = createServer((req, res) => {
    const ended = new AbortController();
    res.once('close', () => res.writableFinished || ended.abort());
    const cx = {
      requestId: 'R',
      remoteAddress: '127.0.0.1',
      secure: false,
      header: () => undefined,
      log,
      signal: ended.signal,
      op: '',
    };
    if (!door.fast?.(req, res, cx)) void door.handle(req, res, cx);
  });
  server.on('checkContinue', (req, res) => server.emit('request', req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const who = { principal: users.get('ann') ?? null, protocol: 'webdav', requestId: 'setup' } as const;
  await store.buckets.create(who, 'home');

  const send = sender({ host: '127.0.0.1', port });
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  const plant = async (bucket: string, objects: [string, string][]): Promise<void> => {
    for (const [key, text] of objects) store.plant(bucket, key, text);
  };
  return { host: '127.0.0.1', port, send, plant, errors, close, store };
}

/** One request on a connection of its own, as one of the users, whose password is `pw`; the path goes out exactly as given. */
export function sender(at: { host: string; port: number }) {
  return (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body: string | Buffer = '',
    user = 'ann',
  ): Promise<Reply> => {
    const authorization = `Basic ${Buffer.from(`${user}:pw`).toString('base64')}`;
    return request({ ...at, method, path, headers: { authorization, ...headers }, body });
  };
}

export function request(o: {
  host: string;
  port: number;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Buffer;
}): Promise<Reply> {
  const { body, ...to } = o;
  // Both would be two lengths, which node's parser refuses.
  const length =
    body.length > 0 && to.headers['transfer-encoding'] === undefined ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  return new Promise((resolve, reject) => {
    const req = httpRequest({ ...to, headers: { ...length, ...to.headers }, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() }));
    });
    req.on('error', reject);
    req.end(body);
  });
}
