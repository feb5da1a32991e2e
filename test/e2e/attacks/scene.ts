import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { createClient, type S3Client } from '../../conformance/s3/harness/client.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { apiOf, type Reply } from '../../support/identity.ts';
import { send } from '../../support/requests.ts';

/** Stands in everything that only the victim may see, names included. */
export const CANARY = 'the-canary-of-the-victim';
/** 1 x 1, and valid. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Somebody, as every door knows them. */
export interface Person {
  name: string;
  password: string;
  basic: string;
  bucket: string;
  token: string;
  s3: S3Client;
}

export interface Sent {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** One gateway, somebody who has something, and somebody who wants it. */
export interface Scene {
  gateway: TestGateway;
  admin: Person;
  victim: Person;
  mallory: Person;
  /** Of the victim's `kept/`. */
  link: { id: number; token: string };
  /** The path goes out as it is. `door`: which listener. */
  raw(
    method: string,
    path: string,
    options?: { headers?: OutgoingHttpHeaders; body?: string | Buffer; door?: 'main' | 's3' },
  ): Promise<Sent>;
  api(method: string, path: string, by: Person | null, body?: object): Promise<Reply>;
  /** What is said on a connection of its own until the gateway ends it, or has said nothing for long. */
  talk(door: 'main' | 's3', bytes: string | Buffer): Promise<string>;
  stop(): Promise<void>;
}

export async function openScene(env: Record<string, string> = {}): Promise<Scene> {
  const gateway = await startGateway({ env });
  const { call, tokenOf } = apiOf(gateway);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const person = async (
    name: string,
    password: string,
    bucket: string,
    keys: { accessKeyId: string; secretAccessKey: string },
  ) => ({
    name,
    password,
    basic: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
    bucket,
    token: (await tokenOf(name, password)).token,
    s3: createClient(gateway.s3Url.replace(/\/$/, ''), keys),
  });
  const admin = await person(gateway.user, gateway.password, gateway.bucket, gateway);
  const enter = async (name: string): Promise<Person> => {
    const { json } = await call('POST', '/users', admin, { name });
    const self = await tokenOf(name, json.password);
    const key = (await call('POST', '/credentials', self, { kind: 's3', name: 'all' })).json;
    return person(name, json.password, json.bucket, key);
  };
  const [victim, mallory] = [await enter('victim'), await enter('mallory')];
  const api: Scene['api'] = (method, path, by, body) => call(method, path, by === null ? null : { token: by.token }, body);
  const put = async (key: string, body: string | Buffer, type = 'text/plain'): Promise<void> => {
    const { status } = await victim.s3.send('PUT', `/${victim.bucket}/${key}`, { body, headers: { 'content-type': type } });
    if (status !== 200) throw new Error(`${key}: ${status}`);
  };
  for (const version of ['first', 'second']) await put('kept/plan.txt', `${CANARY} ${version}`);
  await put('kept/pixel.png', PIXEL, 'image/png');
  await put('kept/page.html', `<script>${CANARY}</script>`, 'text/html');
  await put('kept/page.svg', `<svg xmlns="http://www.w3.org/2000/svg"><script>${CANARY}</script></svg>`, 'image/svg+xml');
  await put('kept-back/plan.txt', CANARY);
  await put('kept-back/pixel.png', PIXEL, 'image/png');
  await put(`gone/${CANARY}.txt`, CANARY);
  await victim.s3.send('DELETE', `/${victim.bucket}/gone/${CANARY}.txt`);
  await put('mine/own.txt', 'x');
  await mallory.s3.send('PUT', `/${mallory.bucket}/own.txt`, { body: 'own' });
  const link = (await api('POST', '/links', victim, { bucket: victim.bucket, key: 'kept/' })).json;
  return {
    gateway,
    admin,
    victim,
    mallory,
    link,
    api,
    async raw(method, path, { door = 'main', ...options } = {}) {
      const origin = door === 's3' ? gateway.s3Url : gateway.webUrl;
      const { status, headers, body } = await send(method, origin, { ...options, path, agent });
      return { status, headers, text: body.toString() };
    },
    talk(door, bytes) {
      const { hostname, port } = new URL(door === 's3' ? gateway.s3Url : gateway.webUrl);
      return new Promise((resolve) => {
        const socket = connect(Number(port), hostname);
        let said = '';
        socket.on('data', (data) => (said += data.toString('latin1')));
        socket.on('error', () => undefined);
        socket.setTimeout(10_000, () => socket.destroy());
        socket.once('close', () => resolve(said));
        socket.write(bytes);
      });
    },
    async stop() {
      agent.destroy();
      await gateway.stop();
    },
  };
}
