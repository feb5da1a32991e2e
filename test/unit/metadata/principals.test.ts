import { describePrincipalStore } from '../../conformance/principal-store.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describePrincipalStore('rows, by two gateways in turn', () => openMetadataRig('two gateways'));
