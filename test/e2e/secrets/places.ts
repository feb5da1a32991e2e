import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { createClient } from '../../conformance/s3/harness/client.ts';
import type { Keys } from '../../conformance/s3/harness/signer.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { apiOf } from '../../support/identity.ts';
import { send } from '../../support/requests.ts';
import type { Net } from './net.ts';
import type { Services } from './services.ts';

/** What is told from now on: the trace of all requests, and how jobs come on. */
export async function followEvents(net: Net, gateway: TestGateway, token: string): Promise<{ end(): Promise<void> }> {
  const socket = new WebSocket(`${gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/ws`);
  const heard: string[] = [];
  socket.on('message', (data) => heard.push(String(data)));
  await once(socket, 'open');
  for (const message of [
    { type: 'auth', token },
    { type: 'watch', channel: 'trace' },
    { type: 'watch', channel: 'jobs' },
  ])
    socket.send(JSON.stringify(message));
  const has = (text: string): boolean => heard.some((one) => one.includes(text));
  await until(() => heard.filter((one) => one.includes('"watching"')).length === 2);
  return {
    async end() {
      // Of each door that was used something is there, so the net has been held where they pass.
      await until(() => ['"rest"', '"s3"', '"webdav"', '"type":"job"'].every(has));
      socket.close();
      net.output('the live trace', heard.join('\n'));
    },
  };
}

/** Uses each password that the gateway was given, and looks at what came there beside it, and at what is told of its having failed. */
export async function useServices(
  net: Net,
  gateway: TestGateway,
  services: Services,
  { token, keys }: { token: string; keys: Keys },
): Promise<void> {
  const { call } = apiOf(gateway);
  const by = { token };
  const ask = async (method: string, path: string, body?: object): Promise<Awaited<ReturnType<typeof call>>> => {
    const answer = await call(method, path, by, body);
    net.output(`REST ${method} ${path} ${net.count(`REST ${method} ${path}`)}`, answer.body);
    return answer;
  };
  // The identity provider: one that it vouches for, one whose answer was meant for another, and a code that is spent.
  for (const wrong of [{}, { nonce: 'x' }]) {
    services.provider.next = { claims: { sub: 'nobody' }, wrong };
    const begun = await send('GET', `${gateway.restUrl}/auth/oidc/begin`);
    const cookie = String(begun.headers['set-cookie']?.[0]).split(';', 1)[0]!;
    const back = services.provider.approve(String(begun.headers.location));
    net.output(`where the provider is ${net.count('where')}`, String(begun.headers.location));
    for (const time of ['first', 'again']) {
      const answer = await send('GET', back, { headers: { cookie } });
      expect(answer.status, answer.body.toString()).to.equal(time === 'first' && !('nonce' in wrong) ? 303 : 401);
      net.output(`back from the provider ${net.count('back')}`, answer.body);
    }
  }
  expect(services.provider.exchanges()).to.be.at.least(2);

  // Webhook and mail: one that was away, then both; and what a bucket notifies of.
  const [first, second] = [await ask('POST', '/alerts/test', {}), await ask('POST', '/alerts/test', {})];
  expect(first.json.results[0].error).to.contain('503');
  expect(second.json.results.map(({ error }: { error: unknown }) => error)).to.deep.equal([null, null]);
  const s3 = createClient(gateway.s3Url.replace(/\/$/, ''), keys);
  const notification =
    '<NotificationConfiguration><QueueConfiguration><Queue>arn:cloudstore:webhook:::ops</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>';
  const set = await s3.send('PUT', '/home', { query: { notification: '' }, body: notification });
  expect(set.status, set.text).to.equal(200);
  expect((await s3.send('PUT', '/home/notified', { body: 'x' })).status).to.equal(200);
  await until(() => services.posted.some((one) => one.includes('ObjectCreated')));
  net.output('S3 notification', (await s3.send('GET', '/home', { query: { notification: '' } })).text);

  // The mirror and the store refuse: the job fails, and that is told by every way.
  await ask('POST', '/jobs/mirror/start', {});
  await until(async () => (await call('GET', '/jobs/mirror', by)).json.outcome?.kind === 'failed');
  await until(async () => {
    await call('POST', '/jobs/alerts/start', by, {});
    await sleep(50);
    return services.mails.some((mail) => mail.includes('mirror')) && services.posted.some((one) => one.includes('mirror'));
  });
  const key = services.secrets['the key of the store']!;
  const store = { kind: 's3', bucket: 'packs', endpoint: services.storeUrl, accessKeyId: 'AKIDOFNOBODY', secretAccessKey: key };
  expect((await ask('PUT', '/system/check-storage', { ...store, region: 'us-east-1' })).status).to.equal(202);
  await until(async () => (await call('GET', '/system/checks', by)).json.stores.length === 1);
  expect((await ask('PUT', '/system/check-storage', { ...store, accessKeyId: [key] })).status).to.equal(400);

  for (const path of [
    '/jobs',
    '/jobs/mirror',
    '/jobs/check-storage',
    '/alerts',
    '/system/checks',
    '/system/doctor',
    '/system/health',
  ])
    expect((await ask('GET', path)).status, path).to.equal(200);
  for (const path of ['/system/storage', '/system/stats', '/auth/oidc', '/system/info']) await ask('GET', path);
  for (const [index, one] of services.mails.entries()) net.output(`mail ${index}`, one);
  for (const [index, one] of services.posted.entries()) net.output(`webhook ${index}`, one);
  for (const [index, one] of services.stored.entries()) net.output(`request to the store ${index}`, one);
  const given = services.logins.join();
  for (const one of ['the mail server', 'Redis']) expect(given).to.contain(services.secrets[`the password of ${one}`]);
  expect(net.count('request to the store')).to.be.at.least(2);
}

