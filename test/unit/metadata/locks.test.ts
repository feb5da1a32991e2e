import { describeLocks } from '../../conformance/locks.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describeLocks('rows, seen by two gateways in turn', async () => {
  const rig = await openMetadataRig('two gateways');
  const [ann, bob] = [await rig.user(), await rig.user()];
  let turn = 0;
  return {
    locks: () => rig.gateways[turn++ % 2]!.locks,
    clock: rig.clock,
    bucket: async () => (await rig.bucket({ owner: ann })).id,
    principals: [ann.principal.id, bob.principal.id],
    close: () => rig.close(),
  };
});
