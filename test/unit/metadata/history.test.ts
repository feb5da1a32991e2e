import { describeHistoryStore } from '../../conformance/history/history-store.ts';
import { describeHistoryTasks } from '../../conformance/history/history-tasks.ts';
import { describeUsageStore } from '../../conformance/history/usage-store.ts';
import { type MetadataRig, openMetadataRig } from '../../support/metadata-rig.ts';

for (const kind of ['one gateway', 'two gateways', 'two processes'] as const) {
  describe(`history and usage in rows: ${kind}`, () => {
    let rig: MetadataRig;
    before(async () => {
      rig = await openMetadataRig(kind);
    });
    after(() => rig.close());
    for (const part of [describeHistoryStore, describeHistoryTasks, describeUsageStore]) part(() => rig);
  });
}
