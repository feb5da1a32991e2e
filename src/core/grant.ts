import type { BucketId } from './address.ts';
import type { PrincipalId } from './principal.ts';

export type GroupId = number;

/** What a grant gives. Each holds the one before, but for `uploader`: it puts new objects and sees nothing. */
export const GRANT_ROLES = ['viewer', 'commenter', 'uploader', 'editor', 'manager', 'owner'] as const;
export type GrantRole = (typeof GRANT_ROLES)[number];

/** To whom something is granted. */
export type Subject = { kind: 'user'; id: PrincipalId } | { kind: 'group'; id: GroupId };
export type SubjectKind = Subject['kind'];

/** A role on a bucket or a folder of it, inherited by all below. */
export interface Grant {
  subject: Subject;
  bucket: BucketId;
  /** Empty: the whole bucket; else ends in `/`: the folder itself and what is below it. */
  prefix: string;
  role: GrantRole;
}
