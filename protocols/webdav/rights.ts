import type { Action } from '#contracts/authorizer';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Principal } from '#core/principal';
import type { Exchange } from './exchange.ts';

/** What the caller may do with a file or folder, as the authorizer says: to be shown, never to decide by. */
export interface Rights {
  read: boolean;
  write: boolean;
  remove: boolean;
}

export const NO_RIGHTS: Rights = { read: false, write: false, remove: false };

/** Whether the caller may the same with all in the bucket, by who it is alone: nothing was granted there, and what it came with takes nothing away. */
export function evenRights({ credential }: Principal, { authority }: Bucket): boolean {
  return authority === 0 && (credential === undefined || (credential.scope === null && (credential.policies ?? []).length === 0));
}

/** Without waiting wherever the authorizer needs not wait: a listing asks it for every entry. */
export function rightsOn(x: Exchange, bucket: Bucket, key: ObjectKey): Rights | Promise<Rights> {
  const read = may(x, 'read', bucket, key);
  const write = may(x, 'write', bucket, key);
  const remove = may(x, 'delete', bucket, key);
  if (typeof read === 'boolean' && typeof write === 'boolean' && typeof remove === 'boolean') return { read, write, remove };
  return Promise.all([read, write, remove]).then(([first, second, third]) => ({ read: first, write: second, remove: third }));
}

function may(x: Exchange, action: Action, bucket: Bucket, key: ObjectKey): boolean | Promise<boolean> {
  const verdict = x.deps.authorizer.decide(x.who, action, bucket, key);
  return verdict instanceof Promise ? verdict.then(({ allowed }) => allowed) : verdict.allowed;
}
