import type { Namespace } from '#contracts/namespace';
import { pooledRandom } from '#core/pooled-random';
import { createAccess } from './access.ts';
import { annotate } from './annotate.ts';
import { copy, move } from './copy-move.ts';
import { copyObject } from './copy-object.ts';
import type { NamespaceDeps, Rooms } from './deps.ts';
import { directory, entry, get, glance, peek, peekChanges, peekEntry, peekObject, stat } from './get.ts';
import { list, listBrief, listFolder } from './list.ts';
import { createLocking } from './locking.ts';
import { makeDirectory, put } from './put.ts';
import { quota } from './quota.ts';
import { createQuotaGuard } from './quota-guard.ts';
import { remove } from './remove.ts';
import { tag } from './tag.ts';
import { createVersionIds } from './version-id.ts';

/** The one door to files. Every method's first step is to ask whether the caller may. */
export function createNamespace(deps: NamespaceDeps): Namespace {
  const access = createAccess({ cache: deps.buckets.cache, authorizer: deps.authorizer });
  const random = pooledRandom(deps.random);
  const rooms: Rooms = { ...deps, random, access, quotas: createQuotaGuard(deps), mint: createVersionIds(deps) };
  return {
    stat: (who, at, options) => stat(rooms, who, at, options),
    entry: (who, at) => entry(rooms, who, at),
    directory: (who, at) => directory(rooms, who, at),
    get: (who, at, options) => get(rooms, who, at, options),
    peek: (who, at) => peek(rooms, who, at),
    peekObject: (who, at) => peekObject(rooms, who, at),
    peekEntry: (who, at, below) => peekEntry(rooms, who, at, below),
    peekChanges: (who, at, since) => peekChanges(rooms, who, at, since),
    glance: (who, at) => glance(rooms, who, at),
    put: (who, at, body, options) => put(rooms, who, at, body, options),
    makeDirectory: (who, at, options) => makeDirectory(rooms, who, at, options),
    tag: (who, at, tags, options) => tag(rooms, who, at, tags, options),
    remove: (who, at, options) => remove(rooms, who, at, options),
    copy: (who, from, to, options) => copy(rooms, who, from, to, options),
    copyObject: (who, from, to, options) => copyObject(rooms, who, from, to, options),
    move: (who, from, to, options) => move(rooms, who, from, to, options),
    list: (who, query) => list(rooms, who, query),
    listBrief: (who, query, begin, action) => listBrief(rooms, who, query, begin, action),
    listFolder: (who, at, query, begin) => listFolder(rooms, who, at, query, begin),
    annotate: (who, at, patch) => annotate(rooms, who, at, patch),
    ...createLocking(rooms),
    quota: (who, bucket) => quota(rooms, who, bucket),
  };
}
