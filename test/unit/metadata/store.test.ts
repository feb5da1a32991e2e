import { describeMetadataStore } from '../../conformance/metadata-store.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describeMetadataStore('one gateway, which remembers what is current', () => openMetadataRig('one gateway'));
describeMetadataStore('two gateways in turn', () => openMetadataRig('two gateways'));
describeMetadataStore('two processes in turn, which tell each other', () => openMetadataRig('two processes'));
