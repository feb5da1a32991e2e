import { describeLocks, type LocksRig } from '../../conformance/locks.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

for (const [name, kind] of [
  ['rows, seen by two gateways in turn', 'two gateways'],
  ['kept in memory by the only gateway', 'one gateway'],
] as const)
  describeLocks(name, () => rigOf(kind));

async function rigOf(kind: 'one gateway' | 'two gateways'): Promise<LocksRig> {
  const rig = await openMetadataRig(kind);
  const [ann, bob] = [await rig.user(), await rig.user()];
  let turn = 0;
  return {
    locks: () => rig.gateways[turn++ % rig.gateways.length]!.locks,
    clock: rig.clock,
    bucket: async () => (await rig.bucket({ owner: ann })).id,
    principals: [ann.principal.id, bob.principal.id],
    close: () => rig.close(),
  };
}
