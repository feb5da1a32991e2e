import type { ClaimMade, CredentialMade, NewClaim } from '../../../clients/typescript/index.ts';

/** A device's own access, as it was made on the spot. */
export interface Device {
  name: string;
  bucket: string;
  /** See Access. */
  folder: string;
  scope: NonNullable<NewClaim['scope']>;
  /** When all of it ends by itself. */
  expires?: string;
  /** One secret for network drives, and one for S3 tools; both are taken back under “Your account”. */
  password: CredentialMade;
  key: CredentialMade;
  /** For a phone that scans it: the secret is made when it comes. */
  claim: ClaimMade;
}

/** What a device asks for that only looks and downloads. */
export const READING: NonNullable<Device['scope']['actions']> = [
  'read',
  'attributes.read',
  'tags.read',
  'list',
  'list.versions',
  'version.read',
  'bucket.list',
  'bucket.location.read',
  'account.read',
];
