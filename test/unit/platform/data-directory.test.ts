import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { isCloudStoreError } from '#core/errors';
import { ensureDataDirectory, joinDataDirectory, lockDataDirectory, nobodyServes, readOwner } from '#data-directory';
import { NODE_ARGS, ROOT } from '../../support/process.ts';

describe('the data directory', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-directory-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is made for its owner alone', async () => {
    const path = join(directory, 'a', 'b');
    await ensureDataDirectory(path);
    expect(statSync(path).mode & 0o777).to.equal(0o700);
  });

  it('says in one sentence that something above it is a file', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expectSentence(ensureDataDirectory(join(directory, 'file', 'data')), 'is not a directory');
  });

  it('says in one sentence that no directory can be made there', async function () {
    if (process.platform !== 'linux') this.skip(); // only Linux has such a directory, for root too
    await expectSentence(ensureDataDirectory('/proc/cloudstore/data'), 'takes no new directory');
  });

  it('says in one sentence that its path is too long, and makes nothing of it', async () => {
    const long = join(directory, 'x'.repeat(200), 'y'.repeat(200), 'z'.repeat(200));
    await expectSentence(ensureDataDirectory(long), 'is too long');
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it('says in one sentence that it is not writable', async () => {
    mkdirSync(join(directory, 'data'));
    chmodSync(join(directory, 'data'), 0o555);
    // Root may write everywhere, so it becomes somebody else for a moment.
    const root = process.getuid?.() === 0;
    if (root) chmodSync(directory, 0o755);
    if (root) process.seteuid?.(65_534);
    try {
      await expectSentence(ensureDataDirectory(join(directory, 'data')), 'not writable');
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  it('has one owner at a time, within a process and between processes', async () => {
    const first = await lockDataDirectory(directory, { kind: 'gateway', pid: process.pid });
    expect(first).not.to.equal(null);
    expect(await lockDataDirectory(directory, { kind: 'gateway', pid: process.pid })).to.equal(null);
    expect((await holder(directory, 'once')).said).to.equal('busy');
    expect(await readOwner(directory)).to.deep.equal({ kind: 'gateway', pid: process.pid });
    await first?.release();
    const second = await lockDataDirectory(directory, { kind: 'command', pid: process.pid });
    expect(second).not.to.equal(null);
    await second?.release();
    expect(await readOwner(directory)).to.equal(null);
  });

  it('is free again the moment its owner is killed', async () => {
    const other = await holder(directory, 'hold');
    expect(other.said).to.equal('locked');
    expect(await lockDataDirectory(directory, { kind: 'gateway', pid: process.pid })).to.equal(null);
    other.child.kill('SIGKILL');
    await once(other.child, 'exit');
    const lock = await lockDataDirectory(directory, { kind: 'gateway', pid: process.pid });
    expect(lock).not.to.equal(null);
    await lock?.release();
  });

  it('can be waited for', async () => {
    const first = await lockDataDirectory(directory, { kind: 'command', pid: process.pid });
    setTimeout(() => void first?.release(), 200);
    const second = await lockDataDirectory(directory, { kind: 'gateway', pid: process.pid }, 5000);
    expect(second).not.to.equal(null);
    await second?.release();
  });

  it('is served from by many, and whoever takes it next knows when the last has ended, killed or not', async () => {
    const [one, two] = [await joinDataDirectory(directory, 0), await joinDataDirectory(directory, 0)];
    expect(await nobodyServes(directory, 0)).to.equal(false);
    one.leave();
    expect(await nobodyServes(directory, 0)).to.equal(false);
    const other = await holder(directory, 'serve');
    expect(other.said).to.equal('serving');
    two.leave();
    expect(await nobodyServes(directory, 0)).to.equal(false);
    setTimeout(() => other.child.kill('SIGKILL'), 100);
    expect(await nobodyServes(directory, 5000)).to.equal(true);
    (await joinDataDirectory(directory, 0)).leave();
  });
});

async function holder(directory: string, mode: 'hold' | 'once' | 'serve') {
  const program =
    mode === 'serve'
      ? `
    const { joinDataDirectory } = await import('#data-directory');
    const place = await joinDataDirectory(${JSON.stringify(directory)}, 0);
    process.stdout.write('serving');
    setInterval(() => place, 1000);`
      : `
    const { lockDataDirectory } = await import('#data-directory');
    const lock = await lockDataDirectory(${JSON.stringify(directory)}, { kind: 'gateway', pid: process.pid });
    process.stdout.write(lock === null ? 'busy' : 'locked');
    if (${mode === 'hold'}) setInterval(() => lock, 1000);`;
  const child = spawn(process.execPath, [...NODE_ARGS, '--input-type=module', '-e', program], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Listened to from the beginning: it may have ended in the breath in which it said something.
  const ended = once(child, 'exit');
  const [said] = await once(child.stdout, 'data');
  if (mode === 'once') await ended;
  return { child, said: String(said) };
}

async function expectSentence(promise: Promise<unknown>, words: string): Promise<void> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(isCloudStoreError(error, 'unavailable'), String(error)).to.equal(true);
  expect((error as Error).message)
    .to.contain(words)
    .and.contain('CLOUDSTORE_DATA_DIR');
}
