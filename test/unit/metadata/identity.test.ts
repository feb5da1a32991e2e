import { describeIdentityStores } from '../../conformance/identity-stores.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describeIdentityStores('rows, by two gateways in turn', () => openMetadataRig('two gateways'));
