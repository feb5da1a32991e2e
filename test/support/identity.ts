import { createHmac } from 'node:crypto';
import { WebSocket } from 'ws';
import type { TestGateway } from './gateway.ts';
import { type Answer, send } from './requests.ts';

/** A JSON answer of the API. */
export interface Reply extends Answer {
  // biome-ignore lint/suspicious/noExplicitAny: a foreign border; tests look into answers of any shape
  json: any;
}

export type By = { token: string } | { user: string; password: string } | null;

/** The API of a gateway as a program calls it. */
export function apiOf(gateway: TestGateway) {
  const call = async (method: string, path: string, by: By, body?: object): Promise<Reply> => {
    const authorization =
      by === null
        ? undefined
        : 'token' in by
          ? `Bearer ${by.token}`
          : `Basic ${Buffer.from(`${by.user}:${by.password}`).toString('base64')}`;
    const answer = await send(method, `${gateway.restUrl}${path}`, {
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const isJson = /json/.test(answer.headers['content-type'] ?? '') && answer.body.length > 0;
    return { ...answer, json: isJson ? JSON.parse(answer.body.toString()) : undefined };
  };
  const login = (user: string, password: string, more: object = {}): Promise<Reply> =>
    call('POST', '/auth/login', null, { user, password, ...more });
  const tokenOf = async (user: string, password: string, more: object = {}): Promise<{ token: string; refreshToken: string }> => {
    const { status, json } = await login(user, password, more);
    if (status !== 200) throw new Error(`log-in: ${status} ${JSON.stringify(json)}`);
    return { token: json.accessToken, refreshToken: json.refreshToken };
  };
  const dav = (user: string, password: string, path = '', method = 'PROPFIND', body?: Buffer): Promise<Answer> =>
    send(method, `${gateway.webdavUrl}${path}`, {
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`, depth: '0' },
      ...(body === undefined ? {} : { body }),
    });
  return { call, login, tokenOf, dav };
}

/** A socket of the event stream that has authenticated; `closed` gives the code. */
export async function openSocket(gateway: TestGateway, token: string): Promise<{ closed: Promise<number>; close(): void }> {
  const socket = new WebSocket(`${gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/ws`);
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const ready = new Promise((resolve) => socket.once('message', resolve));
  socket.send(JSON.stringify({ type: 'auth', token }));
  const message = JSON.parse(String(await ready));
  if (message.type !== 'ready') throw new Error(`the socket says ${JSON.stringify(message)}`);
  return { closed, close: () => socket.close() };
}

/** A socket that follows a prefix of a bucket; `refused` gives the code with which the gateway ends that. */
export async function openFollower(
  gateway: TestGateway,
  token: string,
  subject: { bucket: string; prefix?: string },
): Promise<{ refused: Promise<string>; close(): void }> {
  const socket = new WebSocket(`${gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/ws`);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const hear = (type: string): Promise<{ code: string }> =>
    new Promise((resolve) => {
      socket.on('message', (data) => {
        const message = JSON.parse(String(data));
        if (message.type === type) resolve(message);
      });
    });
  const refused = hear('error').then(({ code }) => code);
  const begun = hear('subscribed').then(() => null);
  socket.send(JSON.stringify({ type: 'auth', token }));
  socket.send(JSON.stringify({ type: 'subscribe', ...subject }));
  const first = await Promise.race([begun, refused]);
  if (first !== null) throw new Error(`the subscription is refused: ${first}`);
  return { refused, close: () => socket.close() };
}

/** What an authenticator app shows, `steps` of thirty seconds from now; written apart from the gateway's own code. */
export function appCode(secret: string, steps = 0): string {
  const bits = [...secret].map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/[01]{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeUInt32BE(Math.floor(Date.now() / 30_000) + steps, 4);
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = mac[19]! % 16;
  const number = mac.readUInt32BE(offset) % 2 ** 31;
  return String(number % 1_000_000).padStart(6, '0');
}

/** Does something with what ends soon. On a machine that is too slow for it, it is done once more, with more time. @returns when it ends, ms */
export async function beforeItEnds(work: (ends: string) => Promise<unknown>, inMs = 2_500): Promise<number> {
  const ends = Date.now() + inMs;
  try {
    await work(new Date(ends).toISOString());
    return ends;
  } catch (error) {
    if (inMs > 60_000 || Date.now() < ends) throw error;
    return beforeItEnds(work, 4 * inMs);
  }
}

/** Within a second, as promised to whoever revokes; a machine that is busy with other tests gets a little longer. */
export async function within(check: () => Promise<boolean>, ms = 1_000): Promise<number> {
  const begun = performance.now();
  while (!(await check())) {
    if (performance.now() - begun > ms * 5) throw new Error(`it still holds after ${ms * 5} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - begun;
}
