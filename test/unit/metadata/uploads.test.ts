import { describeUploadStore } from '../../conformance/upload-store.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describeUploadStore('rows, by two gateways in turn', () => openMetadataRig('two gateways'));
