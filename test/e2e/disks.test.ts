import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
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

  it('adds, drains, removes and replaces, while the gateway serves', async () => {
    const body = randomBytes(3_000_000);
    expect((await fetch(object('PUT'), { method: 'PUT', body: new Uint8Array(body) })).status).to.equal(200);
    const same = async (): Promise<boolean> => Buffer.from(await (await fetch(object('GET'))).arrayBuffer()).equals(body);
    expect((await list()).map(({ number, present }) => [number, present])).to.deep.equal([[0, true]]);
    expect((await run('drain', '0')).stderr).to.contain('add one first');

    expect(JSON.parse((await run('add', disk('one'))).stdout)).to.include({ number: 1, state: 'active' });
    await sleep(6_000); // the gateway looks every five seconds
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
