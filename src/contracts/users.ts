import type { PrincipalId, Role, Who } from '#core/principal';
import type { GroupRecord } from './group-store.ts';
import type { PrincipalRecord, SessionRecord } from './principal-store.ts';

/** Users, by an admin, and by themselves what is theirs. @throws access_denied for anybody else, also for who came with an app password or a key */
export interface Users {
  /** By name. */
  list(who: Who): Promise<PrincipalRecord[]>;
  /** @throws principal_not_found */
  get(who: Who, name: string): Promise<PrincipalRecord>;
  /** With a dedupe domain of its own and, unless it is a guest, a first bucket that it knows as `home`. @throws already_exists, invalid_argument */
  create(who: Who, user: NewUser): Promise<AddedUser>;
  /** @throws conflict when no admin would be left, principal_not_found */
  update(
    who: Who,
    name: string,
    patch: { role?: Role; disabled?: boolean; quotaBytes?: number | null; quotaObjects?: number | null },
  ): Promise<PrincipalRecord>;
  /** Its buckets pass to `heir`, or to whoever does it. @throws conflict, principal_not_found */
  remove(who: Who, name: string, heir: string | null): Promise<{ record: PrincipalRecord; heir: string }>;
  /**
   * For who cannot get in any more, or somebody else did: a new password, no session, no second factor unless `factors` is false; with `credentials` no key,
   * app password or device either.
   * @param password null: one is made and given back
   */
  reset(
    who: Who,
    name: string,
    options: { password: string | null; credentials: boolean; factors?: boolean },
  ): Promise<{ record: PrincipalRecord; password?: string }>;
  /** A new password of another user; its sessions end. */
  setPassword(who: Who, name: string, password: string | null): Promise<{ record: PrincipalRecord; password?: string }>;

  /** One's own; the other sessions end. @throws unauthenticated when `current` is wrong, rate_limited */
  changePassword(who: Who, current: string, password: string, remoteAddress: string): Promise<void>;
  /** One's own, or of a user, for admins. */
  sessions(who: Who, name?: string): Promise<SessionRecord[]>;
  /** @throws not_found */
  endSession(who: Who, id: string, name?: string): Promise<void>;
  endSessions(who: Who, options: { name?: string; exceptOwn?: boolean }): Promise<number>;

  groups(who: Who): Promise<GroupRecord[]>;
  createGroup(who: Who, name: string, members: readonly string[]): Promise<GroupRecord>;
  /** @throws principal_not_found */
  updateGroup(
    who: Who,
    name: string,
    patch: { name?: string; add?: readonly string[]; remove?: readonly string[] },
  ): Promise<GroupRecord>;
  removeGroup(who: Who, name: string): Promise<void>;
}

export interface NewUser {
  name: string;
  role: Role;
  /** null: one is made and given back. */
  password: string | null;
  /** null: no S3 key; 'generate': one is made. */
  key: { accessKeyId: string; secretAccessKey: string } | 'generate' | null;
  quotaBytes?: number | null;
  /** At the identity provider, a digest of 32 bytes: already_exists when it is somebody's. */
  identity?: Buffer;
}

export interface AddedUser {
  id: PrincipalId;
  name: string;
  role: Role;
  bucket?: string;
  password?: string;
  accessKeyId?: string;
  secretAccessKey?: string;
}
