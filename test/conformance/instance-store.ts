import { expect } from 'chai';
import type { InstanceStore } from '#contracts/instance-store';
import type { Signals } from '#contracts/signals';
import { codeOf } from '../support/rooms.ts';

export interface InstanceRig {
  /** Of two processes on one installation. */
  stores: readonly [InstanceStore, InstanceStore];
  signals: readonly [Signals, Signals];
  /** Takes a gateway that has been silent for too long out of service. */
  fence(gateway: number): Promise<void>;
  close(): Promise<void>;
}

/** Settings of the installation, its gateways, and the hints between them. */
export function describeInstance(name: string, make: () => Promise<InstanceRig>): void {
  describe(`instance: ${name}`, () => {
    let rig: InstanceRig;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());

    it('keeps settings as JSON, for both', async () => {
      const [one, two] = rig.stores;
      expect(await one.setting('never')).to.equal(null);
      const value = { text: 'ä', list: [1, null, { deep: true }] };
      await one.putSetting('some', value);
      expect(await two.setting('some')).to.deep.equal(value);
      await two.putSetting('some', 'other');
      expect(await one.setting('some')).to.equal('other');
    });

    it('lets the first of two who start at once decide', async () => {
      const values = await Promise.all(
        Array.from({ length: 10 }, (_, n) => rig.stores[n % 2]!.settingOrInsert('decided', { by: n })),
      );
      expect(new Set(values.map(({ by }) => by)).size).to.equal(1);
      expect(await rig.stores[0].setting('decided')).to.deep.equal(values[0]);
      expect(await rig.stores[1].settingOrInsert('decided', { by: 99 })).to.deep.equal(values[0]);
    });

    it('registers gateways under numbers of their own, until they leave or are fenced', async () => {
      const [one, two] = rig.stores;
      const about = { host: 'here', pid: 1, version: '1' };
      const [a, b] = [await one.register(about), await two.register(about)];
      expect(a).to.not.equal(b);
      await one.heartbeat(a);
      await two.heartbeat(b);
      await rig.fence(a);
      expect(await codeOf(one.heartbeat(a))).to.equal('conflict');
      await two.heartbeat(b);
      await two.unregister(b);
      expect(await codeOf(two.heartbeat(b))).to.equal('conflict');
      await one.unregister(a);
    });

    it('names those of a kind that fell silent without leaving', async () => {
      const [one, two] = rig.stores;
      const [lost, other] = [
        await one.register({ host: 'here', pid: 2, version: 'backup' }),
        await two.register({ host: 'here', pid: 3, version: '1' }),
      ];
      expect(await two.silent('backup', 60_000)).to.deep.equal([]);
      expect(await two.silent('backup', 0)).to.deep.equal([lost]);
      await rig.fence(lost);
      expect(await two.silent('backup', 0)).to.deep.equal([lost]);
      await two.unregister(lost);
      expect(await two.silent('backup', 0)).to.deep.equal([]);
      await two.unregister(other);
    });

    it('tells signals to all subscribers of the topic, of both, its own too', async () => {
      const heard: string[] = [];
      let ready = 0;
      const listen = (who: 0 | 1, topic: 'buckets' | 'principals', tag: string) =>
        rig.signals[who].subscribe(topic, (payload) => {
          if (payload === null) ready++;
          else heard.push(`${tag} ${payload}`);
        });
      const stops = [listen(0, 'buckets', 'own'), listen(1, 'buckets', 'other'), listen(1, 'principals', 'deaf')];
      // A subscriber is told null once it hears; before, a signal may be lost.
      const until = async (done: () => boolean) => {
        for (let n = 0; n < 500 && !done(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
        expect(done()).to.equal(true);
      };
      await until(() => ready >= 3);
      await rig.signals[0].publish('buckets', '7');
      await rig.signals[1].publish('buckets', 'a b:c');
      await until(() => heard.length >= 4);
      expect(heard.sort()).to.deep.equal(['other 7', 'other a b:c', 'own 7', 'own a b:c']);
      stops[0]!();
      await rig.signals[0].publish('buckets', '8');
      await until(() => heard.length >= 5);
      expect(heard.at(-1)).to.equal('other 8');
      for (const stop of stops) stop();
    });
  });
}
