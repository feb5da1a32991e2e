import { describeAuthorityStore } from '../../conformance/authority-store.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describeAuthorityStore('rows, by two gateways in turn', () => openMetadataRig('two gateways'));
