import { expect } from 'chai';
import type { HistoryTasks, TaskWork } from '#contracts/history-tasks';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import type { MetadataRig } from '../../support/metadata-rig.ts';

/** Every clause of HistoryTasks. */
export function describeHistoryTasks(rigOf: () => MetadataRig): void {
  describe('tasks', () => {
    let rig: MetadataRig;
    let home: Bucket & { who: Who };
    let turn = 0;
    const tasks = (): HistoryTasks => rig.gateways[turn++ % rig.gateways.length]!.historyTasks;
    const restoring = (): TaskWork => ({
      kind: 'restore',
      intent: { who: home.who, bucket: home.id, what: { kind: 'asOf', prefix: 'ä/', at: 17, added: 'keep' }, conflict: 'skip' },
    });
    const purging = (): TaskWork => ({ kind: 'purge', intent: { bucket: home.id, what: { kind: 'deleted', key: '' } } });
    before(async () => {
      rig = rigOf();
      home = await rig.bucket();
    });
    afterEach(async () => {
      for (const { id, bucket } of await tasks().list(null, 100)) await tasks().cancel(bucket, id);
    });

    it('gives the oldest that has not ended, with its work as it was given, to whoever asks', async () => {
      const one = await tasks().add(home.id, restoring());
      const two = await tasks().add(home.id, purging());
      expect(one).to.deep.include({ bucket: home.id, kind: 'restore', state: 'waiting', counts: {}, message: null, ended: null });
      const next = await tasks().next();
      expect(next).to.deep.equal({ ...one, work: restoring(), after: '' });
      expect((await tasks().next())?.id).to.equal(one.id);
      expect(await tasks().save(one.id, { state: 'done', after: '', counts: {} })).to.equal(true);
      expect((await tasks().next())?.id).to.equal(two.id);
      expect((await tasks().next())?.work).to.deep.equal(purging());
    });

    it('goes on where a step was saved, and no further once it has ended', async () => {
      const { id } = await tasks().add(home.id, restoring());
      expect(await tasks().save(id, { state: 'running', after: 'ä/ünï', counts: { restored: 3 } })).to.equal(true);
      expect(await tasks().next()).to.deep.include({
        id,
        after: 'ä/ünï',
        state: 'running',
        counts: { restored: 3 },
        ended: null,
      });
      expect(await tasks().save(id, { state: 'failed', after: 'ä/x', counts: { restored: 4 }, message: 'no room' })).to.equal(
        true,
      );
      const [ended] = await tasks().list(home.id, 1);
      expect(ended).to.deep.include({ id, state: 'failed', message: 'no room', counts: { restored: 4 }, ended: rig.clock.now() });
      expect(await tasks().next()).to.equal(null);
      expect(await tasks().save(id, { state: 'running', after: '', counts: {} })).to.equal(false);
    });

    it('ends what is cancelled, once, and takes no step of it any more', async () => {
      const { id } = await tasks().add(home.id, purging());
      const stranger = await rig.bucket();
      expect(await tasks().cancel(stranger.id, id)).to.equal(false);
      expect(await tasks().cancel(home.id, id)).to.equal(true);
      expect(await tasks().cancel(home.id, id)).to.equal(false);
      expect(await tasks().save(id, { state: 'done', after: '', counts: { versions: 9 } })).to.equal(false);
      expect((await tasks().list(home.id, 1))[0]).to.deep.include({ id, state: 'cancelled', counts: {} });
      expect(await tasks().next()).to.equal(null);
    });

    it('lists the latest first, of one bucket or of all, and forgets what ended a month ago', async () => {
      const other = await rig.bucket();
      const [one, two] = [await tasks().add(home.id, purging()), await tasks().add(home.id, purging())];
      const elsewhere = await tasks().add(other.id, {
        kind: 'purge',
        intent: { bucket: other.id, what: { kind: 'history', key: '' } },
      });
      expect((await tasks().list(home.id, 2)).map(({ id }) => id)).to.deep.equal([two.id, one.id]);
      expect((await tasks().list(null, 3)).map(({ id }) => id)).to.deep.equal([elsewhere.id, two.id, one.id]);
      expect((await tasks().list(other.id, 9)).map(({ id }) => id)).to.deep.equal([elsewhere.id]);
      for (const { id } of [one, elsewhere]) await tasks().save(id, { state: 'done', after: '', counts: {} });
      rig.clock.advance(31 * 24 * 3600 * 1000);
      const late = await tasks().add(home.id, purging());
      expect((await tasks().list(null, 9)).map(({ id }) => id)).to.deep.equal([late.id, two.id]);
    });
  });
}
