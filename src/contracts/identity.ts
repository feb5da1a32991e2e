import type { Claims } from './claims.ts';
import type { Credentials } from './credentials.ts';
import type { SecondFactors } from './second-factors.ts';
import type { Setup } from './setup.ts';
import type { Users } from './users.ts';

/** What users, and admins for them, do about who they are. */
export interface Identity {
  users: Users;
  credentials: Credentials;
  claims: Claims;
  secondFactors: SecondFactors;
  setup: Setup;
}
