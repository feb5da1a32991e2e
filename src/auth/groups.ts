import type { GroupRecord, GroupStore } from '#contracts/group-store';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Users } from '#contracts/users';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';
import { adminItself } from './acting.ts';
import { assertUserName } from './secrets.ts';

type Groups = Pick<Users, 'groups' | 'createGroup' | 'updateGroup' | 'removeGroup'>;

/** Groups of users. What a group may is a matter of grants. */
export function createGroups({ groups, principals }: { groups: GroupStore; principals: PrincipalStore }): Groups {
  async function named(name: string): Promise<GroupRecord> {
    const group = await groups.findByName(name);
    if (group === null) throw new CloudStoreError('principal_not_found', `There is no group ${name}.`);
    return group;
  }
  function idsOf(names: readonly string[]): Promise<PrincipalId[]> {
    return Promise.all(
      names.map(async (name) => {
        const record = await principals.findByName(name);
        if (record === null) throw new CloudStoreError('principal_not_found', `There is no user ${name}.`);
        return record.id;
      }),
    );
  }
  return {
    async groups(who) {
      adminItself(who);
      return groups.list();
    },
    async createGroup(who, name, members) {
      adminItself(who);
      assertUserName(name);
      const add = await idsOf(members);
      const group = await groups.create(name);
      return add.length === 0 ? group : groups.change(group.id, { add });
    },
    async updateGroup(who, name, patch) {
      adminItself(who);
      const group = await named(name);
      const [add, remove] = await Promise.all([idsOf(patch.add ?? []), idsOf(patch.remove ?? [])]);
      if (patch.name === undefined || patch.name === name) return groups.change(group.id, { add, remove });
      assertUserName(patch.name);
      return groups.change(group.id, { name: patch.name, add, remove });
    },
    async removeGroup(who, name) {
      adminItself(who);
      await groups.remove((await named(name)).id);
    },
  };
}
