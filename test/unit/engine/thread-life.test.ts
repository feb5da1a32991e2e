import { join } from 'node:path';
import { expect } from 'chai';
import { gcm } from '#engine/gcm';
import { startThread } from '#engine/thread-life';
import { NODE_ARGS, ROOT, runProcess } from '../../support/process.ts';

const LEAVING = join(ROOT, 'test/support/leaving.ts');
const SCRIPT = new URL('../../support/slow-thread.ts', import.meta.url);

describe('the life of a thread', () => {
  it('is ended by asking, after it has loaded what this thread has', async () => {
    const memory = new SharedArrayBuffer(12);
    await startThread(SCRIPT, memory).end();
    expect([...new Int32Array(memory)]).to.deep.equal([1, Number(gcm.native), 1]);
  });

  it('ends by itself where its script fails', async () => {
    const memory = new SharedArrayBuffer(12);
    const thread = startThread(new URL('./no-such-thread.ts', SCRIPT), memory);
    const failed = new Promise((resolve) => thread.worker.once('error', resolve));
    await thread.end();
    expect(String(await failed)).to.match(/no-such-thread/);
  });

  // Whatever ends the process, a thread that loads foreign calls has loaded them first.
  for (const [how, last] of Object.entries({ 'process.exit': ['now'], 'nothing left to do': [] })) {
    it(`has loaded before the process ends by ${how}`, async () => {
      const { stdout, stderr, code } = await runProcess(process.execPath, [...NODE_ARGS, LEAVING, ...last]);
      expect({ stdout, stderr, code }).to.deep.equal({ stdout: '1\n', stderr: '', code: 0 });
    });
  }
});
