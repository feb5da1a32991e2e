import type { FolderChange } from '#contracts/metadata-store';
import { type Address, parentOf } from '#core/address';
import type { DirectoryInfo } from '#core/object';
import type { DirectoryChange, Plan } from './plan.ts';
import { type BatchState, type SlotState, slotKey } from './state.ts';

/** A folder that a batch has moved; null: not known, or not there. */
export interface FolderAfter {
  at: Address;
  before: DirectoryInfo | null;
  after: DirectoryInfo | null;
}

/**
 * The rows of directories that a batch touched, as cs_commit leaves them: each ETag moves by one.
 * @param known rows as they were, of those that the batch has not read
 */
export function foldersAfter(plan: Plan, state: BatchState, known: ReadonlyMap<string, DirectoryInfo>): FolderAfter[] {
  return [...plan.directories].map(([name, change]) => {
    const at = { bucket: change.b, key: change.k };
    const read = state.directories.get(name);
    // What the batch itself makes has no ETag yet.
    const before = (read?.etag === '' ? null : read) ?? known.get(name) ?? null;
    return { at, before, after: before === null ? null : rowAfter(plan, state, change, before) };
  });
}

function rowAfter(plan: Plan, state: BatchState, change: DirectoryChange, before: DirectoryInfo): DirectoryInfo | null {
  const unsure = plan.properties.has(slotKey(change.b, change.k)) || (change.c && !plan.foldersStay && !stays(state, change));
  if (unsure || before.bytes === null) return null;
  const dash = before.etag.lastIndexOf('-') + 1;
  return {
    ...before,
    explicit: change.e ?? before.explicit,
    etag: before.etag.slice(0, dash) + (Number(before.etag.slice(dash)) + 1),
    modified: state.now,
    bytes: before.bytes + change.z,
  };
}

/** Something was removed below it, and something else is there. */
function stays(state: BatchState, { b, k }: DirectoryChange): boolean {
  const below = slotKey(b, k);
  if (k === '') return true;
  for (const at of state.occupied) if (at.startsWith(below)) return true;
  return false;
}

/** By the folder that it lies in: what a batch made of each name directly in it. null: it cannot be told. */
export function entriesAfter(plan: Plan, folders: readonly FolderAfter[]): Map<string, FolderChange[] | null> {
  const changes = new Map<string, FolderChange[] | null>();
  const tell = (at: string, change: FolderChange | null): void => {
    const others = changes.get(at);
    if (change === null || others === null) changes.set(at, null);
    else if (others === undefined) changes.set(at, [change]);
    else others.push(change);
  };
  for (const { bucket, key, state } of plan.slots.values()) {
    // A folder's marker is no name in it, and with bytes it is.
    if (key.endsWith('/')) tell(slotKey(bucket, key), null);
    else tell(slotKey(bucket, parentOf(key)), state.live ? shown({ bucket, key }, state) : { kind: 'gone', key });
  }
  for (const { at, after } of folders) {
    if (at.key === '') continue;
    const parent = slotKey(at.bucket, parentOf(at.key));
    tell(parent, after === null ? null : { kind: 'prefix', prefix: at.key, directory: after });
  }
  return changes;
}

function shown({ bucket, key }: Address, slot: SlotState): FolderChange {
  const { nodeId, size, etag, modified, mtime, created, attributes, properties } = slot;
  const times = { modified, mtime, created };
  return { kind: 'object', info: { kind: 'object', bucket, key, nodeId, size, etag, ...times, attributes, properties } };
}
