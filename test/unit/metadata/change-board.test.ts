import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createSharedMemory } from '#core/shared-memory';
import { boardBytes, type ChangeBoard, createChangeBoard } from '#metadata/change-board';
import { createWatchedCache } from '#metadata/watched-cache';
import { joinBoard } from '../../../src/process-role.ts';
import { leaveOut } from '../../support/programs.ts';

const at = (key: string, bucket = 1) => ({ bucket, key });

describe('what processes tell each other of their changes', () => {
  let mine: ChangeBoard;
  let theirs: ChangeBoard;
  beforeEach(() => {
    const memory = new ArrayBuffer(boardBytes(3));
    [mine, theirs] = [createChangeBoard(memory, 1), createChangeBoard(memory, 2)];
  });

  it('a row holds until another begins to change it, and what is read meanwhile never does', () => {
    const before = mine.stamp(at('a'));
    expect(mine.holds(at('a'), before)).to.equal(true);
    const change = theirs.begin([at('a')], []);
    expect(mine.holds(at('a'), before), 'under way').to.equal(false);
    const meanwhile = mine.stamp(at('a'));
    expect(mine.holds(at('a'), meanwhile), 'read meanwhile').to.equal(false);
    change.end();
    expect([before, meanwhile].map((stamp) => mine.holds(at('a'), stamp))).to.deep.equal([false, false]);
    expect(mine.holds(at('a'), mine.stamp(at('a')))).to.equal(true);
  });

  it('the end of one change is not that of another of the same row', () => {
    const changes = [theirs.begin([at('a'), at('a')], []), mine.begin([at('a')], [])];
    changes[0]?.end();
    changes[0]?.end();
    expect(mine.holds(at('a'), mine.stamp(at('a')))).to.equal(false);
    changes[1]?.end();
    expect(mine.holds(at('a'), mine.stamp(at('a')))).to.equal(true);
  });

  it('other rows and buckets hold on; a change of a bucket is one of all in it', () => {
    const stamps = [at('a'), at('b'), at('a', 2)].map((one) => [one, mine.stamp(one)] as const);
    const holding = (): boolean[] => stamps.map(([one, stamp]) => mine.holds(one, stamp));
    theirs.begin([at('a')], []).end();
    expect(holding()).to.deep.equal([false, true, true]);
    const change = theirs.begin([], [1]);
    expect(holding()).to.deep.equal([false, false, true]);
    change.end();
    expect(holding()).to.deep.equal([false, false, true]);
    theirs.changed(2);
    expect(holding()).to.deep.equal([false, false, false]);
  });

  it('what the dead had begun has ended, for nobody knows how; what others have begun goes on', () => {
    theirs.begin([at('a'), at('b')], [2]);
    const own = mine.begin([at('b')], []);
    const elsewhere = mine.stamp(at('c'));
    mine.buried(2);
    expect(mine.holds(at('c'), elsewhere), 'whatever was known before').to.equal(false);
    for (const one of [at('a'), at('c'), at('a', 2)]) expect(mine.holds(one, mine.stamp(one)), one.key).to.equal(true);
    expect(mine.holds(at('b'), mine.stamp(at('b')))).to.equal(false);
    own.end();
    expect(mine.holds(at('b'), mine.stamp(at('b')))).to.equal(true);
    mine.buried(2);
    expect(mine.holds(at('a'), mine.stamp(at('a'))), 'buried twice').to.equal(true);
  });

  it('is seen by another process that has the descriptor', async function () {
    const memory = createSharedMemory(boardBytes(2));
    if (memory === null)
      return leaveOut(this, 'memory cannot be shared: another system than Linux, or no prebuild of koffi for it');
    const board = createChangeBoard(memory.bytes, 0);
    const stamp = board.stamp(at('a'));
    const child = fork(fileURLToPath(new URL('../../support/changing-process.ts', import.meta.url)), ['2', '1'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', memory.fd],
    });
    expect((await once(child, 'message'))[0], 'it has begun').to.equal('begun');
    expect(board.holds(at('a'), board.stamp(at('a')))).to.equal(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(board.holds(at('a'), board.stamp(at('a'))), 'killed').to.equal(false);
    board.buried(1);
    expect(board.holds(at('a'), board.stamp(at('a')))).to.equal(true);
    expect(board.holds(at('a'), stamp)).to.equal(false);
  });

  it('no process serves without it where others believe it', () => {
    expect(() => joinBoard(1, 1, -1)).to.throw('memory that it shares');
  });
});

describe('cache of rows that other processes change too', () => {
  const memory = new ArrayBuffer(boardBytes(2));
  const theirs = createChangeBoard(memory, 1);
  let now = 0;
  const cache = createWatchedCache<string>({ entriesMax: 10, bytesMax: 10_000 }, createChangeBoard(memory, 0), () => now);
  const read = (key: string, info: string | null, meanwhile = (): void => undefined): void => {
    const reading = cache.reading([at(key)]);
    meanwhile();
    reading.store(at(key), info);
    reading.end();
  };

  it('gives what was read until anybody changes it, and nothing for longer than ten seconds', () => {
    read('a', 'one');
    read('gone', null);
    expect([cache.get(at('a')), cache.get(at('gone')), cache.get(at('never'))]).to.deep.equal(['one', null, undefined]);
    theirs.begin([at('a')], []).end();
    expect([cache.get(at('a')), cache.get(at('gone'))]).to.deep.equal([undefined, null]);
    now += 9_999;
    expect(cache.get(at('gone'))).to.equal(null);
    now += 1;
    expect(cache.get(at('gone'))).to.equal(undefined);
  });

  it('keeps nothing of a reading that a change came into, of whichever process, nor what was not going to be read', () => {
    read('a', 'old', () => theirs.begin([at('a')], []).end());
    expect(cache.get(at('a')), 'another’s').to.equal(undefined);
    read('a', 'old', () => cache.changed(at('a'), 'new'));
    expect(cache.get(at('a')), 'its own').to.equal(undefined);
    const reading = cache.reading([at('a')]);
    reading.store(at('b'), 'other');
    reading.end();
    expect(cache.get(at('b'))).to.equal(undefined);
  });

  it('believes nobody’s word of what a row is now, but reads it', () => {
    read('a', 'one');
    cache.changed(at('a'), 'two');
    expect(cache.get(at('a'))).to.equal(undefined);
    read('a', 'two');
    cache.forget(1);
    expect(cache.get(at('a'))).to.equal(undefined);
  });
});
