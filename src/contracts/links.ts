import type { Address, BucketId, ObjectKey } from '#core/address';
import type { Link, LinkId, LinkTerms } from '#core/link';
import type { ObjectInfo } from '#core/object';
import type { Protocol, RequestFacts, Who } from '#core/principal';
import type { Bytes } from '#core/stream';
import type { PutOptions, PutResult } from './namespace.ts';
import type { Resumable } from './resumable-store.ts';
import type { ResumableOptions } from './resumables.ts';

/** Share links, authorized: made by who may share a place, opened by who has the token. */
export interface Links {
  /** The token is told here and by `token`. @throws access_denied, not_found, invalid_argument (terms that contradict each other) */
  create(who: Who, at: Address, terms: Partial<LinkTerms> & { password?: string }): Promise<{ link: Link; token: string }>;
  /** One's own, of which a credential with a scope reaches those that it might make; with a place, whoever may share there sees all at and below it; an admin sees all. By id. */
  list(who: Who, place?: { bucket: BucketId; prefix: ObjectKey }): Promise<Link[]>;
  /** @throws not_found, also for who may not see it */
  get(who: Who, id: LinkId): Promise<Link>;
  /** Its maker's only: others who may share there make their own. @throws not_found */
  token(who: Who, id: LinkId): Promise<string>;
  /** `password`: null takes it away. @throws not_found, invalid_argument */
  update(who: Who, id: LinkId, patch: Partial<LinkTerms> & { password?: string | null }): Promise<Link>;
  /** Ends what is open through it. @throws not_found */
  remove(who: Who, id: LinkId): Promise<void>;

  /**
   * Whoever comes with a token. The rights are its maker's of now, reduced to the link; every call of the namespace asks for them again.
   * @throws not_found (unknown, disabled, or its maker is gone), expired (details.link), unauthenticated (details.link: a password is asked for)
   */
  open(token: string, visit: Visit): Promise<OpenLink>;
  /** Gives a ticket that stands for the password. @throws as open; unauthenticated for a wrong one; rate_limited */
  unlock(token: string, password: string, visit: Visit): Promise<Ticket>;
}

/** What is known of a visitor. */
export interface Visit {
  protocol: Protocol;
  requestId: string;
  context: RequestFacts;
  /** Tickets that it brings along, of whatever kind. */
  tickets: readonly string[];
}

export interface Ticket {
  value: string;
  /** ms since the epoch */
  expires: number;
}

export interface OpenLink {
  link: Link;
  /** It is to a folder. */
  folder: boolean;
  /** The link as it acts: to be passed to the namespace. */
  who: Who;
  /** Fires when the link is changed in such a way that it ends, or removed. Call `close` when the visit is over. */
  signal: AbortSignal;
  close(): void;
  /**
   * The key of what a path within the link names: of a link to a file only the empty path names anything.
   * @throws not_found
   */
  keyOf(path: string): ObjectKey;
  /** A name that visitors see for a key within. */
  pathOf(key: ObjectKey): string;
  /**
   * Counts a download of this version, unless a ticket says that it was counted.
   * @throws access_denied (details.link: no download is left)
   */
  download(info: Pick<ObjectInfo, 'key' | 'versionId'>): Promise<Ticket | null>;
  /** Puts a new file into the drop folder, under a free name near the one wanted. @throws quota_exceeded, access_denied, and as Namespace.put */
  drop(name: string, body: Bytes, options: Omit<PutOptions, 'conditions' | 'etag'>): Promise<PutResult>;
  /** The same in pieces, which go on where they broke. */
  readonly drops: ResumedDrops;
}

/** Uploads into a drop folder that come in pieces: whoever has the link and an upload's id goes on with it. */
export interface ResumedDrops {
  /** Takes room for all of it, which what never ends gives back. @throws quota_exceeded, access_denied, invalid_key */
  begin(
    name: string,
    options: Pick<ResumableOptions, 'attributes' | 'metadata' | 'mtime' | 'summed'> & { length: number },
  ): Promise<Resumable>;
  /** @throws upload_not_found, also for one that did not come by this link */
  find(id: string): Promise<Resumable>;
  /** Under another name, where the one that was free at the beginning is taken. @throws as Resumables.finish */
  finish(id: string): Promise<PutResult>;
  /** Gives its room back. */
  remove(id: string): Promise<void>;
}
