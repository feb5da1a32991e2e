import { EventEmitter } from 'node:events';
import { expect } from 'chai';
import { SettingError } from '#config/setting-error';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { type Channel, createPeer, fromWire, type Handlers, type Peer, toWire } from '#peer';
import { poolSizeOf } from '#process-role';

/** Two ends of a channel that clones what goes through it, as that of a child process does. */
function channels(): [Channel, Channel, () => void] {
  const ends = [new EventEmitter(), new EventEmitter()];
  let connected = true;
  const end = (own: number): Channel => ({
    get connected() {
      return connected;
    },
    send(message, sent) {
      const copy = structuredClone(message);
      setImmediate(() => connected && ends[1 - own]?.emit('message', copy));
      sent(null);
      return true;
    },
    on: (event: string, listener: (value: never) => void) => ends[own]?.on(event, listener as () => void),
  });
  const cut = (): void => {
    connected = false;
    for (const one of ends) one.emit('disconnect');
  };
  return [end(0), end(1), cut];
}

describe('the channel between the processes of a gateway', () => {
  function pair(handlers: Handlers): { peer: Peer; cut(): void } {
    const [here, there, cut] = channels();
    createPeer(there, handlers);
    return { peer: createPeer(here, {}), cut };
  }
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => null,
      (error: unknown) => error,
    );

  it('answers many questions at once, each with its own', async () => {
    const { peer } = pair({
      async double(n: number) {
        await new Promise((resolve) => setTimeout(resolve, 20 - n));
        return n * 2;
      },
    });
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    expect(await Promise.all(numbers.map((n) => peer.ask<number>('double', n)))).to.deep.equal(numbers.map((n) => n * 2));
  });

  it('passes on what the other side threw', async () => {
    const { peer } = pair({
      refuse() {
        throw new CloudStoreError('rate_limited', 'Too much.', { details: { retryAfterSeconds: 3 } });
      },
    });
    const error = await failure(peer.ask('refuse'));
    expect(isCloudStoreError(error, 'rate_limited')).to.equal(true);
    expect(error).to.deep.include({ message: 'Too much.', details: { retryAfterSeconds: 3 } });
    expect(isCloudStoreError(await failure(peer.ask('unheard of')), 'internal')).to.equal(true);
    expect(fromWire(toWire(new SettingError('Set it.'))))
      .to.be.instanceOf(SettingError)
      .and.include({ message: 'Set it.' });
    const fault = new TypeError('oops');
    expect(fromWire(toWire(fault)).stack).to.equal(fault.stack);
  });

  it('waits for no answer that does not come, nor for one that cannot', async () => {
    const { peer, cut } = pair({ never: () => new Promise(() => undefined) });
    expect(isCloudStoreError(await failure(peer.ask('never', null, 10)), 'timeout')).to.equal(true);
    const under = failure(peer.ask('never'));
    cut();
    expect(isCloudStoreError(await under, 'unavailable')).to.equal(true);
    expect(isCloudStoreError(await failure(peer.ask('never')), 'unavailable')).to.equal(true);
  });
});

describe('database connections of the processes of a gateway', () => {
  it('suffice for each, and all together leave room below the embedded server’s 100', () => {
    const primary = { ask: () => Promise.reject(new Error('nobody')) };
    for (let processes = 2; processes <= 16; processes++) {
      const each = poolSizeOf({ kind: 'worker', processes, number: 1, primary, board: null });
      expect(each).to.be.within(3, 8);
      // One more each that listens, and the first process with its own.
      expect(processes * (each + 1) + poolSizeOf({ kind: 'primary', processes, board: null }) + 1).to.be.at.most(80);
    }
  });
});
