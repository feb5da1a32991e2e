import { describeContent } from '../../conformance/content.ts';
import { openEngine, openMemoryContent, rowsInMemory } from '../../support/content-rig.ts';

describeContent('the engine on disk', () => openEngine('disk'));
describeContent('the engine with packs of other gateways, one thread, no compression, little memory', () =>
  openEngine('blobs', rowsInMemory(), { threads: 0, compression: false, memoryBytesMax: 12 << 20 }),
);
describeContent('memory, as other rooms test with', async () => openMemoryContent());
