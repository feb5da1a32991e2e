import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Signals } from '#contracts/signals';
import { CloudStoreError } from '#core/errors';
import type { Database } from '../../../src/database.ts';
import type { GatewayOptions } from '../../../src/gateway.ts';
import { register } from '../../../src/registration.ts';
import { quiet } from '../../support/database.ts';

describe('a gateway among those of its database', () => {
  it('that was stopped and hears at once of all that was told meanwhile begins anew once', async () => {
    let numbers = 0;
    let fenced = 0;
    let tell = (): void => undefined;
    const beats: number[] = [];
    const instance = {
      async register() {
        await sleep(5);
        return ++numbers;
      },
      async heartbeat(number: number) {
        await sleep(5);
        beats.push(number);
        if (number === fenced) throw new CloudStoreError('conflict', 'It was fenced.');
      },
      unregister: async () => undefined,
    };
    const signals = {
      subscribe(_: string, listener: (payload: string | null) => void) {
        tell = () => listener('');
        return () => true;
      },
    } as Partial<Signals> as Signals;
    const metadata = { instance, signals } as unknown as Database['metadata'];
    const options = { version: '0', log: quiet, role: { kind: 'alone' } } as unknown as GatewayOptions;
    const registration = await register(metadata, options);
    fenced = 1;
    for (let n = 0; n < 20; n++) tell();
    await sleep(50);
    tell();
    await sleep(50);
    expect(numbers).to.equal(2);
    expect(beats.at(-1)).to.equal(2);
    await registration.end();
  });
});
