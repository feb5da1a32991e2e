import { expect } from 'chai';
import type { JobStatus } from '#contracts/jobs';
import type { Run } from '#contracts/runs';
import { CloudStoreError } from '#core/errors';
import { type CheckDeskOptions, createCheckDesk } from '../../../src/check-desk.ts';

describe('the desk of checks', () => {
  /** One file that is there, and a check that was begun at 5 and stays busy for so many tries. */
  function deskOf(busyTries: number, last: Pick<Run, 'endedMs'> | null) {
    const begun: unknown[] = [];
    const status: Partial<JobStatus> = { name: 'verify', state: 'running', startedMs: 5 };
    const options = {
      metadata: {
        buckets: { resolve: async () => ({ id: 1 }) },
        store: { current: async () => ({ content: {} }) },
        runs: { list: async () => (last === null ? [] : [last]) },
      },
      jobs: {
        async startAlone(_name: string, argument: unknown) {
          if (busyTries-- > 0) throw new CloudStoreError('conflict', 'running');
          begun.push(argument);
        },
        list: async () => [status],
      },
      random: (bytes: number) => Buffer.alloc(bytes, 7),
    };
    return { desk: createCheckDesk(options as unknown as CheckDeskOptions), begun };
  }
  const file = { bucket: 'home', key: 'a.txt', versionId: null };

  it('waits for one that has told its end and is about to stop', async () => {
    const { desk, begun } = deskOf(2, { endedMs: 9 });
    const ask = await desk.verify(file);
    expect(begun).to.deep.equal([{ bucket: 'home', key: 'a.txt', ask }]);
  });

  it('refuses a second one beside one that runs', async () => {
    for (const last of [null, { endedMs: 4 }]) {
      const { desk, begun } = deskOf(1, last);
      expect(await desk.verify(file).catch((error: unknown) => error)).to.include({ code: 'conflict' });
      expect(begun).to.deep.equal([]);
    }
  });

  it('gives up on one that never stops', async () => {
    const { desk } = deskOf(Number.POSITIVE_INFINITY, { endedMs: 9 });
    expect(await desk.verify(file).catch((error: unknown) => error)).to.include({ code: 'conflict' });
  });
});
