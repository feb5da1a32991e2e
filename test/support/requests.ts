import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import type { TestGateway } from './gateway.ts';
import { presign } from './presign.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface SendOptions {
  headers?: OutgoingHttpHeaders;
  body?: Uint8Array | string;
  /** By default each request has a connection of its own: with several processes, it may come to any of them. */
  agent?: Agent;
  /** Goes out as it is, in place of the URL's, which is made tidy on its way. */
  path?: string;
}

/** @throws when the connection breaks before the whole answer is here, or it takes longer than 20 seconds */
export function send(method: string, url: string, { headers = {}, body, agent, path }: SendOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      agent: agent ?? false,
      ...(path === undefined ? {} : { path }),
      headers: { ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }), ...headers },
      signal: AbortSignal.timeout(20_000),
    });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    outgoing.end(body);
  });
}

/** A gateway's first bucket, by each door. */
export function doorsOf(gateway: TestGateway, { agent }: { agent?: Agent } = {}) {
  const basic = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
  const withAgent = agent === undefined ? {} : { agent };
  const s3 = (method: string, key: string, options: SendOptions = {}): Promise<Answer> =>
    send(method, presign(method, `${gateway.s3Url}/${gateway.bucket}/${key}`, gateway, new Date()), { ...withAgent, ...options });
  const dav = (method: string, key: string, options: SendOptions = {}): Promise<Answer> =>
    send(method, `${gateway.webdavUrl}${gateway.bucket}/${key}`, {
      ...withAgent,
      ...options,
      headers: { authorization: basic, ...options.headers },
    });
  const rest = (method: string, path: string, token: string, options: SendOptions = {}): Promise<Answer> =>
    send(method, `${gateway.restUrl}${path}`, {
      ...withAgent,
      ...options,
      headers: { authorization: `Bearer ${token}`, ...options.headers },
    });
  const login = async (user = gateway.user, password = gateway.password): Promise<Answer> =>
    send('POST', `${gateway.restUrl}/auth/login`, {
      ...withAgent,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user, password }),
    });
  return { s3, dav, rest, login };
}
