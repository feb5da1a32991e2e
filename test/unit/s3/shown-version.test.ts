import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Visibility } from '#core/object';
import { shownVersion } from '#protocols/s3/representation';

const bucketOf = (versioning: Bucket['versioning']): Bucket => ({
  id: 1,
  name: 'first',
  owner: 7,
  domain: 1,
  kind: 'standard',
  versioning,
  objectLock: false,
  created: 0,
  config: {},
  authority: 0,
});

describe('the version that S3 shows', () => {
  const versionId = '0'.repeat(32);
  const shown = (visibility: Visibility, versioning: Bucket['versioning']) =>
    shownVersion({ visibility, versionId }, bucketOf(versioning));

  it('is none where there never were versions, and `null` once there are', () => {
    expect(shown('null', 'off')).to.equal(undefined);
    expect(shown('null', 'enabled')).to.equal('null');
    expect(shown('null', 'suspended')).to.equal('null');
  });
  it('is its id, also by a process that has not heard yet that the bucket is versioned', () => {
    for (const versioning of ['off', 'enabled', 'suspended'] as const) expect(shown('id', versioning)).to.equal(versionId);
  });
  it('is none of what only the history knows', () => {
    for (const versioning of ['off', 'enabled', 'suspended'] as const) expect(shown('hidden', versioning)).to.equal(undefined);
  });
});
