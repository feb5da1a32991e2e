import { expect } from 'chai';
import { describeInstance } from '../../conformance/instance-store.ts';
import { address, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

describeInstance('rows, and LISTEN', async () => {
  const rig = await openMetadataRig('two gateways');
  const [one, two] = rig.gateways as [(typeof rig.gateways)[0], (typeof rig.gateways)[0]];
  return {
    stores: [one.instance, two.instance],
    signals: [one.signals, two.signals],
    async fence(gateway) {
      await rig.database.sql('UPDATE gateways SET fenced = true WHERE id = $1', [gateway]);
    },
    close: () => rig.close(),
  };
});

describe('a gateway that is fenced', () => {
  it('commits nothing any more; the others do', async () => {
    const rig = await openMetadataRig('two gateways');
    const [fenced, alive] = rig.gateways as [(typeof rig.gateways)[0], (typeof rig.gateways)[0]];
    const home = await rig.bucket();
    const number = await fenced.instance.register({ host: 'here', pid: 1, version: '1' });
    await alive.instance.register({ host: 'here', pid: 2, version: '1' });
    await fenced.store.commit(putIntent(home, 'a'));
    await rig.database.sql('UPDATE gateways SET fenced = true WHERE id = $1', [number]);
    expect(await codeOf(fenced.store.commit(putIntent(home, 'b')))).to.equal('unavailable');
    const [from, to] = [address(home, 'a'), address(home, 'c')];
    expect(await codeOf(fenced.store.move({ who: home.who, from, to, overwrite: false }))).to.equal('unavailable');
    expect(await codeOf(fenced.store.removeTree({ who: home.who, bucket: home.id, key: '' }))).to.equal('unavailable');
    expect(await alive.store.current(address(home, 'a'))).to.include({ key: 'a' });
    await alive.store.commit(putIntent(home, 'b'));
    const events = await alive.journal.since(home.id, { epoch: 1, seq: 0 }, 10);
    expect(events.map(({ key }) => key)).to.deep.equal(['a', 'b']);
    await rig.close();
  });
});
