import { describeContent } from '../conformance/content.ts';
import { openEngine } from '../support/content-rig.ts';
import { openMetadataRig } from '../support/metadata-rig.ts';

describeContent('the engine on disk and the database', async () => {
  const rig = await openMetadataRig('one gateway');
  const { chunks, keys } = rig.gateways[0]!;
  return openEngine('disk', {
    chunks,
    keys,
    commit: (staged) => chunks.record(staged.content.domain, staged.chunks, staged.leaves),
    close: () => rig.close(),
  });
});