/** What is asked for wrongly is answered, and the secret that was in it is not said again. */
export async function provokeErrors(net: Net, gateway: TestGateway, by: { token: string }, keys: Keys): Promise<void> {
  const { call, dav } = apiOf(gateway);
  const typed = (what: string): string => {
    const secret = `canary-typed-${what}`;
    net.canary(`the ${what} of a wrong request`, secret);
    return secret;
  };
  const json = { 'content-type': 'application/json', authorization: `Bearer ${by.token}` };
  const rest = async (method: string, path: string, body: string, headers: Record<string, string> = json): Promise<void> => {
    const answer = await send(method, `${gateway.restUrl}${path}`, { headers, body });
    expect(answer.status, `${method} ${path} ${body}`).to.be.within(400, 499);
    net.output(`wrong ${method} ${path} ${net.count('wrong')}`, answer.body);
  };
  const password = typed('password');
  await rest('POST', '/auth/login', JSON.stringify({ user: 'admin', password: [password] }));
  await rest('POST', '/auth/login', JSON.stringify({ user: 'admin', password, surprise: 1 }));
  await rest('POST', '/auth/login', `{"user":"admin","password":"${password}"x`);
  await rest('POST', '/auth/login', `user=admin&password=${password}`, { 'content-type': 'text/plain' });
  await rest('POST', '/auth/login', JSON.stringify({ user: 'admin', password, otp: typed('code') }));
  await rest('POST', '/users', JSON.stringify({ name: 'no/name', password }));
  await rest('POST', '/links', JSON.stringify({ bucket: 'home', key: '', password, expires: 'yesterday' }));
  await rest('POST', '/claims/redeem', JSON.stringify({ token: typed('claim') }));
  net.canary('words that are too weak', 'weak-words!');
  await rest('PUT', '/system/keys/master', JSON.stringify({ kind: 'passphrase', words: 'weak-words!' }));
  await rest('PUT', '/system/keys/master', JSON.stringify({ kind: 'file', words: typed('words') }));
  await rest('POST', '/batch', '{}', { ...json, authorization: `Bearer ${typed('token')}` });
  await rest('POST', '/batch', '{}', { ...json, authorization: `Basic ${typed('header')}` });
  net.output('WebDAV', (await dav('admin', typed('basic'))).body);
  net.output('a link that is none', (await call('GET', `/public/${'x'.repeat(20)}`, null)).body);
  const s3 = createClient(gateway.s3Url.replace(/\/$/, ''), keys);
  const customer = typed('customer-key');
  for (const headers of [
    { 'x-amz-server-side-encryption-customer-algorithm': 'AES256', 'x-amz-server-side-encryption-customer-key': customer },
    { 'x-amz-server-side-encryption-customer-algorithm': 'ROT13', 'x-amz-server-side-encryption-customer-key': customer },
  ]) {
    const answer = await s3.send('PUT', '/home/refused', { body: 'x', headers });
    expect(answer.status).to.equal(400);
    net.output(`S3 ${headers['x-amz-server-side-encryption-customer-algorithm']}`, answer.text);
  }
  const token = await s3.as({ ...keys, sessionToken: typed('session-token') }).send('GET', '/home/tiny');
  expect(token.status).to.be.within(400, 403);
  net.output('S3 with a token that is none', token.text);
}

/** A backup with all that is told of it, the audit as files, and the keys, changed last of all. */
export async function keepAndExport(net: Net, gateway: TestGateway, token: string, directory: string): Promise<void> {
  const { call } = apiOf(gateway);
  const by = { token };
  const ask = async (method: string, path: string, body?: object, status = 200): Promise<void> => {
    const answer = await call(method, path, by, body);
    expect(answer.status, `${method} ${path} ${answer.body}`).to.equal(status);
    net.output(`REST ${method} ${path}`, answer.body);
  };
  await ask('POST', '/backups', { to: directory, verify: false }, 202);
  await until(async () => (await call('GET', '/backups', by)).json.running.state === 'idle');
  await ask('GET', '/backups');
  await ask('POST', '/backups/look', { from: directory });
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      net.output(`backup ${path.slice(directory.length + 1)}`, readFileSync(path));
    }
  expect(net.count('backup ')).to.be.at.least(4);
  // It is written down behind the answer.
  await until(async () => (await call('GET', '/audit?action=MakeBackup', by)).json.items.length > 0);
  await ask('GET', '/audit?limit=1000');
  for (const format of ['jsonl', 'csv']) {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await send('GET', `${gateway.restUrl}/audit/export?format=${format}`, { headers });
    expect([answer.status, answer.body.includes('MakeBackup')]).to.deep.equal([200, true]);
    net.output(`audit as ${format}`, answer.body);
  }

  await ask('GET', '/system/keys');
  await ask('POST', '/system/keys/data', {}, 202);
  const words = 'canary words that nobody has said before';
  net.canary('the new words', words);
  await ask('PUT', '/system/keys/master', { kind: 'passphrase', words });
}

async function until(test: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await test())) await sleep(30);
}
