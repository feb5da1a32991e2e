import type { BucketId, ObjectKey } from '#core/address';
import type { DirectoryInfo } from '#core/object';

/** A folder of which nothing but the name is known. */
export function bareDirectory(bucket: BucketId, key: ObjectKey): DirectoryInfo {
  return {
    kind: 'directory',
    bucket,
    key,
    directoryId: 0,
    explicit: false,
    etag: '',
    modified: 0,
    created: 0,
    properties: null,
    bytes: null,
  };
}
