import type { BucketDetails, Bucket as PlainBucket } from '../../../clients/typescript/index.ts';

export type { Entry, File as FileEntry, Folder as FolderEntry, Listing, Me } from '../../../clients/typescript/index.ts';

export type Bucket = PlainBucket & Partial<Pick<BucketDetails, 'usage'>>;

export interface ChangeEvent {
  type: 'event';
  bucket: string;
  cursor: string;
  kind: 'put' | 'remove' | 'annotate' | 'move' | 'copy' | 'removeTree';
  key: string;
  fromKey?: string;
  size?: number;
  etag?: string;
  at: string;
  protocol: string;
}
