import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { BACKUP_LOCK_FILES, backupHolder, isTaken, lockBackups } from '#backup-lock';
import { isCloudStoreError } from '#core/errors';
import { NODE_ARGS, ROOT } from '../../support/process.ts';

const QUICK = { by: 'command', clock: Date, random: randomBytes, beatMs: 20, quietMs: 200 } as const;

describe('the lock of a directory of backups', () => {
  let directory: string;
  let note: string;
  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), 'cloudstore-backup-lock-')), 'backups');
    note = join(directory, BACKUP_LOCK_FILES.note);
  });
  afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

  it('is one run’s at a time, and says whose', async () => {
    expect(await backupHolder(directory)).to.equal(null);
    const first = await lockBackups(directory, { ...QUICK, host: 'pantry' });
    expect(await backupHolder(directory)).to.include({ host: 'pantry', pid: process.pid, by: 'command' });
    const why = await refusal();
    expect(why).to.contain(`a command (process ${process.pid} on pantry, since `).and.contain('Wait until it has ended');
    // Who only looked has not let go of it.
    expect(await refusal()).to.equal(why);
    await first.release();
    expect(existsSync(note)).to.equal(false);
    expect(await backupHolder(directory)).to.equal(null);
    await (await lockBackups(directory, QUICK)).release();
  });

  it('is free again the moment its process is killed', async () => {
    const child = await holder();
    expect(await refusal()).to.contain(`process ${child.pid} on `);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(JSON.parse(readFileSync(note, 'utf8')).pid).to.equal(child.pid);
    expect(await backupHolder(directory)).to.equal(null);
    // Waiting for its note to fall silent would end this test.
    const next = await lockBackups(directory, { ...QUICK, quietMs: 3_600_000, beatMs: 3_600_000 });
    expect(JSON.parse(readFileSync(note, 'utf8')).pid).to.equal(process.pid);
    await next.release();
  });

  it('is refused while a machine lives whose lock is not seen here, and taken over when that falls silent', async () => {
    await (await lockBackups(directory, QUICK)).release();
    let beat = 0;
    // Whole, as a gateway writes it: who reads half a note takes it for none.
    const write = (): void => {
      const holder = { host: 'attic', pid: 7, by: 'gateway', since: 'noon', token: 't', beat: beat++ };
      writeFileSync(`${note}.new`, JSON.stringify(holder));
      renameSync(`${note}.new`, note);
    };
    write();
    const living = setInterval(write, 10);
    try {
      expect(await refusal({ quietMs: 60_000 })).to.contain('a gateway (process 7 on attic, since noon)');
    } finally {
      clearInterval(living);
    }
    const lock = await lockBackups(directory, QUICK);
    expect(JSON.parse(readFileSync(note, 'utf8')).pid).to.equal(process.pid);
    await lock.release();
  });

  it('tells the one who passed for dead that it has lost the directory, and leaves the note of the other', async () => {
    const lock = await lockBackups(directory, QUICK);
    writeFileSync(note, JSON.stringify({ host: 'attic', pid: 7, by: 'gateway', since: 'noon', token: 'another', beat: 0 }));
    if (!lock.lost.aborted) await once(lock.lost, 'abort');
    expect(isTaken(lock.lost.reason)).to.equal(true);
    await lock.release();
    expect(JSON.parse(readFileSync(note, 'utf8')).token).to.equal('another');
  });

  it('says that it lives as long as it does', async () => {
    const lock = await lockBackups(directory, QUICK);
    while (JSON.parse(readFileSync(note, 'utf8')).beat < 3) await sleep(5);
    await lock.release();
  });

  it('says in one sentence that nothing can be written there', async () => {
    writeFileSync(join(directory, '..', 'file'), '');
    const error = await lockBackups(join(directory, '..', 'file', 'backups'), QUICK).catch((reason: unknown) => reason);
    expect(isCloudStoreError(error, 'unavailable'), String(error)).to.equal(true);
  });

  async function refusal(options: { quietMs?: number } = {}): Promise<string> {
    const error = await lockBackups(directory, { ...QUICK, ...options }).then(
      () => new Error('it was let in'),
      (reason: Error) => reason,
    );
    expect(isTaken(error), error.message).to.equal(true);
    return error.message;
  }

  async function holder() {
    const program = `
      const { lockBackups } = await import('#backup-lock');
      const { randomBytes } = await import('node:crypto');
      const lock = await lockBackups(${JSON.stringify(directory)}, { by: 'command', clock: Date, random: randomBytes });
      process.stdout.write('held');
      setInterval(() => lock, 1000);`;
    const child = spawn(process.execPath, [...NODE_ARGS, '--input-type=module', '-e', program], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    return child;
  }
});
