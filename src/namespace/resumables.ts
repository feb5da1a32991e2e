import type { Authorizer } from '#contracts/authorizer';
import type { BucketStore } from '#contracts/bucket-store';
import type { Content, Staged } from '#contracts/content';
import type { Keyring } from '#contracts/keyring';
import type { Locks } from '#contracts/locks';
import type { MetadataStore } from '#contracts/metadata-store';
import type { PutResult } from '#contracts/namespace';
import type { NewPart, Resumable, ResumableStore } from '#contracts/resumable-store';
import type { Resumables } from '#contracts/resumables';
import type { Signals } from '#contracts/signals';
import { type Address, assertKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock, Random } from '#core/clock';
import { type Conditions, checkConditions } from '#core/conditions';
import type { ContentRef, DomainId } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import type { Bytes } from '#core/stream';
import { adding, createAccess } from './access.ts';
import { createBucketCache } from './bucket-cache.ts';
import { opaqueEtag } from './etag.ts';
import { createQuotaGuard, type QuotaGuardDeps } from './quota-guard.ts';
import { ANNOUNCED, announced, complete, isSummed, lasting, SUMMED, withExtra } from './resumable-attributes.ts';
import { createRunningSums } from './running-sums.ts';
import { createSegments, type SegmentLimits } from './segments.ts';
import { createVersionIds } from './version-id.ts';

export interface ResumablesDeps extends QuotaGuardDeps {
  store: MetadataStore;
  content: Content;
  buckets: BucketStore;
  resumables: ResumableStore;
  locks: Locks;
  authorizer: Authorizer;
  signals: Signals;
  keyring: Keyring;
  clock: Clock;
  random: Random;
  /** Defaults are for people; tests shorten them. */
  segments?: SegmentLimits;
  /** More parts are folded into one. */
  partsMax?: number;
}

/** What a killed gateway may lose of a stream that nobody has acknowledged. */
const SEGMENTS: SegmentLimits = { bytesMax: 32 << 20, msMax: 5_000 };
const PARTS_MAX = 1_000;

interface Running {
  stop(): void;
  ended: Promise<void>;
}

