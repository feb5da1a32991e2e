import type { GroupId } from '#core/grant';
import type { PrincipalId } from '#core/principal';

/** Rows of groups and of who is in them. A change of members publishes `principals` for each of them. */
export interface GroupStore {
  /** @throws already_exists */
  create(name: string): Promise<GroupRecord>;
  findByName(name: string): Promise<GroupRecord | null>;
  /** By name. */
  list(): Promise<GroupRecord[]>;
  /** Renames, adds and removes, in one step; who is there already, or is not, stays so. @throws principal_not_found, already_exists */
  change(
    id: GroupId,
    change: { name?: string; add?: readonly PrincipalId[]; remove?: readonly PrincipalId[] },
  ): Promise<GroupRecord>;
  /** @throws principal_not_found */
  remove(id: GroupId): Promise<void>;
  groupsOf(principal: PrincipalId): Promise<GroupRecord[]>;
}

export interface GroupRecord {
  id: GroupId;
  name: string;
  created: number;
  /** Names, sorted. */
  members: readonly string[];
}
