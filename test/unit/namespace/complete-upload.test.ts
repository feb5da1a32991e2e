import { expect } from 'chai';
import type { Content } from '#contracts/content';
import type { MetadataStore } from '#contracts/metadata-store';
import type { Upload, UploadStore } from '#contracts/upload-store';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import { complete } from '../../../src/namespace/complete-upload.ts';

describe('completing an upload', () => {
  it('says that an upload which was given up meanwhile is none, and blames no part', async () => {
    const upload: Upload = { id: 'u', bucket: 1, key: 'k', principal: 1, attributes: {}, created: 0, completedVersion: null };
    const uploads = { parts: async () => [], find: async () => null } as unknown as UploadStore;
    const deps = { store: {} as MetadataStore, content: {} as Content, uploads, mint: () => '' };
    const who = { principal: null, protocol: 's3' as const, requestId: 'r' };
    const error = await complete(deps, who, {} as Bucket, upload, [{ number: 1, etag: 'e' }], {}).catch(
      (thrown: unknown) => thrown,
    );
    expect(isCloudStoreError(error, 'upload_not_found')).to.equal(true);
  });
});
