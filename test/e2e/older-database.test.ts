import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { runProcess } from '../support/process.ts';

/** Yesterday's copy of the database comes back: nothing that a client holds of today may mean what it never meant. */
describe('an older copy of the database, put back', function () {
  this.timeout(300_000);
  let root: string;
  let gateway: TestGateway;
  let secrets: TestGateway;
  const data = (): string => join(root, 'data');

  before(function () {
    if (process.platform === 'win32') this.skip(); // it copies with cp, which keeps the owners
    root = mkdtempSync(join(tmpdir(), 'cloudstore-older-'));
  });
  after(async () => {
    if (gateway?.process.exitCode === null && gateway.process.signalCode === null) await gateway.kill();
    if (root !== undefined) rmSync(root, { recursive: true, force: true });
  });

  const serve = async (): Promise<void> => {
    gateway = await startGateway({ dataDir: data() });
  };
  const copy = async (from: string, to: string): Promise<void> => {
    const { code, stderr } = await runProcess('cp', ['-a', join(root, from), join(root, to)]);
    expect(code, stderr).to.equal(0);
  };
  const put = async (key: string): Promise<void> => {
    const signed = presign('PUT', `${gateway.s3Url}/home/${key}`, secrets, new Date());
    expect((await fetch(signed, { method: 'PUT', body: key })).status).to.equal(200);
  };
  /** The greatest number in the mark that the gateway keeps. */
  const marked = (): number => {
    const { marks } = JSON.parse(readFileSync(join(data(), 'journal-mark.json'), 'utf8')) as {
      marks: [number, number, number][];
    };
    return Math.max(...marks.map(([, , seq]) => seq));
  };
  const authorization = (): string => `Basic ${Buffer.from(`${secrets.user}:${secrets.password}`).toString('base64')}`;
  async function syncFrom(token: string): Promise<{ status: number; text: string; token: string }> {
    const answer = await fetch(`${gateway.webdavUrl}home/`, {
      method: 'REPORT',
      headers: { authorization: authorization(), 'content-type': 'application/xml' },
      body: `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>infinite</sync-level><prop><getetag/></prop></sync-collection>`,
    });
    const text = await answer.text();
    return { status: answer.status, text, token: /<d:sync-token>([^<]*)</.exec(text)?.[1] ?? '' };
  }
  async function folderEtag(): Promise<string> {
    const answer = await fetch(`${gateway.webdavUrl}home/`, {
      method: 'PROPFIND',
      headers: { authorization: authorization(), depth: '0' },
    });
    return /<d:getetag>([^<]*)</.exec(await answer.text())?.[1] ?? '';
  }
  /** The first answer to a subscription from there that is not its confirmation; without a cursor, the confirmation. */
  async function follow(cursor?: string): Promise<{ type: string; cursor: string }> {
    const login = await fetch(`${gateway.restUrl}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user: secrets.user, password: secrets.password }),
    });
    const { accessToken: token } = JSON.parse(await login.text());
    const socket = new WebSocket(`${gateway.restUrl.replace(/^http/, 'ws').replace('/api/v1', '')}/ws`);
    try {
      return await new Promise((resolve, reject) => {
        socket.onerror = () => reject(new Error('the socket failed'));
        socket.onclose = ({ code }) => reject(new Error(`the socket was closed (${code})`));
        socket.onopen = () => socket.send(JSON.stringify({ type: 'auth', token }));
        socket.onmessage = ({ data: text }) => {
          const message = JSON.parse(String(text));
          if (message.type === 'ready') socket.send(JSON.stringify({ type: 'subscribe', bucket: 'home', cursor }));
          else if (message.type !== 'subscribed' || cursor === undefined) resolve(message);
        };
      });
    } finally {
      socket.close();
    }
  }

  it('is noticed: cursors, sync tokens and ETags of folders of after the copy count no more', async () => {
    await serve();
    secrets = gateway;
    await put('old');
    const before = await syncFrom('');
    await gateway.stop();
    await copy('data/postgres', 'copy');

    await serve();
    expect((await syncFrom(before.token)).status, 'a start alone changes nothing').to.equal(207);
    for (const key of ['one', 'two', 'three']) await put(key);
    const after = await syncFrom(before.token);
    expect(after.text).to.contain('three');
    const lastEtag = await folderEtag();
    const { cursor } = await follow();
    // Killed, so that only what was written down in time counts; it holds what was committed a moment ago.
    const wanted = Number(cursor.split('.')[1]);
    while (marked() < wanted) await sleep(20);
    await gateway.kill();
    rmSync(join(data(), 'postgres'), { recursive: true });
    await copy('copy', 'data/postgres');

    await serve();
    expect(gateway.output().stderr + gateway.output().stdout).to.contain('older copy');
    for (const key of ['uno', 'due', 'tre', 'quattro', 'cinque']) await put(key);
    for (const { token } of [before, after]) {
      const refused = await syncFrom(token);
      expect(refused.status).to.equal(403);
      expect(refused.text).to.contain('valid-sync-token');
    }
    expect((await follow(cursor)).type).to.equal('reset');
    expect(await folderEtag()).not.to.equal(lastEtag);
    const anew = await syncFrom('');
    expect(anew.text).to.contain('quattro').and.not.contain('three');
    await gateway.stop();

    await serve();
    expect((await syncFrom(anew.token)).status, 'and once is enough').to.equal(207);
  });
});
