import { createHash } from 'node:crypto';
import type { Buckets } from '#contracts/buckets';
import type { ChangeKind, Journal, JournalEvent } from '#contracts/journal';
import type { Lock } from '#contracts/locks';
import type { ListEntry, TreeVerdict } from '#contracts/metadata-store';
import type { Namespace } from '#contracts/namespace';
import { type Address, assertKey, compareKeys, nameOf, parentOf } from '#core/address';
import type { Bucket } from '#core/bucket';
import { type Conditions, checkConditions } from '#core/conditions';
import type { DigestName, Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import type { DirectoryInfo, EntryInfo, ObjectInfo } from '#core/object';
import type { Who } from '#core/principal';
import { bytesOf, collect } from '#core/stream';
import { tellFolder } from '../../support/folder-rows.ts';

interface Stored {
  info: ObjectInfo;
  bytes: Buffer;
}

/** One process's namespace in memory, whole enough for every WebDAV method; keys of folders end in a slash. */
export function memoryNamespace(now: () => number = Date.now) {
  const objects = new Map<number, Map<string, Stored>>();
  const folderProperties = new Map<string, Record<string, string>>();
  const buckets: Bucket[] = [];
  let locks: Lock[] = [];
  let serial = 0;
  const events = new Map<number, JournalEvent[]>();
  const record = (kind: ChangeKind, at: Address, from: Address | null = null): void => {
    const list = events.get(at.bucket) ?? [];
    list.push({
      bucket: at.bucket,
      cursor: { epoch: 1, seq: list.length + 1 },
      kind,
      key: at.key,
      fromKey: from?.key ?? null,
      fromBucket: from?.bucket ?? null,
      versionId: null,
      size: null,
      etag: null,
      at: now(),
      principal: null,
      protocol: 'webdav',
      requestId: 'R',
    });
    events.set(at.bucket, list);
  };
  const directoryIds = new Map<string, number>();
  const directoryIdOf = ({ bucket, key }: Address): number => {
    const name = `${bucket} ${key}`;
    const id = directoryIds.get(name) ?? directoryIds.size + 1;
    directoryIds.set(name, id);
    return id;
  };

  const of = (bucket: number): Map<string, Stored> => {
    const found = objects.get(bucket);
    if (found === undefined) throw new CloudStoreError('bucket_not_found', 'no bucket');
    return found;
  };
  const isFolder = (at: Address): boolean => at.key === '' || [...of(at.bucket).keys()].some((key) => key.startsWith(at.key));
  /** A folder's ETag moves with whatever is at or below it. */
  const stateBelow = (at: Address): string => {
    const inside = [...of(at.bucket)].filter(([key]) => key.startsWith(at.key));
    const folders = [...folderProperties].filter(([name]) => name.startsWith(`${at.bucket} ${at.key}`));
    return JSON.stringify([at.key, inside.map(([key, { info }]) => [key, info.etag, info.mtime, info.properties]), folders]);
  };
  const directoryOf = (at: Address): DirectoryInfo | null =>
    isFolder(at)
      ? {
          kind: 'directory',
          ...at,
          directoryId: directoryIdOf(at),
          explicit: of(at.bucket).has(at.key),
          etag: `${createHash('md5').update(stateBelow(at)).digest('hex')}-1`,
          modified: 1e12,
          created: 1e12,
          properties: folderProperties.get(`${at.bucket} ${at.key}`) ?? null,
          bytes: [...of(at.bucket)].reduce((sum, [key, { info }]) => sum + (key.startsWith(at.key) ? info.size : 0), 0),
        }
      : null;
  const find = (at: Address): EntryInfo | null => {
    if (at.key === '' || at.key.endsWith('/')) return directoryOf(at);
    return of(at.bucket).get(at.key)?.info ?? directoryOf({ ...at, key: `${at.key}/` });
  };
  const must = <T>(value: T | null | undefined): T => {
    if (value == null) throw new CloudStoreError('not_found', 'nothing here');
    return value;
  };
  const bare = (key: string): string => key.replace(/\/$/, '');
  const live = (): Lock[] => (locks = locks.filter((lock) => lock.expires > now()));
  const covers = (lock: Lock, key: string): boolean =>
    lock.at.key === key || (lock.infinite && (lock.at.key === '' || key.startsWith(`${lock.at.key}/`)));
  const covering = (bucket: number, keys: string[], below = false): Lock[] =>
    live().filter(
      (lock) =>
        lock.at.bucket === bucket &&
        keys.some((key) => covers(lock, key) || (below && (key === '' || lock.at.key.startsWith(`${key}/`)))),
    );
  const guard = (who: Who, bucket: number, key: string, tokens: readonly string[] = [], below = false): void => {
    const held = covering(bucket, [bare(key)], below);
    const mine = (lock: Lock): boolean => tokens.includes(lock.token) && lock.principal === who.principal?.id;
    const shared = held.filter((lock) => !lock.exclusive);
    if (!held.every((lock) => !lock.exclusive || mine(lock)) || (shared.length > 0 && !shared.some(mine))) {
      throw new CloudStoreError('locked', 'locked', { details: { ...held.find((lock) => !mine(lock))?.at } });
    }
  };
  const requireParent = (at: Address): void => {
    const parent = parentOf(at.key);
    if (parent !== '' && of(at.bucket).has(bare(parent))) throw new CloudStoreError('not_a_directory', 'a file is above');
    if (!isFolder({ ...at, key: parent })) throw new CloudStoreError('parent_missing', 'no parent');
  };
  const check = (
    conditions: Conditions | undefined,
    entry: EntryInfo | null,
    kind: 'read' | 'write',
    time: 'modified' | 'mtime',
  ) => {
    const modified = entry === null ? 0 : entry.kind === 'object' && time === 'mtime' ? entry.mtime : entry.modified;
    checkConditions(conditions ?? {}, entry === null ? null : { etag: entry.etag, modified }, kind);
  };
  const store = (at: Address, bytes: Buffer, from: Partial<ObjectInfo>): ObjectInfo => {
    const before = of(at.bucket).get(at.key)?.info;
    const info: ObjectInfo = {
      attributes: {},
      mtime: now(),
      properties: before?.properties ?? null,
      ...from,
      kind: 'object',
      ...at,
      nodeId: before?.nodeId ?? ++serial,
      versionId: String(++serial),
      visibility: 'hidden',
      deleteMarker: false,
      isLatest: true,
      size: bytes.length,
      etag: from.etag ?? `${createHash('md5').update(String(serial)).digest('hex')}-${serial}`,
      modified: now(),
      created: before?.created ?? now(),
      content: null,
    };
    of(at.bucket).set(at.key, { info, bytes });
    return info;
  };
  const keepParent = (at: Address, wanted: boolean | undefined): void => {
    const parent = { ...at, key: parentOf(at.key) };
    if (wanted && parent.key !== '' && !isFolder(parent)) store(parent, Buffer.alloc(0), {});
  };
  const removeAll = (at: Address): number => {
    const keys = [...of(at.bucket).keys()].filter((key) =>
      at.key.endsWith('/') || at.key === '' ? key.startsWith(at.key) : key === at.key,
    );
    for (const key of keys) of(at.bucket).delete(key);
    locks = locks.filter((lock) => !(lock.at.bucket === at.bucket && `${lock.at.key}/`.startsWith(`${bare(at.key)}/`)));
    return keys.length;
  };
  const transfer: Namespace['copy'] = async (who, from, to, options): Promise<TreeVerdict> => {
    assertKey(to.key);
    const source = must(find(from));
    check(options.conditions, source, 'write', 'modified');
    const target = find(to);
    if (target !== null && !options.overwrite) throw new CloudStoreError('already_exists', 'taken');
    requireParent(to);
    guard(who, to.bucket, to.key, options.lockTokens, true);
    if (target !== null) removeAll({ bucket: to.bucket, key: target.key });
    const tree = from.key.endsWith('/');
    const sources = [...of(from.bucket)].filter(([key]) =>
      tree ? key.startsWith(from.key) && (!options.depth0 || key === from.key) : key === from.key,
    );
    for (const [key, { info, bytes }] of sources)
      store({ bucket: to.bucket, key: to.key + key.slice(from.key.length) }, bytes, info);
    if (tree && !isFolder(to)) store(to, Buffer.alloc(0), {});
    for (const [name, properties] of [...folderProperties]) {
      if (!tree || !name.startsWith(`${from.bucket} ${from.key}`)) continue;
      folderProperties.set(`${to.bucket} ${to.key}${name.slice(`${from.bucket} ${from.key}`.length)}`, properties);
    }
    return { created: target === null, count: sources.length, entry: must(find(to)) };
  };

  const namespace: Namespace = {
    stat: async (_who, at, options) => {
      const info = must(of(at.bucket).get(at.key)).info;
      check(options?.conditions, info, 'read', options?.conditionTime ?? 'modified');
      return info;
    },
    entry: async (_who, at) => must(find(at)),
    directory: async (_who, at) => must(directoryOf(at)),
    get: async (_who, at, options) => {
      const { info, bytes } = must(of(at.bucket).get(at.key));
      check(options?.conditions, info, 'read', options?.conditionTime ?? 'modified');
      return {
        info,
        range: null,
        body: (range) => bytesOf(range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)),
      };
    },
    tag: () => Promise.reject(new CloudStoreError('not_implemented', 'not of WebDAV')),
    peek: () => null,
    peekObject: () => null,
    peekEntry: () => null,
    peekChanges: () => null,
    glance: () => null,
    put: async (who, at, body, options) => {
      assertKey(at.key);
      const early = find(at);
      if (early?.kind === 'directory') throw new CloudStoreError('is_a_directory', 'a folder');
      if (options.requireParent) requireParent(at);
      guard(who, at.bucket, at.key, options.lockTokens);
      check(options.conditions, early, 'write', 'modified');
      const bytes = await collect(body, 1 << 28, () => new CloudStoreError('too_large', 'large'));
      if (options.size !== undefined && bytes.length !== options.size) throw new CloudStoreError('incomplete_body', 'short');
      const digests: Digests = {};
      for (const name of ['md5', 'sha1', 'sha256'] as const) digests[name] = createHash(name).update(bytes).digest();
      const expected = typeof options.expect === 'function' ? options.expect() : (options.expect ?? {});
      for (const [name, value] of Object.entries(expected)) {
        if (!digests[name as DigestName]?.equals(value)) throw new CloudStoreError('checksum_mismatch', name);
      }
      const info = store(at, bytes, {
        attributes: options.attributes ?? {},
        ...(options.mtime === undefined ? {} : { mtime: options.mtime }),
        ...(options.etag === 'md5' ? { etag: createHash('md5').update(bytes).digest('hex') } : {}),
      });
      record('put', at);
      return { info, created: early === null, seq: 1, digests };
    },
    makeDirectory: async (who, at, options) => {
      assertKey(at.key);
      if (find({ ...at, key: bare(at.key) }) !== null) throw new CloudStoreError('already_exists', 'taken');
      if (options?.requireParent) requireParent(at);
      guard(who, at.bucket, at.key, options?.lockTokens);
      store(at, Buffer.alloc(0), {});
      if (options?.properties !== undefined) folderProperties.set(`${at.bucket} ${at.key}`, options.properties);
      record('put', at);
      return must(directoryOf(at));
    },
    remove: async (who, at, options) => {
      const entry = must(find(at));
      check(options?.conditions, entry, 'write', 'modified');
      guard(who, at.bucket, at.key, options?.lockTokens, true);
      removeAll(at);
      record(at.key.endsWith('/') ? 'removeTree' : 'remove', at);
      keepParent(at, options?.keepParent);
      return { existed: true, deleteMarker: false, versionId: null };
    },
    copy: async (who, from, to, options) => {
      if (to.key.endsWith('/') && directoryOf(to) !== null) record('removeTree', to);
      const verdict = await transfer(who, from, to, options);
      record('copy', to, from);
      return verdict;
    },
    copyObject: () => Promise.reject(new CloudStoreError('not_implemented', 'not of WebDAV')),
    move: async (who, from, to, options) => {
      guard(who, from.bucket, from.key, options.lockTokens, true);
      if (to.key.endsWith('/') && directoryOf(to) !== null) record('removeTree', to);
      const verdict = await transfer(who, from, to, options);
      record('move', to, from);
      if (from.bucket !== to.bucket) record(from.key.endsWith('/') ? 'removeTree' : 'remove', from);
      removeAll(from);
      keepParent(from, options.keepParent);
      return verdict;
    },
    listBrief: () => Promise.reject(new CloudStoreError('not_implemented', 'not of WebDAV')),
    listFolder: async (who, at, { unless, ...query }, begin) => {
      const found = at.key === '' || at.key.endsWith('/') ? directoryOf(at) : find(at);
      if (found?.kind !== 'directory') return { folder: null, count: 0, next: null };
      const same = found.etag === unless;
      const page = await namespace.list(who, {
        ...query,
        bucket: at.bucket,
        prefix: found.key,
        delimiter: '/',
        directories: true,
      });
      tellFolder(begin(), found, same ? [] : page.entries);
      return { folder: found, count: same ? null : page.entries.length, next: same ? null : page.next };
    },
    list: async (_who, query) => {
      const entries = new Map<string, ListEntry>();
      for (const key of [...of(query.bucket).keys()].sort(compareKeys)) {
        if (!key.startsWith(query.prefix)) continue;
        const slash = query.delimiter === '' ? -1 : key.indexOf(query.delimiter, query.prefix.length);
        const name = slash < 0 ? key : key.slice(0, slash + 1);
        if (entries.has(name) || (query.after !== '' && compareKeys(name, query.after) <= 0)) continue;
        const at = { bucket: query.bucket, key: name };
        entries.set(
          name,
          slash < 0
            ? { kind: 'object', info: must(of(query.bucket).get(key)).info }
            : { kind: 'prefix', prefix: name, directory: directoryOf(at) },
        );
      }
      const all = [...entries];
      const page = all.slice(0, query.limit);
      return { entries: page.map(([, entry]) => entry), next: all.length > page.length ? (page.at(-1)?.[0] ?? null) : null };
    },
    annotate: async (who, at, patch) => {
      const entry = must(find(at));
      check(patch.conditions, entry, 'write', 'modified');
      guard(who, at.bucket, at.key, patch.lockTokens);
      record('annotate', at);
      const properties = { ...entry.properties };
      for (const [name, value] of Object.entries(patch.properties ?? {})) {
        if (value === null) delete properties[name];
        else properties[name] = value;
      }
      if (entry.kind === 'directory') folderProperties.set(`${at.bucket} ${entry.key}`, properties);
      else
        Object.assign(must(of(at.bucket).get(at.key)).info, {
          properties,
          ...(patch.mtime === undefined ? {} : { mtime: patch.mtime }),
        });
      return must(find(at));
    },
    lock: async (who, lock) => {
      const others = covering(lock.at.bucket, [lock.at.key], lock.infinite);
      const other = others.find(({ exclusive }) => exclusive || lock.exclusive);
      if (other !== undefined) throw new CloudStoreError('locked', 'taken', { details: { ...other.at } });
      const taken = {
        ...lock,
        principal: who.principal?.id ?? 0,
        token: `urn:uuid:${++serial}`,
        expires: now() + lock.timeoutMs,
      };
      locks.push(taken);
      return taken;
    },
    refreshLock: async (who, at, token, timeoutMs) => {
      const lock = covering(at.bucket, [at.key]).find((held) => held.token === token && held.principal === who.principal?.id);
      if (lock === undefined) throw new CloudStoreError('lock_not_found', 'no lock');
      return Object.assign(lock, { timeoutMs, expires: now() + timeoutMs });
    },
    unlock: async (who, at, token) => {
      const lock = covering(at.bucket, [at.key]).find((held) => held.token === token);
      if (lock === undefined) throw new CloudStoreError('lock_not_found', 'no lock');
      if (lock.principal !== who.principal?.id) throw new CloudStoreError('access_denied', 'not yours');
      locks = locks.filter((held) => held !== lock);
    },
    locks: async (_who, bucket, keys, below) => covering(bucket, keys, below),
    quota: async () => ({ used: 10, available: 90 }),
  };

  const resolved = (name: string): Bucket | null => buckets.find((bucket) => bucket.name === name) ?? null;
  const refuse = (): Promise<never> => Promise.reject(new CloudStoreError('not_implemented', 'not of WebDAV'));
  const bucketsDoor: Buckets = {
    readAnew: async () => undefined,
    create: async (who, name) => {
      if (who.principal?.role === 'guest') throw new CloudStoreError('access_denied', 'a guest');
      if (resolved(name) !== null) throw new CloudStoreError('bucket_owned_by_you', 'taken');
      const id = buckets.length + 1;
      objects.set(id, new Map());
      const owner = who.principal?.id ?? 0;
      const bucket: Bucket = {
        id,
        name,
        owner,
        domain: 1,
        kind: 'standard',
        versioning: 'off',
        objectLock: false,
        created: now(),
        config: {},
        authority: 0,
      };
      buckets.push(bucket);
      return bucket;
    },
    nameFor: async (_who, bucket) => bucket.name,
    resolve: async (_who, name) => {
      const bucket = resolved(name);
      if (bucket === null) throw new CloudStoreError('bucket_not_found', nameOf(name));
      return bucket;
    },
    resolved: (_who, name) => resolved(name),
    named: async (name) => resolved(name),
    get: refuse,
    list: async () => buckets,
    update: refuse,
    remove: refuse,
    removed: refuse,
    restore: refuse,
    drop: refuse,
    usage: refuse,
  };
  const journal: Journal = {
    head: async (bucket) => ({ epoch: 1, seq: events.get(bucket)?.length ?? 0 }),
    since: async (bucket, cursor, limit) => {
      const all = events.get(bucket) ?? [];
      if (cursor.epoch !== 1 || cursor.seq > all.length) throw new CloudStoreError('cursor_expired', 'another time');
      return all.slice(cursor.seq, cursor.seq + limit);
    },
  };
  /** As another door would write: any key, no parent asked for. */
  const plant = (bucket: string, key: string, text = key): void => {
    const at = { bucket: resolved(bucket)?.id ?? 0, key };
    store(at, Buffer.from(text), {});
    record('put', at);
  };
  const keys = (bucket: string): string[] => [...of(resolved(bucket)?.id ?? 0).keys()].sort(compareKeys);
  return { namespace, buckets: bucketsDoor, journal, plant, keys };
}
