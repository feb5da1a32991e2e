import { rmSync } from 'node:fs';
import { get } from 'node:http';
import { expect } from 'chai';
import { type Client, createClient, type ServerMessage } from '../../clients/typescript/index.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { freePort } from '../support/free-port.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';

describe('the event stream of a gateway', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let admin: Client;
  let member: Client;
  const command = (args: string[], input = '') => cloudstore(args, { env: { CLOUDSTORE_DATA_DIR: gateway.dataDir }, input });
  const signIn = async (user: string, password: string): Promise<Client> => {
    const client = createClient({ url: gateway.webUrl, fetch: checkedFetch });
    await client.login(user, password);
    return client;
  };
  before(async () => {
    // One that a gateway which is started anew gets again.
    gateway = await startGateway({ keepData: true, env: { CLOUDSTORE_PORT: String(await freePort()) } });
    await command(['user', 'add', 'mia', '--role', 'member', '--password-stdin'], 'mia-password-1\n');
    [admin, member] = [await signIn(gateway.user, gateway.password), await signIn('mia', 'mia-password-1')];
  });
  after(async () => {
    await gateway.stop();
    rmSync(gateway.dataDir, { recursive: true, force: true });
  });

  /** A stream whose messages are waited for by what they are. */
  function open(client: Client, device?: string) {
    const messages: ServerMessage[] = [];
    let arrived: () => void = () => undefined;
    const states: string[] = [];
    const hear = (message: ServerMessage): void => {
      messages.push(message);
      arrived();
    };
    const stream = client.events({
      onMessage: hear,
      onState: (state) => {
        states.push(state);
        arrived();
      },
      ...(device === undefined ? {} : { device }),
    });
    const until = async <T>(look: () => T | undefined): Promise<T> => {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => (arrived = resolve));
      }
    };
    return {
      stream,
      hear,
      opened: () => until(() => (states.includes('open') ? true : undefined)),
      ended: () => until(() => (states.includes('closed') ? true : undefined)),
      message: (matches: (message: ServerMessage) => boolean) => until(() => messages.find(matches)),
    };
  }

  it('tells changes to who may see them, goes on over a restart of the gateway, and misses nothing', async () => {
    const one = open(admin);
    one.stream.subscribe({ bucket: 'home', prefix: 'live/', onEvent: one.hear });
    await one.opened();
    await admin.call('PutFile', { path: { bucket: 'home', key: 'live/a.txt' }, body: 'a' });
    await one.message(({ type, key }) => type === 'event' && key === 'live/a.txt');
    await gateway.kill();
    gateway = await startGateway({
      dataDir: gateway.dataDir,
      keepData: true,
      env: { CLOUDSTORE_PORT: new URL(gateway.webUrl).port },
    });
    await admin.call('PutFile', { path: { bucket: 'home', key: 'live/b.txt' }, body: 'b' });
    await one.message(({ type, key }) => type === 'event' && key === 'live/b.txt');
    one.stream.close();
  });

  it('tells admins how jobs come on', async () => {
    const one = open(admin);
    one.stream.watch('jobs');
    await one.opened();
    await one.message(({ type, job }) => type === 'job' && (job as { name: string }).name === 'scrub');
    await admin.call('StartJob', { path: { name: 'scrub' }, body: {} });
    const done = await one.message(
      ({ type, job }) =>
        type === 'job' &&
        (job as { name: string; outcome: unknown }).name === 'scrub' &&
        (job as { outcome: unknown }).outcome !== null,
    );
    expect((done.job as { outcome: { kind: string } }).outcome.kind).to.equal('done');
    one.stream.close();
  });

  it('shows a user the devices that are there, and when they go', async () => {
    const phone = open(member, 'phone');
    phone.stream.watch('presence');
    await phone.opened();
    const names = (message: ServerMessage): string => (message.devices as { name: string }[]).map(({ name }) => name).join();
    await phone.message((message) => message.type === 'presence' && names(message) === 'phone');
    const laptop = open(member, 'laptop');
    await phone.message((message) => message.type === 'presence' && names(message) === 'phone,laptop');
    const stranger = open(admin, 'desk');
    stranger.stream.watch('presence');
    await stranger.message((message) => message.type === 'presence' && names(message) === 'desk');
    laptop.stream.close();
    const alone = new Set<ServerMessage>();
    await phone.message((message) => {
      if (message.type === 'presence' && names(message) === 'phone') alone.add(message);
      return alone.size === 2;
    });
    phone.stream.close();
    stranger.stream.close();
  });

  it('shows admins the requests of all doors, by user, bucket and status', async () => {
    const [all, some] = [open(admin), open(admin)];
    all.stream.watch('trace');
    some.stream.watch('trace', { user: 'mia', bucket: 'home', status: '4xx' });
    const keyed = open(admin);
    keyed.stream.watch('trace', { device: `s3:${gateway.accessKeyId}` });
    await all.message(({ type }) => type === 'watching').catch(() => undefined);
    await Promise.all([all.opened(), some.opened()]);
    await all.message(({ type }) => type === 'watching');
    await some.message(({ type }) => type === 'watching');
    await keyed.message(({ type }) => type === 'watching');
    await member.call('PutFile', { path: { bucket: 'home', key: 'seen.txt' }, body: 'x' }).catch(() => undefined);
    await member.call('Stat', { path: { bucket: 'home', key: 'not there' } }).catch(() => undefined);
    await fetch(`${gateway.s3Url}/home/unsigned?X-Secret=canary`).then((response) => response.text());
    const Authorization = `Basic ${btoa('mia:mia-password-1')}`;
    await fetch(`${gateway.webdavUrl}`, { method: 'PROPFIND', headers: { Authorization, Depth: '0' } }).then((response) =>
      response.text(),
    );
    interface Entry {
      door: string;
      operation: string;
      user: string | null;
      bucket: string | null;
      status: number;
      path: string;
    }
    const entries: Entry[] = [];
    await all.message((message) => {
      if (message.type === 'trace') entries.push(...(message.entries as Entry[]));
      return ['s3', 'webdav', 'rest'].every((door) => entries.some((entry) => entry.door === door));
    });
    expect(entries.find(({ door }) => door === 's3')).to.include({
      bucket: 'home',
      path: '/home/unsigned',
      user: null,
      status: 403,
    });
    expect(entries.find(({ door }) => door === 'webdav')).to.include({ user: 'mia', operation: 'PROPFIND' });
    const message = await some.message(({ type }) => type === 'trace');
    for (const entry of message.entries as Entry[]) expect(entry).to.include({ user: 'mia', bucket: 'home', status: 404 });
    // What stands in a path where a bucket does elsewhere is none.
    const health: Entry[] = [];
    await admin.call('Health', {});
    await all.message((told) => {
      if (told.type === 'trace') health.push(...(told.entries as Entry[]).filter(({ operation }) => operation === 'Health'));
      return health.length > 0;
    });
    expect(health[0]).to.include({ path: '/api/v1/system/health', bucket: null });
    const url = presign('GET', `${gateway.s3Url}/home/keyed`, gateway, new Date());
    await fetch(url).then((response) => response.text());
    const own = (await keyed.message(({ type }) => type === 'trace')).entries as object[];
    expect(own[0]).to.include({ device: `s3:${gateway.accessKeyId}`, path: '/home/keyed', user: 'admin' });
    // By its name, and under a host that is the bucket's: then the path is the key's alone.
    const made = await admin.call('CreateCredential', { body: { kind: 's3', name: 'my laptop' } });
    const named = open(admin);
    named.stream.watch('trace', { device: 'my laptop', bucket: 'home' });
    await named.message(({ type }) => type === 'watching');
    const { port } = new URL(gateway.s3Url);
    const keys = { accessKeyId: made.id, secretAccessKey: made.secretAccessKey ?? '' };
    const hosted = presign('GET', `http://home.localhost:${port}/by-host`, keys, new Date());
    // Node resolves no such name by itself everywhere: the address is ours, the Host the bucket's.
    await new Promise<void>((resolve, reject) => {
      const { pathname, search, host } = new URL(hosted);
      get({ host: '127.0.0.1', port, path: pathname + search, headers: { host } }, (answer) =>
        answer.resume().once('end', resolve),
      ).once('error', reject);
    });
    const byHost = (await named.message(({ type }) => type === 'trace')).entries as object[];
    expect(byHost[0]).to.include({
      device: `s3:${made.id}`,
      deviceName: 'my laptop',
      bucket: 'home',
      path: '/by-host',
      user: 'admin',
    });
    named.stream.close();
    keyed.stream.close();
    all.stream.close();
    some.stream.close();
  });

  it('shows members neither jobs nor requests', async () => {
    const one = open(member);
    one.stream.watch('jobs');
    await one.message(({ type, code }) => type === 'error' && code === 'access_denied');
    one.stream.watch('trace');
    const refused = new Set<ServerMessage>();
    await one.message((message) => {
      if (message.type === 'error' && message.code === 'access_denied') refused.add(message);
      return refused.size === 2;
    });
    one.stream.close();
  });

  it('ends with the session: revoked elsewhere, it closes at once', async () => {
    const one = open(member);
    await one.opened();
    expect((await command(['user', 'disable', 'mia'])).code).to.equal(0);
    await one.ended();
  });
});
