import type { MetadataRig } from '../support/metadata-rig.ts';
import { describeCommits } from './metadata-store/commits.ts';
import { describeConcurrency } from './metadata-store/concurrency.ts';
import { describeDirectories } from './metadata-store/directories.ts';
import { describeListing } from './metadata-store/listing.ts';
import { describeObjectLock } from './metadata-store/object-lock.ts';
import { describeTrees } from './metadata-store/trees.ts';
import { describeVersions } from './metadata-store/versions.ts';

/** Every clause of MetadataStore and Journal. */
export function describeMetadataStore(name: string, make: () => Promise<MetadataRig>): void {
  describe(`metadata store: ${name}`, () => {
    let rig: MetadataRig;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());
    for (const part of [
      describeCommits,
      describeVersions,
      describeDirectories,
      describeListing,
      describeTrees,
      describeConcurrency,
      describeObjectLock,
    ])
      part(() => rig);
  });
}
