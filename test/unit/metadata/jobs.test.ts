import { describeJobStore } from '../../conformance/job-store.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describeJobStore('rows', async () => {
  const rig = await openMetadataRig('two gateways');
  const [one, two] = rig.gateways as [(typeof rig.gateways)[0], (typeof rig.gateways)[0]];
  return {
    stores: [one.jobStore, two.jobStore],
    silence: async (name) => void (await rig.database.sql('UPDATE jobs SET lease_until_ms = 0 WHERE name = $1', [name])),
    age: async (name, ms) =>
      void (await rig.database.sql('UPDATE jobs SET since_ms = since_ms - $2 WHERE name = $1', [name, ms])),
    lease: async (name, ms) =>
      void (await rig.database.sql('UPDATE jobs SET lease_until_ms = lease_until_ms + $2 WHERE name = $1', [name, ms])),
    close: () => rig.close(),
  };
});
