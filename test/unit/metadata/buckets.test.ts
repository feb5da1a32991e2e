import { describeBucketStore } from '../../conformance/bucket-store.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describeBucketStore('rows, by two gateways in turn', () => openMetadataRig('two gateways'));
