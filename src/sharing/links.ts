import { createHash } from 'node:crypto';
import type { Authorizer } from '#contracts/authorizer';
import type { BucketStore } from '#contracts/bucket-store';
import type { Keyring } from '#contracts/keyring';
import type { LinkRecord, LinkStore } from '#contracts/link-store';
import type { Links } from '#contracts/links';
import type { Namespace } from '#contracts/namespace';
import type { AttemptLimiter, Passwords } from '#contracts/passwords';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Resumables } from '#contracts/resumables';
import type { Signals } from '#contracts/signals';
import type { Address } from '#core/address';
import { assertKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Link, LinkId, LinkTerms } from '#core/link';
import type { Who } from '#core/principal';
import { linkOf } from './link-of.ts';
import { assertTerms, DEFAULT_TERMS } from './terms.ts';
import { createTickets } from './tickets.ts';
import { createVisits } from './visits.ts';

export interface LinksOptions {
  store: LinkStore;
  principals: PrincipalStore;
  buckets: BucketStore;
  authorizer: Authorizer;
  namespace: Namespace;
  resumables: Resumables;
  passwords: Passwords;
  limiter: AttemptLimiter;
  keyring: Keyring;
  signals: Signals;
  /** Whether anything has this key, whoever asks. */
  exists(at: Address): Promise<boolean>;
  /** Signs tickets. */
  ticketKey(): Buffer;
  clock: Clock;
  random: Random;
}

/** 160 bits, so that nobody guesses one, in letters that survive every messenger. */
const TOKEN_BYTES = 20;

/** Share links: a link is its maker, reduced to one place and a mode; whatever the maker loses, its links lose. */
export function createLinks(options: LinksOptions): Links & { close(): void } {
  const { store, buckets, authorizer, namespace, passwords, keyring, clock, random } = options;
  const visits = createVisits({ ...options, tickets: createTickets(options.ticketKey), hashOf });

  /** Whether the caller may make links there. @throws unauthenticated */
  async function mayShare(who: Who, bucket: Bucket, at: Address): Promise<boolean> {
    if (who.principal?.credential?.kind === 'link') return false;
    return (await authorizer.decide(who, 'share', bucket, at.key)).allowed;
  }

  /** One's own, whatever has become of the right to make it; by a credential that is less than its owner, where that may share. */
  async function mayManage(who: Who, bucket: Bucket, { maker, at }: LinkRecord): Promise<boolean> {
    if (maker === who.principal?.id && !isReduced(who)) return true;
    return mayShare(who, bucket, at);
  }

  /** @throws not_found, also where the caller may not know of it */
  async function known(who: Who, id: LinkId): Promise<LinkRecord> {
    if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
    const record = await store.find(id);
    const bucket = record === null ? null : await buckets.find(record.at.bucket);
    if (record === null || bucket === null) throw noLink();
    if (await mayManage(who, bucket, record)) return record;
    throw noLink();
  }

  async function shown(who: Who, records: readonly LinkRecord[]): Promise<Link[]> {
    if (!isReduced(who)) return records.map(linkOf);
    const links: Link[] = [];
    for (const record of records) {
      const bucket = await buckets.find(record.at.bucket);
      if (bucket !== null && (await mayManage(who, bucket, record))) links.push(linkOf(record));
    }
    return links;
  }

  return {
    async create(who, at, { password, ...given }) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
      if (at.key !== '') assertKey(at.key);
      const bucket = await buckets.find(at.bucket);
      if (bucket === null) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
      if (!(await authorizer.visible(who, bucket))) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
      if (!(await mayShare(who, bucket, at))) throw new CloudStoreError('access_denied', 'You may not share this.');
      const folder = at.key === '' || at.key.endsWith('/');
      // What is shared is there, and the maker sees it; a folder to drop files into may be new.
      await (folder ? namespace.directory(who, at) : namespace.stat(who, at)).catch((error: unknown) => {
        if (given.mode !== 'drop' || !isCloudStoreError(error, 'not_found')) throw error;
      });
      const terms = { ...DEFAULT_TERMS, ...given };
      assertTerms(terms, folder, clock.now());
      const token = random(TOKEN_BYTES).toString('base64url');
      const tokenHash = hashOf(token);
      const record = await store.create({
        ...terms,
        maker: who.principal.id,
        at,
        tokenHash,
        sealedToken: keyring.seal(Buffer.from(token), sealContext(tokenHash)),
        passwordHash: password === undefined ? null : await passwords.hash(password),
      });
      return { link: linkOf(record), token };
    },

    async list(who, place) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
      const { id, role } = who.principal;
      if (place === undefined) {
        const all = role === 'admin' && (await authorizer.decide(who, 'admin', null)).allowed;
        return shown(who, await store.list(all ? {} : { maker: id }));
      }
      const bucket = await buckets.find(place.bucket);
      if (bucket === null || !(await authorizer.visible(who, bucket)))
        throw new CloudStoreError('bucket_not_found', 'No such bucket.');
      const all = await mayShare(who, bucket, { bucket: place.bucket, key: place.prefix });
      return shown(who, await store.list(all ? place : { ...place, maker: id }));
    },

    async get(who, id) {
      return linkOf(await known(who, id));
    },

    async token(who, id) {
      const record = await known(who, id);
      if (record.maker !== who.principal?.id) throw noLink();
      return (await keyring.unseal(record.sealedToken, sealContext(record.tokenHash))).toString();
    },

    async update(who, id, { password, ...patch }) {
      const record = await known(who, id);
      const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as Partial<LinkTerms>;
      const terms = { ...linkOf(record), ...given };
      // A link that has ended may be changed in other ways.
      const expires = given.expires === undefined ? null : terms.expires;
      assertTerms({ ...terms, expires }, isFolder(record.at), clock.now());
      const passwordHash = password === undefined || password === null ? password : await passwords.hash(password);
      return linkOf(await store.update(id, { ...given, ...(passwordHash === undefined ? {} : { passwordHash }) }));
    },

    async remove(who, id) {
      await known(who, id);
      await store.remove(id);
    },

    open: visits.open,
    unlock: visits.unlock,
    close: visits.close,
  };
}

export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** As SealedStore knows it. */
export function sealContext(tokenHash: Buffer): string {
  return `link:${tokenHash.toString('hex')}`;
}

function isFolder({ key }: Address): boolean {
  return key === '' || key.endsWith('/');
}

/** Whether it comes with a credential that may less than its owner. */
function isReduced({ principal }: Who): boolean {
  const credential = principal?.credential;
  return credential !== undefined && (credential.scope !== null || credential.policies !== undefined);
}

function noLink(): CloudStoreError {
  return new CloudStoreError('not_found', 'No such link.');
}