/** The contract is Resumables. */
export function createResumables(deps: ResumablesDeps): Resumables {
  const { content, resumables, store, clock } = deps;
  const limits = deps.segments ?? SEGMENTS;
  const partsMax = deps.partsMax ?? PARTS_MAX;
  const access = createAccess({ cache: createBucketCache(deps), authorizer: deps.authorizer });
  const quotas = createQuotaGuard(deps);
  const mint = createVersionIds(deps);
  const sums = createRunningSums(content);
  const running = new Map<string, Running>();

  /** `addsOnly`: its principal may put new files there, and overwrite none. */
  async function find(who: Who, id: string): Promise<Resumable & { bucketOf: Bucket; domain: DomainId; addsOnly: boolean }> {
    const upload = await resumables.find(id);
    // Ids are long, and yet no secret: another one's does not exist.
    if (upload === null || upload.principal !== who.principal?.id) throw missing();
    const { bucket, addsOnly } = await access.requireWrite(who, upload, upload.attributes.tags);
    return { ...upload, bucketOf: bucket, domain: bucket.domain, addsOnly };
  }

  async function refuseEarly(at: Address, options: Parameters<Resumables['begin']>[2]): Promise<void> {
    const [current, locks, quota] = await Promise.all([
      store.current(at),
      deps.locks.covering(at.bucket, [at.key]),
      options.length === null ? null : quotas.left(at.bucket),
    ]);
    checkConditions(options.conditions, current, 'write');
    if (locks.length > 0) throw new CloudStoreError('locked', 'The resource is locked.', { details: { key: at.key } });
    const freed = current?.size ?? 0;
    const length = options.length ?? 0;
    if (quota !== null && length > quota + freed && length > freed) {
      throw new CloudStoreError('quota_exceeded', 'The file is larger than what is left of the quota.');
    }
  }

  /** While a segment is made durable and gets its rows, the next one comes already: no sender waits for the disk. */
  async function appendSegments(
    upload: Resumable & { domain: DomainId },
    offset: number,
    body: Bytes,
    stop: AbortSignal,
  ): Promise<unknown> {
    const segments = createSegments(body, limits, stop);
    const sum = isSummed(upload) ? sums.follow(upload.id, offset) : null;
    let kept = Promise.resolve(offset);
    try {
      for (let segment = await segments.next(); segment !== null; segment = await segments.next()) {
        const before = kept;
        const written = content.write(sum?.through(segment) ?? segment, { domain: upload.domain, contentHash: false });
        const whole = await Promise.race([segments.read(), written.then(nothing, () => 'refused')]);
        kept = keepSegment(upload, written, before, sum?.mark());
        kept.catch(nothing); // told below
        if (whole === 'refused') break;
        await before;
      }
    } finally {
      await kept.catch(nothing);
      segments.close();
    }
    await kept;
    return segments.broken();
  }

  /** Gives how much there is then. What came before has its rows first. */
  async function keepSegment(
    upload: Resumable & { domain: DomainId },
    written: Promise<Staged>,
    before: Promise<number>,
    keepSum: ((received: number) => void) | undefined,
  ): Promise<number> {
    const staged = await written.catch(async (error: unknown) => {
      await before;
      throw error;
    });
    try {
      const { received, parts } = await resumables.append(upload.id, await before, partOf(staged), staged.chunks, staged.leaves);
      keepSum?.(received);
      if (parts >= partsMax) await fold(upload);
      return received;
    } finally {
      staged.release();
    }
  }

  function partOf(staged: Staged): NewPart {
    return { size: staged.size, content: staged.content, digests: {}, modified: clock.now() };
  }

  async function joined(
    upload: Pick<Resumable, 'id'>,
    domain: DomainId,
  ): Promise<{ staged: Staged; numbers: number[]; contents: ContentRef[] }> {
    const parts = await resumables.parts(upload.id);
    const contents = parts.map((part) => part.content);
    return { staged: await content.concat(contents, domain), numbers: parts.map((part) => part.number), contents };
  }

  /** All that a partial one has: whoever joins it too, or gives it up, may have taken it away since it was found. @throws upload_not_found */
  async function wholeOf({ id, received }: Resumable): Promise<ContentRef[]> {
    const parts = await resumables.parts(id);
    if (parts.reduce((sum, { size }) => sum + size, 0) !== received) throw missing();
    return parts.map((part) => part.content);
  }

  /** Many small pieces become one part, without moving bytes: their number never grows without bounds. */
  async function fold(upload: Resumable & { domain: DomainId }): Promise<void> {
    const { staged, numbers } = await joined(upload, upload.domain);
    try {
      await resumables.fold(upload.id, numbers, partOf(staged), staged.chunks, staged.leaves);
    } catch (error) {
      if (!isCloudStoreError(error, 'conflict')) throw error; // another one has done it
    } finally {
      staged.release();
    }
  }

  /**
   * Bytes that are not the sender's become no file, and are of no use to it: it has to begin anew. Gives what the object will have: its SHA-256, where it was
   * made. @throws checksum_mismatch
   */
  async function assertAnnounced(upload: Resumable, parts: ContentRef[]): Promise<Resumable['attributes']> {
    const sum = announced(upload);
    if (sum === null) return lasting(upload);
    const { sha256, blocks } = await sums.of(upload.id, parts);
    if ((sum.algorithm === 'sha-256' ? sha256 : blocks).toString('base64') === sum.value) {
      return {
        ...lasting(upload),
        checksum: { algorithm: 'sha256', value: sha256.toString('base64'), type: 'FULL_OBJECT' },
      };
    }
    sums.forget(upload.id);
    await resumables.remove(upload.id);
    throw new CloudStoreError('checksum_mismatch', 'What came is not what was announced: nothing is stored.');
  }

  async function commit(who: Who, upload: Resumable & { addsOnly: boolean }, staged: Staged): Promise<PutResult> {
    try {
      return await adding(upload.addsOnly, upload.conditions, (conditions = {}) => commitUnder(who, upload, staged, conditions));
    } finally {
      staged.release();
    }
  }

  async function commitUnder(who: Who, upload: Resumable, staged: Staged, conditions: Conditions): Promise<PutResult> {
    const verdict = await store.commit({
      kind: 'put',
      who,
      bucket: upload.bucket,
      key: upload.key,
      versionId: mint(),
      content: staged.content,
      etag: opaqueEtag(deps.random),
      attributes: upload.attributes,
      contentHash: staged.contentHash,
      chunks: staged.chunks,
      leaves: staged.leaves,
      completesUpload: upload.id,
      conditions,
      ...(upload.mtime === undefined ? {} : { mtime: upload.mtime }),
    });
    return { ...verdict, digests: {} };
  }

  async function settle(id: string): Promise<void> {
    const one = running.get(id);
    one?.stop();
    await one?.ended;
  }

  const made: Resumables['made'] = async (_who, upload) =>
    upload.completedVersion === null ? null : store.version(upload, upload.completedVersion, { hidden: true });

  async function madeAgain(who: Who, upload: Resumable): Promise<PutResult> {
    const info = await made(who, upload);
    if (info === null) throw new CloudStoreError('upload_not_found', 'The upload has ended, and its object is gone.');
    return { info, created: false, seq: 0, digests: {} };
  }

  return {
    find,
    settle,
    made,
    async begin(who, at, { summed = false, ...given }) {
      assertKey(at.key);
      const options = summed ? { ...given, attributes: withExtra(given.attributes, SUMMED, 'yes') } : given;
      const { addsOnly } = await access.requireWrite(who, at, options.attributes.tags);
      if (options.kind !== 'partial')
        await adding(addsOnly, options.conditions, (conditions = {}) => refuseEarly(at, { ...options, conditions }));
      return resumables.create({ ...at, ...options, principal: who.principal?.id ?? 0 });
    },
    async list(who, before, limit) {
      const { principal } = who;
      if (principal === null) throw new CloudStoreError('unauthenticated', 'Uploads belong to somebody.');
      return resumables.list(principal.id, before, limit);
    },
    async append(who, id, offset, body, { expect, signal }) {
      await settle(id);
      const upload = await find(who, id);
      if (upload.completedVersion !== null || upload.kind === 'final') {
        throw new CloudStoreError('conflict', 'The upload has ended.', { details: { received: upload.received } });
      }
      if (upload.received !== offset) {
        throw new CloudStoreError('conflict', 'The upload has come to another offset.', {
          details: { received: upload.received },
        });
      }
      const stopped = new AbortController();
      const stop = signal === undefined ? stopped.signal : AbortSignal.any([signal, stopped.signal]);
      // What came before is in no account yet.
      const replaced = async (): Promise<number> => ((await store.current(upload))?.size ?? 0) - upload.received;
      const bounded = await quotas.admitPiece(upload.bucketOf, boundedBy(upload, body), undefined, replaced);
      const work =
        expect === undefined ? appendSegments(upload, offset, bounded, stop) : appendWhole(upload, offset, bounded, expect, stop);
      const mine: Running = { stop: () => stopped.abort(takenOver()), ended: work.then(nothing, nothing) };
      running.set(id, mine);
      let broken: unknown;
      try {
        broken = await work;
      } finally {
        if (running.get(id) === mine) running.delete(id);
      }
      if (broken !== null) throw broken;
      return find(who, id);
    },
    announced,
    complete,
    async announce(who, id, { algorithm, value }) {
      const upload = await find(who, id);
      const text = `${algorithm} ${value}`;
      if (upload.completedVersion !== null || upload.attributes.extra?.[ANNOUNCED] === text) return;
      await resumables.describe(id, withExtra(upload.attributes, ANNOUNCED, text));
    },
    async setLength(who, id, length) {
      const upload = await find(who, id);
      await refuseEarly(upload, { ...upload, conditions: {}, length });
      await resumables.setLength(id, length);
      return find(who, id);
    },
    async finish(who, id, options = {}) {
      let upload = await find(who, id);
      if (upload.completedVersion !== null) return madeAgain(who, upload);
      if (!complete(upload)) {
        throw new CloudStoreError('conflict', 'The upload has not all its bytes, or not their sum, which was promised.', {
          details: { received: upload.received },
        });
      }
      if (options.key !== undefined || options.conditions !== undefined) {
        const key = options.key ?? upload.key;
        assertKey(key);
        if (key.endsWith('/')) throw new CloudStoreError('invalid_key', 'An upload is a file: its key does not end in a slash.');
        await access.requireWrite(who, { bucket: upload.bucket, key }, upload.attributes.tags);
        await resumables.redirect(id, key, options.conditions ?? upload.conditions).catch(async (error: unknown) => {
          // One that asked the same a moment before, and whose answer nobody waits for any more, may have ended it.
          if (!isCloudStoreError(error, 'upload_not_found') || (await find(who, id)).completedVersion === null) throw error;
        });
        upload = await find(who, id);
        if (upload.completedVersion !== null) return madeAgain(who, upload);
      }
      const { staged, contents } = await joined(upload, upload.domain);
      let attributes: Resumable['attributes'];
      try {
        attributes = await assertAnnounced(upload, contents);
      } catch (error) {
        staged.release();
        throw error;
      }
      const result = await commit(who, { ...upload, attributes }, staged);
      sums.forget(id);
      return result;
    },
    async join(who, at, ids, options) {
      const { bucket, addsOnly } = await access.requireWrite(who, at, options.attributes.tags);
      const partials = await Promise.all(ids.map((id) => find(who, id)));
      for (const one of partials) {
        if (one.kind !== 'partial' || one.length === null || one.received !== one.length) {
          throw new CloudStoreError('conflict', 'A partial upload has not all its bytes.', {
            details: { received: one.received },
          });
        }
      }
      const length = partials.reduce((sum, one) => sum + one.received, 0);
      await adding(addsOnly, options.conditions, (conditions = {}) => refuseEarly(at, { ...options, length, conditions }));
      const contents: ContentRef[] = [];
      for (const one of partials) contents.push(...(await wholeOf(one)));
      const upload = await resumables.create({ ...at, ...options, kind: 'final', length, principal: who.principal?.id ?? 0 });
      const result = await commit(who, { ...upload, addsOnly }, await content.concat(contents, bucket.domain));
      for (const one of new Set(partials.map(({ id }) => id))) await resumables.remove(one).catch(nothing); // they expire by themselves
      return { upload: { ...upload, completedVersion: result.info.versionId, received: length }, result };
    },
    async remove(who, id) {
      await settle(id);
      await find(who, id);
      sums.forget(id);
      await resumables.remove(id);
    },
  };

  async function appendWhole(
    upload: Resumable & { domain: DomainId },
    offset: number,
    body: Bytes,
    expect: NonNullable<Parameters<Resumables['append']>[4]['expect']>,
    signal: AbortSignal,
  ): Promise<null> {
    const staged = await content.write(body, { domain: upload.domain, expect, signal, contentHash: false });
    try {
      if (staged.size > 0) await resumables.append(upload.id, offset, partOf(staged), staged.chunks, staged.leaves);
    } finally {
      staged.release();
    }
    return null;
  }
}

/** Ends with an error at the first byte too many. */
function boundedBy(upload: Resumable, body: Bytes): Bytes {
  const { length, received } = upload;
  if (length === null) return body;
  return {
    async *[Symbol.asyncIterator]() {
      let left = length - received;
      for await (const piece of body) {
        left -= piece.length;
        if (left < 0) throw new CloudStoreError('too_large', 'The upload has more bytes than its length.');
        yield piece;
      }
    },
  };
}

function takenOver(): CloudStoreError {
  return new CloudStoreError('conflict', 'Somebody else goes on with this upload.');
}

function nothing(): void {}

function missing(): CloudStoreError {
  return new CloudStoreError('upload_not_found', 'There is no such upload.');
}
