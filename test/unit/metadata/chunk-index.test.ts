import { expect } from 'chai';
import { describeChunkIndex } from '../../conformance/chunk-index.ts';
import { memoryChunks } from '../../support/memory-chunks.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describeChunkIndex('memory', async () => {
  const index = memoryChunks();
  return {
    index,
    condemn: async (domain, ids) => index.condemn(domain, ids),
    quarantine: async (domain, ids) => index.quarantine(domain, ids),
    leases: async () => index.leases(),
    close: async () => undefined,
  };
});

describeChunkIndex('rows', async () => {
  const rig = await openMetadataRig('one gateway');
  const { chunks, instance } = rig.gateways[0]!;
  const gateway = await instance.register({ host: 'here', pid: 1, version: '0' });
  let running = 0;
  return {
    index: {
      ...chunks,
      async lease() {
        const lease = await chunks.lease();
        let held = true;
        running++;
        return {
          end() {
            if (held) running--;
            held = false;
            lease.end();
          },
        };
      },
    },
    async condemn(domain, ids) {
      await rig.database.sql('UPDATE chunks SET condemned_ms = 1 WHERE domain = $1 AND id = ANY($2::bytea[])', [domain, ids]);
    },
    async quarantine(domain, ids) {
      await rig.database.sql('UPDATE chunks SET damaged_ms = 1 WHERE domain = $1 AND id = ANY($2::bytea[])', [domain, ids]);
    },
    /** What the heartbeat reports is only whether there is any; the count must agree with that. */
    async leases() {
      await instance.heartbeat(gateway);
      const rows = await rig.database.sql('SELECT oldest_lease_turn FROM gateways WHERE id = $1', [gateway]);
      expect(rows[0]?.[0] !== null).to.equal(running > 0);
      return running;
    },
    close: () => rig.close(),
  };
});
