import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { createRetry } from '#blob/retry';

describe('attempts at a store far away', () => {
  const rules = { random: randomBytes, attemptsMax: 7, silencesMax: 3, pauseMs: 1, pauseMsMax: 2, mayPass: () => true };
  const silent = async (signal: AbortSignal): Promise<never> => {
    await sleep(60_000, undefined, { signal });
    throw new Error('it waited');
  };

  async function tries(attempt: (signal: AbortSignal, count: number) => Promise<unknown>, more = {}): Promise<number> {
    let count = 0;
    await createRetry({ ...rules, ...more })(10, (signal) => attempt(signal, ++count)).catch(() => undefined);
    return count;
  }

  it('go on while it refuses, and not for long while it does not answer', async () => {
    expect(await tries(() => Promise.reject(new Error('busy')))).to.equal(7);
    expect(await tries(silent)).to.equal(3);
    expect(await tries((signal, count) => (count % 2 === 0 ? silent(signal) : Promise.reject(new Error('busy'))))).to.equal(6);
    expect(await tries(() => Promise.reject(new Error('no')), { mayPass: () => false })).to.equal(1);
    expect(await tries((signal, count) => (count < 3 ? silent(signal) : Promise.resolve()))).to.equal(3);
  });

  it('end when nobody wants them any more', async () => {
    const retry = createRetry({ ...rules, pauseMs: 60_000, pauseMsMax: 60_000 });
    const going = retry(10, () => Promise.reject(new Error('busy')));
    retry.stop();
    expect(await going.catch((error: Error) => error.message)).to.equal('busy');
  });
});
