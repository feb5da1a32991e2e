import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Authenticator } from '#contracts/authenticator';
import type { Buckets } from '#contracts/buckets';
import type { BriefRow, ListQuery } from '#contracts/metadata-store';
import type { Namespace, PutOptions } from '#contracts/namespace';
import type { Part, Upload } from '#contracts/upload-store';
import type { Uploads } from '#contracts/uploads';
import { compareKeys } from '#core/address';
import { assertBucketName, type Bucket } from '#core/bucket';
import { checkConditions } from '#core/conditions';
import type { DigestName, Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import { resolveRange } from '#core/range';
import { type Bytes, bytesOf, collect } from '#core/stream';
import { type AccessLog, createAccessLog } from '#protocols/s3/access-log';
import { createS3Door, type S3Deps } from '#protocols/s3/door';
import { smallDigest } from '#protocols/s3/small-digest';
import { memoryAccess, permissive } from '../../support/authorizer.ts';
import { rowOf } from '../../support/brief-rows.ts';

export const KEY = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const MEMBER = { id: 7, name: 'alice', role: 'member' as const };
type Stored = { info: ObjectInfo; bytes: Buffer };

export interface Rig {
  url: string;
  port: number;
  /** `bucket/key` of all that is stored. */
  stored: Map<string, Stored>;
  clock: { now(): number; ms: number | null };
  logged: { level: string; fields: object }[];
  /** What webhooks got; `hook` takes everything, `dead` nothing, and there are no others. */
  posted: { target: string; id: string; body: string }[];
  domain: string | null;
  accessLog: AccessLog;
  buckets: Pick<Buckets, 'named'>;
  /** What a completion of an upload waits for. */
  completing: (() => Promise<void>) | null;
  close(): Promise<void>;
}

/** The S3 door on a real node:http server, over namespace, buckets and uploads in memory: enough of the contracts for wire tests. */
export async function startRig(options: Pick<S3Deps, 'signatureV2'> = {}): Promise<Rig> {
  const clock = { ms: null as number | null, now: () => clock.ms ?? Date.now() };
  const stored = new Map<string, Stored>();
  const buckets = new Map<string, Bucket>();
  const logged: Rig['logged'] = [];
  const log = logger(logged);
  const memory = memoryRooms(stored, buckets, clock);
  const complete: Uploads['complete'] = async (...given) => {
    await rig.completing?.();
    return memory.uploads.complete(...given);
  };
  const rooms = {
    ...memory,
    uploads: { ...memory.uploads, complete },
    clock,
    history: {} as never,
    authenticator: memoryAuthenticator(),
    authorizer: permissive(),
  };
  const posted: Rig['posted'] = [];
  const accessLog = createAccessLog({ ...rooms, random: randomBytes, log, region: 'us-east-1', everyMs: 1e9, batchBytes: 4096 });
  const door = createS3Door({
    access: memoryAccess(rooms.buckets),
    accessLog,
    journal: { head: async () => ({ epoch: 1, seq: 0 }) },
    jobs: {
      start: async () => undefined,
      startAlone: async () => undefined,
      cancel: async () => undefined,
      list: async () => [],
    },
    webhooks: {
      has: (target) => target === 'hook' || target === 'dead',
      async post(target, message) {
        if (target === 'dead') throw new CloudStoreError('unavailable', 'Dead.');
        posted.push({ target, ...message });
      },
    },
    ...rooms,
    random: (size) => randomBytes(size),
    domain: 's3.example.test',
    ...options,
  });
  let number = 0;
  const server: Server = createServer();
  const onRequest = (req: never, res: never): void => {
    let abort: AbortController | null = null;
    (res as unknown as NodeJS.EventEmitter).once('close', () => abort?.abort());
    const cx = {
      requestId: (++number).toString(16).toUpperCase().padStart(16, '0'),
      remoteAddress: '127.0.0.1',
      secure: false,
      header: () => undefined,
      log,
      // As the server has it: made only for who asks.
      get signal() {
        abort ??= new AbortController();
        return abort.signal;
      },
      op: '',
    };
    if (door.fast?.(req, res, cx)) return;
    void door.handle(req, res, cx);
  };
  server.on('request', onRequest as never);
  server.on('checkContinue', onRequest as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const rig: Rig = {
    url: `http://127.0.0.1:${port}`,
    port,
    stored,
    clock,
    logged,
    posted,
    domain: 's3.example.test',
    accessLog,
    buckets: rooms.buckets,
    completing: null,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return rig;
}

function logger(lines: Rig['logged']): never {
  const at = (level: string) => (fields: object) => void lines.push({ level, fields });
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log as never;
}

function memoryAuthenticator(): Authenticator {
  return {
    accessKey: (id: string) => (id === KEY.accessKeyId ? { id, principal: MEMBER, secret: KEY.secretAccessKey } : null),
    admit: () => undefined,
  } as Partial<Authenticator> as Authenticator;
}

function memoryRooms(stored: Map<string, Stored>, byName: Map<string, Bucket>, clock: { now(): number }) {
  let ids = 0;
  const find = (bucket: number, key: string): Stored | undefined => stored.get(`${bucket}/${key}`);
  const need = (bucket: number, key: string): Stored => {
    const found = find(bucket, key);
    if (found === undefined) throw new CloudStoreError('not_found', 'No object.');
    return found;
  };
  const ingest = async (
    body: Bytes,
    options: Pick<PutOptions, 'size' | 'expect' | 'digests'>,
  ): Promise<{ bytes: Buffer; digests: Digests }> => {
    const bytes = await collect(body, 2 ** 30, () => new CloudStoreError('too_large', 'Too large.'));
    if (options.size !== undefined && options.size !== bytes.length) throw new CloudStoreError('incomplete_body', 'Short.');
    const expect = (typeof options.expect === 'function' ? options.expect() : options.expect) ?? {};
    const digests: Digests = {};
    for (const name of new Set<DigestName>(['md5', ...(options.digests ?? []), ...(Object.keys(expect) as DigestName[])])) {
      const digest = await smallDigest(name, Buffer.from(bytes));
      digests[name] = digest;
      if (expect[name] !== undefined && !expect[name].equals(digest)) {
        throw new CloudStoreError('checksum_mismatch', 'Mismatch.', { details: { algorithm: name } });
      }
    }
    return { bytes: Buffer.from(bytes), digests };
  };
  const store = (bucket: number, key: string, bytes: Buffer, etag: string, options: Partial<PutOptions>): ObjectInfo => {
    const now = clock.now();
    const info: ObjectInfo = {
      kind: 'object',
      bucket,
      key,
      nodeId: ++ids,
      versionId: ids.toString(16).padStart(32, '0'),
      visibility: 'hidden',
      deleteMarker: false,
      isLatest: true,
      size: bytes.length,
      etag,
      modified: now,
      mtime: options.mtime ?? now,
      created: now,
      attributes: options.attributes ?? {},
      content: null,
      properties: null,
    };
    stored.set(`${bucket}/${key}`, { info, bytes });
    return info;
  };
  const check = (bucket: number, key: string, conditions: PutOptions['conditions'], kind: 'read' | 'write'): void =>
    checkConditions(conditions ?? {}, find(bucket, key)?.info ?? null, kind);

  const namespace = {
    async stat(_who, at, options) {
      const { info } = need(at.bucket, at.key);
      check(at.bucket, at.key, options?.conditions, 'read');
      return info;
    },
    async get(_who, at, options) {
      const { info, bytes } = need(at.bucket, at.key);
      check(at.bucket, at.key, options?.conditions, 'read');
      const range = options?.range === undefined ? null : resolveRange(options.range, info.size);
      return { info, range, body: (part) => bytesOf(part === undefined ? bytes : bytes.subarray(part.start, part.end + 1)) };
    },
    peek(_who, at) {
      const found = find(at.bucket, at.key);
      return found === undefined || found.bytes.length > 1024 ? null : { info: found.info, body: found.bytes };
    },
    peekObject: (_who, at) => find(at.bucket, at.key)?.info ?? null,
    glance: () => null,
    async put(_who, at, body, options) {
      check(at.bucket, at.key, options.conditions, 'write');
      const { bytes, digests } = await ingest(body, options);
      const checksum = options.checksumOf?.(digests);
      const attributes = { ...options.attributes, ...(checksum === undefined ? {} : { checksum }) };
      const created = find(at.bucket, at.key) === undefined;
      const info = store(at.bucket, at.key, bytes, (digests.md5 as Buffer).toString('hex'), { ...options, attributes });
      return { info, created, seq: ids, digests };
    },
    async remove(_who, at) {
      return { existed: stored.delete(`${at.bucket}/${at.key}`), deleteMarker: false, versionId: null };
    },
    async copyObject(_who, from, to, options) {
      const source = need(from.bucket, from.key);
      check(from.bucket, from.key, options.sourceConditions, 'write');
      const said = options.describe?.(source.info);
      const attributes = said?.attributes ?? options.attributes ?? source.info.attributes;
      const mtime = options.mtime ?? said?.mtime ?? source.info.mtime;
      return {
        info: store(to.bucket, to.key, source.bytes, source.info.etag, { attributes, mtime }),
        created: true,
        seq: ids,
        digests: {},
      };
    },
    async listBrief(_who: unknown, { bucket, prefix, delimiter, after, limit }: ListQuery, begin: () => (row: BriefRow) => void) {
      const show = begin();
      let count = 0;
      const infos = [...stored.values()]
        .map(({ info }) => info)
        .filter((info) => info.bucket === bucket && info.key.startsWith(prefix));
      infos.sort((a, b) => compareKeys(a.key, b.key));
      let last = '';
      for (const info of infos) {
        const end = delimiter === '' ? -1 : info.key.indexOf(delimiter, prefix.length);
        const name = end < 0 ? info.key : info.key.slice(0, end + delimiter.length);
        if (name === last || compareKeys(name, after) <= 0) continue;
        if (count === limit) return { count, next: last, etag: null };
        last = name;
        count++;
        const { size, etag, modified } = info;
        show(rowOf(end < 0 ? { name, size, etag, modified, checksum: null, storageClass: null } : { prefix: name }));
      }
      return { count, next: null, etag: null };
    },
  } as Partial<Namespace> as Namespace;

  const bucketRoom = {
    async create(_who, name) {
      assertBucketName(name);
      if (byName.has(name)) {
        throw new CloudStoreError(byName.get(name)?.owner === MEMBER.id ? 'bucket_owned_by_you' : 'bucket_exists', 'Taken.');
      }
      const owner = name.startsWith('foreign') ? 8 : MEMBER.id;
      const bucket: Bucket = {
        id: ++ids,
        name,
        owner,
        domain: 1,
        kind: 'standard',
        versioning: 'off',
        objectLock: false,
        created: clock.now(),
        config: {},
        authority: 0,
      };
      byName.set(name, bucket);
      return bucket;
    },
    resolved: (who, name) => (who.principal === null ? null : (byName.get(name) ?? null)),
    get: async (_who, id) => [...byName.values()].find((one) => one.id === id) as Bucket,
    async resolve(_who, name) {
      throw new CloudStoreError('bucket_not_found', `No bucket ${name}.`);
    },
    named: async (name) => byName.get(name) ?? null,
    nameFor: async (_who, { name }) => name,
    list: async () => [...byName.values()],
    async update(_who, id, patch) {
      const bucket = [...byName.values()].find((one) => one.id === id) as Bucket;
      const config = Object.entries({ ...bucket.config, ...patch.config }).filter(([, value]) => value !== null);
      return Object.assign(bucket, patch, { config: JSON.parse(JSON.stringify(Object.fromEntries(config))) });
    },
    async remove(_who, id) {
      if ([...stored.values()].some(({ info }) => info.bucket === id))
        throw new CloudStoreError('bucket_not_empty', 'Not empty.');
      for (const [name, bucket] of byName) if (bucket.id === id) byName.delete(name);
    },
  } as Partial<Buckets> as Buckets;

  return { namespace, buckets: bucketRoom, uploads: memoryUploads(clock, ingest, store, need) };
}

function memoryUploads(
  clock: { now(): number },
  ingest: (body: Bytes, options: Pick<PutOptions, 'size' | 'expect' | 'digests'>) => Promise<{ bytes: Buffer; digests: Digests }>,
  store: (bucket: number, key: string, bytes: Buffer, etag: string, options: Partial<PutOptions>) => ObjectInfo,
  need: (bucket: number, key: string) => Stored,
): Uploads {
  const open = new Map<string, { upload: Upload; parts: Map<number, Part & { bytes: Buffer }> }>();
  let ids = 0;
  const find = (id: string) => {
    const found = open.get(id);
    if (found === undefined) throw new CloudStoreError('upload_not_found', 'No upload.');
    return found;
  };
  const keep = (id: string, number: number, bytes: Buffer, digests: Digests): Part => {
    const etag = createHash('md5').update(bytes).digest('hex');
    const content = { kind: 'inline' as const, domain: 1, size: bytes.length, sealed: bytes };
    const part = { number, size: bytes.length, etag, content, digests, modified: clock.now(), bytes };
    find(id).parts.set(number, part);
    return part;
  };
  return {
    async begin(_who, at, options) {
      const id = (++ids).toString(16).padStart(32, '0');
      const upload: Upload = { ...options, ...at, principal: MEMBER.id, id, created: clock.now(), completedVersion: null };
      open.set(id, { upload, parts: new Map() });
      return upload;
    },
    async writePart(_who, _at, id, number, body, options) {
      find(id);
      const { upload } = find(id);
      const wanted = upload.checksum === undefined ? [] : [upload.checksum.algorithm as DigestName];
      const { bytes, digests } = await ingest(body, { ...options, digests: [...(options.digests ?? []), ...wanted] });
      return keep(id, number, bytes, digests);
    },
    async copyPart(_who, _at, id, number, from, options) {
      const { bytes } = need(from.bucket, from.key);
      const range = options.range === undefined ? null : resolveRange(options.range, bytes.length);
      return keep(id, number, range === null ? bytes : bytes.subarray(range.start, range.end + 1), {});
    },
    async parts(_who, _at, id, after, limit) {
      const { upload, parts } = find(id);
      return {
        upload,
        parts: [...parts.values()]
          .sort((a, b) => a.number - b.number)
          .filter((part) => part.number > after)
          .slice(0, limit),
      };
    },
    async list(_who, bucket, prefix, after, limit) {
      return [...open.values()]
        .map(({ upload }) => upload)
        .filter((upload) => upload.bucket === bucket && upload.key.startsWith(prefix))
        .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.id, b.id))
        .filter((upload) => after === null || (compareKeys(upload.key, after.key) || compareKeys(upload.id, after.id)) > 0)
        .slice(0, limit);
    },
    async complete(_who, at, id, named) {
      const { parts, upload } = find(id);
      const used = named.map(({ number, etag }) => {
        const part = parts.get(number);
        if (part === undefined || part.etag !== etag) throw new CloudStoreError('invalid_part', 'No part.');
        return part;
      });
      const md5 = createHash('md5').update(Buffer.concat(used.map((part) => Buffer.from(part.etag, 'hex'))));
      const attributes = { ...upload.attributes, partSizes: used.map((part) => part.size) };
      const info = store(
        at.bucket,
        at.key,
        Buffer.concat(used.map((part) => part.bytes)),
        `${md5.digest('hex')}-${used.length}`,
        { attributes },
      );
      open.delete(id);
      return { info, created: true, seq: 1, digests: {} };
    },
    async abort(_who, _at, id) {
      find(id);
      open.delete(id);
    },
  };
}
