import { randomBytes } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Authenticator } from '#contracts/authenticator';
import type { Links } from '#contracts/links';
import type { Logger } from '#contracts/observability';
import { CloudStoreError } from '#core/errors';
import type { Principal } from '#core/principal';
import { createRestDoor } from '#protocols/rest/door';
import { ungranted } from '../../support/authorizer.ts';
import { memoryNamespace } from '../webdav/memory-namespace.ts';

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a foreign border; tests look into answers of any shape
  json: any;
}

export const USERS: Record<string, Principal> = {
  ann: { id: 1, name: 'ann', role: 'member' },
  bob: { id: 2, name: 'bob', role: 'member' },
  guest: { id: 3, name: 'guest', role: 'guest' },
};

/** Tokens are `token-NAME`, passwords `pw`. */
export function memoryAuthenticator(): Authenticator & { revoked: Set<string>; changed(id: number | null): void } {
  const listeners = new Set<(id: number | null) => void>();
  const revoked = new Set<string>();
  const no = (): never => {
    throw new CloudStoreError('not_implemented', 'not of these tests');
  };
  const refuse = (): never => {
    throw new CloudStoreError('unauthenticated', 'no');
  };
  return {
    revoked,
    changed: (id) => {
      for (const listener of listeners) listener(id);
    },
    password: async (name, password) => (password === 'pw' ? USERS[name] : undefined) ?? refuse(),
    remembered: () => null,
    accessKey: no,
    admit: () => undefined,
    accessToken: (token) => {
      const name = token.split('.')[0]?.replace('token-', '') ?? '';
      return revoked.has(token) ? refuse() : (USERS[name] ?? refuse());
    },
    login: async (name, password) => {
      if (name === 'flood') throw new CloudStoreError('rate_limited', 'slow down', { details: { retryAfterSeconds: 7 } });
      if (password !== 'pw' || !USERS[name]) refuse();
      return { accessToken: `token-${name}`, refreshToken: `refresh-${name}`, expiresInSeconds: 900 };
    },
    refresh: async (token) => ({
      accessToken: token.replace('refresh', 'token'),
      refreshToken: `${token}2`,
      expiresInSeconds: 900,
    }),
    renew: no,
    logout: async (token) => void revoked.add(token),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stillValid: async () => true,
  };
}

/** Share links have tests of their own, on a real gateway. */
function noLinks(): Links {
  const none = async (): Promise<never> => {
    throw new CloudStoreError('not_implemented', 'not of these tests');
  };
  return { create: none, list: none, get: none, token: none, update: none, remove: none, open: none, unlock: none };
}

/** The REST door behind a bare HTTP server, on the namespace in memory; bucket `home`. */
export async function serveRest() {
  const store = memoryNamespace();
  const errors: unknown[] = [];
  const log: Logger = { debug() {}, info() {}, warn() {}, error: (fields) => void errors.push(fields), child: () => log };
  const authenticator = memoryAuthenticator();
  const deps = {
    namespace: store.namespace,
    buckets: store.buckets,
    authenticator,
    authorizer: ungranted(),
    links: noLinks(),
    clock: { now: () => Date.now() },
    random: randomBytes,
    version: '9.9.9',
  };
  const door = createRestDoor(deps);
  const server = createServer((req, res) => {
    const ended = new AbortController();
    res.once('close', () => res.writableFinished || ended.abort());
    const cx = {
      requestId: 'R1',
      remoteAddress: '127.0.0.1',
      secure: false,
      header: () => undefined,
      log,
      signal: ended.signal,
      op: '',
    };
    if (!door.fast?.(req, res, cx)) void door.handle(req, res, cx);
  });
  // A client that breaks off in mid-body.
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('checkContinue', (req, res) => server.emit('request', req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await store.buckets.create({ principal: USERS.ann ?? null, protocol: 'rest', requestId: 'setup' }, 'home');

  /** The path goes out as it is, dot segments included. */
  function send(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string | Buffer | object; user?: string | null } = {},
  ): Promise<Reply> {
    const { headers = {}, user = 'ann' } = options;
    const plain = typeof options.body === 'string' || Buffer.isBuffer(options.body);
    const body = options.body === undefined ? '' : plain ? (options.body as string | Buffer) : JSON.stringify(options.body);
    const all: Record<string, string> = {
      ...(user === null ? {} : { authorization: `Bearer token-${user}` }),
      ...(options.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...(options.body !== undefined && !plain ? { 'content-type': 'application/json' } : {}),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const req = httpRequest({ host: '127.0.0.1', port, method, path: `/api/v1${path}`, headers: all, agent: false }, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = /json/.test(res.headers['content-type'] ?? '') && text !== '';
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: isJson ? JSON.parse(text) : undefined });
        });
      });
      req.on('error', reject);
      req.end(body);
    });
  }
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { ...store, deps, errors, port, send, close };
}
