import type { InstanceStore } from '#contracts/instance-store';
import type { Random } from '#core/clock';

/** Whose things outside of the database are. */
export interface Owner {
  /** Of the installation and of every copy of it that was restored from a backup: in every pack. 32 hex digits. */
  instance: string;
  /** Of this one alone: one that was restored has another than the one that the backup is of, which may still run. */
  owner: string;
}

const INSTANCE_ID = 'instance-id';
/** Set by a restore (`src/metadata/dump/places.ts`); who was never restored is known by the other. */
const OWNER_ID = 'owner-id';

/** Of the whole installation: 32 hex digits, made once, in every pack and every store. */
export function instanceIdOf(instance: InstanceStore, random: Random): Promise<string> {
  return instance.settingOrInsert(INSTANCE_ID, random(16).toString('hex'));
}

export async function ownerOf(store: InstanceStore, random: Random): Promise<Owner> {
  const instance = await instanceIdOf(store, random);
  return { instance, owner: (await store.setting<string>(OWNER_ID)) ?? instance };
}
