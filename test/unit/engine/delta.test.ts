import { describeDelta } from '../../conformance/delta.ts';
import { openEngine, rowsInMemory } from '../../support/content-rig.ts';

describeDelta('the engine on disk', () => openEngine('disk'));
describeDelta('without encryption, in packs of other gateways', () =>
  openEngine('blobs', rowsInMemory(), { encryption: false, threads: 0, compression: false }),
);
