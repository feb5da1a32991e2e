import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { cloudstore, type Finished } from '../support/process.ts';

describe('cloudstore disk', function () {
  this.timeout(240_000);
  let root: string;
  let gateway: TestGateway;
  const disk = (name: string): string => join(root, name);
  const run = (...args: string[]): Promise<Finished> =>
    cloudstore(['disk', ...args, '--data-dir', disk('data'), '--json'], { env: { CLOUDSTORE_LOG_LEVEL: 'error' } });
  const object = (method: string): string => presign(method, `${gateway.s3Url}/${gateway.bucket}/file`, gateway, new Date());
  const list = async (): Promise<{ number: number; state: string; present: boolean; fault: string | null; packs: number }[]> =>
    JSON.parse((await run('list')).stdout);

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'cloudstore-disk-'));
    gateway = await startGateway({ dataDir: disk('data') });
  });
  after(async () => {
    if (gateway?.process.exitCode === null) await gateway.stop();
    rmSync(root, { recursive: true, force: true });
  });

  /** The same by the door of the browser, where a path is not believed. */
  async function overRest(): Promise<void> {
    const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const admin = basic(gateway.user, gateway.password);
    const ask = async (method: string, path: string, body: object | null = null, as = admin) => {
      const headers = { authorization: as, 'content-type': 'application/json' };
      const answer = await fetch(`${gateway.restUrl}/system/${path}`, { method, headers, body: body && JSON.stringify(body) });
      // biome-ignore lint/suspicious/noExplicitAny: a foreign border; the test looks into answers of any shape
      return { status: answer.status, json: (await answer.json()) as any };
    };
    const made = await cloudstore(['user', 'add', 'ann', '--json', '--data-dir', disk('data')]);
    const ann = basic('ann', JSON.parse(made.stdout).password);
    for (const [method, path, body] of [
      ['POST', 'stores', { directory: disk('two') }],
      ['POST', 'stores/0/drain', { cancel: true }],
      ['POST', 'stores/0/replace', { directory: disk('two') }],
      ['DELETE', 'stores/0', null],
    ] as const)
      expect((await ask(method, path, body, ann)).status, path).to.equal(403);
    mkdirSync(disk('letters'));
    writeFileSync(join(disk('letters'), 'letter.txt'), 'mine');
    symlinkSync(disk('data'), disk('a-way-in'));
    for (const [directory, why] of [
      ['two', 'whole path'],
      [disk('data'), 'in one another'],
      [join(disk('a-way-in'), 'two'), 'in one another'],
      [root, 'in one another'],
      [join(disk('not'), 'mounted'), 'Is the disk mounted?'],
      [disk('letters'), 'no pack (letter.txt)'],
    ] as const)
      for (const path of ['stores', 'stores/7/replace']) {
        const { status, json } = await ask('POST', path, { directory });
        expect([status === 400 || status === 409, json.detail], `${path} ${directory}`).to.satisfy(
          ([fits, detail]: [boolean, string]) => fits && detail.includes(why),
        );
      }
    const added = await ask('POST', 'stores', { directory: disk('two') });
    const { number } = added.json.stores.at(-1);
    expect([added.status, added.json.stores.length]).to.deep.equal([201, 2]);
    expect((await ask('POST', 'stores', { directory: join(disk('two'), 'in') })).json.detail).to.contain('in one another');
    expect((await ask('DELETE', `stores/${number}`)).json.detail).to.contain('drain it first');
    expect((await ask('POST', 'stores/0/replace', { directory: disk('three') })).status).to.equal(409);
    // Not there any more; then there and not to be read; then in another place.
    renameSync(disk('two'), disk('three'));
    const seen = async () => (await ask('GET', 'storage')).json.stores.find((one: { number: number }) => one.number === number);
    expect(await seen()).to.include({ present: false, fault: null });
    mkdirSync(disk('two'));
    symlinkSync('cloudstore-store.json', join(disk('two'), 'cloudstore-store.json'));
    expect((await seen()).fault).to.contain('ELOOP');
    const replaced = await ask('POST', `stores/${number}/replace`, { directory: disk('three') });
    expect([replaced.status, replaced.json.missingPacks], JSON.stringify(replaced.json)).to.deep.equal([200, 0]);
    expect(await seen()).to.include({ present: true, state: 'active' });
    expect((await ask('POST', `stores/${number}/drain`, {})).status).to.equal(202);
    expect(await seen()).to.include({ state: 'draining' });
    expect((await ask('POST', `stores/${number}/drain`, { cancel: true })).json.stores.at(-1)).to.include({ state: 'active' });
    await ask('POST', `stores/${number}/drain`, {});
    for (;;) {
      const removed = await ask('DELETE', `stores/${number}`);
      if (removed.status === 200) break;
      expect(removed.json.detail).to.contain('packs');
      await sleep(200);
    }
    expect((await ask('GET', 'storage')).json.stores.map((one: { number: number }) => one.number)).to.deep.equal([0]);
    expect((await ask('DELETE', 'stores/x')).status).to.equal(404);
  }

  it('adds, drains, removes and replaces, while the gateway serves', async () => {
    const body = randomBytes(3_000_000);
    expect((await fetch(object('PUT'), { method: 'PUT', body: new Uint8Array(body) })).status).to.equal(200);
    const same = async (): Promise<boolean> => Buffer.from(await (await fetch(object('GET'))).arrayBuffer()).equals(body);
    expect((await list()).map(({ number, present }) => [number, present])).to.deep.equal([[0, true]]);
    expect((await run('drain', '0')).stderr).to.contain('add one first');

    expect(JSON.parse((await run('add', disk('one'))).stdout)).to.include({ number: 1, state: 'active' });
    const drained = await run('drain', '0', '--wait');
    expect([drained.code, JSON.parse(drained.stdout || '{}').empty], drained.stderr).to.deep.equal([0, true]);
    expect(await same()).to.equal(true);
    expect(readdirSync(disk('one')).filter((name) => name.endsWith('.pack'))).to.not.deep.equal([]);
    expect((await run('remove', '0')).code).to.equal(1);
    expect((await run('drain', '0', '--cancel')).code).to.equal(0);
    expect((await run('remove', '1')).stderr).to.contain('drain it first');

    // A disk that fails: its copy takes its place.
    await gateway.stop();
    cpSync(disk('one'), disk('copy'), { recursive: true });
    rmSync(join(disk('copy'), 'cloudstore-store.json'));
    renameSync(disk('one'), disk('broken'));
    expect((await list()).find(({ number }) => number === 1)).to.include({ present: false });
    const replaced = await run('replace', '1', disk('copy'));
    expect([replaced.code, JSON.parse(replaced.stdout).missingPacks], replaced.stderr).to.deep.equal([0, []]);
    gateway = await startGateway({ dataDir: disk('data') });
    expect(await same()).to.equal(true);

    const back = await run('drain', '1', '--wait');
    expect([back.code, JSON.parse(back.stdout || '{}').empty], back.stderr).to.deep.equal([0, true]);
    expect((await run('remove', '1')).code).to.equal(0);
    expect(existsSync(join(disk('copy'), 'cloudstore-store.json'))).to.equal(false);
    expect(await same()).to.equal(true);
    await overRest();
    // An empty one in place of what is lost tells what is missing.
    mkdirSync(disk('empty'));
    await gateway.stop();
    rmSync(join(disk('data'), 'packs', 'cloudstore-store.json'));
    // What cannot be looked at is neither missing nor lost.
    symlinkSync('open', join(disk('empty'), 'open'));
    const blind = await run('replace', '0', disk('empty'));
    expect(blind.code, blind.stdout).to.not.be.oneOf([0, 3]);
    expect(blind.stderr).to.contain('cannot be read (ELOOP)');
    rmSync(join(disk('empty'), 'open'));
    symlinkSync('cloudstore-store.json', join(disk('data'), 'packs', 'cloudstore-store.json'));
    expect((await list())[0]?.fault).to.contain('ELOOP');
    expect((await cloudstore(['disk', 'list', '--data-dir', disk('data')])).stdout).to.match(/^0 +local +unreadable/m);
    rmSync(join(disk('data'), 'packs', 'cloudstore-store.json'));
    const emptied = await run('replace', '0', disk('empty'));
    expect([emptied.code, JSON.parse(emptied.stdout).missingPacks.length > 0]).to.deep.equal([3, true]);
    expect((await run('replace', '0', join(disk('data'), 'packs'))).code).to.equal(0);
    expect((await list()).find(({ number }) => number === 0)).to.include({ present: true });
    expect((await run('forget-spool')).code).to.equal(4);
    expect((await run('drain', 'x')).code).to.equal(2);
    expect((await run('drain', '9')).code).to.equal(4);
  });
});
