import type { Authorizer } from '#contracts/authorizer';
import type { LinkRecord, LinkStore } from '#contracts/link-store';
import type { Links, OpenLink, Visit } from '#contracts/links';
import type { Namespace } from '#contracts/namespace';
import type { AttemptLimiter, Passwords } from '#contracts/passwords';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Resumables } from '#contracts/resumables';
import type { Signals } from '#contracts/signals';
import type { Action } from '#core/actions';
import type { Address, ObjectKey } from '#core/address';
import { nameOf } from '#core/address';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { LinkId, LinkMode } from '#core/link';
import { compileNetworks } from '#core/network';
import type { Principal, Who } from '#core/principal';
import { dropFile } from './drop.ts';
import { linkOf } from './link-of.ts';
import { createResumedDrops } from './resumed-drop.ts';
import type { Tickets } from './tickets.ts';

export interface VisitsOptions {
  store: LinkStore;
  principals: PrincipalStore;
  authorizer: Authorizer;
  namespace: Namespace;
  resumables: Resumables;
  passwords: Passwords;
  limiter: AttemptLimiter;
  tickets: Tickets;
  hashOf(token: string): Buffer;
  /** Whether anything has this key, whoever asks. */
  exists(at: Address): Promise<boolean>;
  signals: Signals;
  clock: Clock;
}

/** A ticket lasts as long as a visit may, and no longer than the link. */
const TICKET_MS = 12 * 3600 * 1000;
const TOKEN = /^[\w-]{20,64}$/;

const MAY: Record<LinkMode, readonly Action[]> = {
  view: ['read', 'list', 'attributes.read'],
  download: ['read', 'list', 'attributes.read'],
  drop: ['create', 'write'],
};

/** A visit under way. */
interface Under {
  ending: AbortController;
  address: string;
  /** Of then: who came in by another password is in no longer. */
  passwordHash: string | null;
}

/** The strangers' side of links. */
export function createVisits(options: VisitsOptions): Pick<Links, 'open' | 'unlock'> & { close(): void } {
  const { store, principals, passwords, limiter, tickets, hashOf, signals, clock } = options;
  const visits = new Map<LinkId, Set<Under>>();

  /** How many changes of links were heard of. */
  let changes = 0;

  const unsubscribe = signals.subscribe('links', (payload) => {
    changes++;
    for (const id of payload === null ? visits.keys() : [Number(payload)]) void endVisits(id).catch(() => undefined);
  });

  /** Whoever is in ends with the link. What cannot be asked is taken for ended: the visitor comes again. */
  async function endVisits(id: LinkId): Promise<void> {
    const open = visits.get(id);
    if (open === undefined) return;
    const record = await store.find(id).catch(() => null);
    const ended = record === null || record.disabled || isOver(record);
    for (const { ending, address, passwordHash } of open)
      if (ended || !opensFrom(record, address) || isOtherPassword(record, passwordHash))
        ending.abort(new CloudStoreError('not_found', 'The link was taken back.'));
  }

  function isOver({ expires }: LinkRecord): boolean {
    return expires !== null && expires <= clock.now();
  }

  /** @throws not_found, expired */
  async function linkOfToken(token: string): Promise<{ record: LinkRecord; maker: Principal }> {
    const record = TOKEN.test(token) ? await store.findByToken(hashOf(token)) : null;
    const maker = record === null || record.disabled ? null : await principals.find(record.maker);
    if (record === null || maker === null || maker.disabled) throw new CloudStoreError('not_found', 'No such link.');
    if (isOver(record)) throw new CloudStoreError('expired', 'The link has expired.', { details: { link: 'expired' } });
    const { id, name, role, groups } = maker;
    return { record, maker: groups === undefined ? { id, name, role } : { id, name, role, groups } };
  }

  const passwordOf = (record: LinkRecord): string => `password ${record.passwordHash}`;
  const ticketEnd = (record: LinkRecord): number => Math.min(clock.now() + TICKET_MS, record.expires ?? Number.POSITIVE_INFINITY);

  async function open(token: string, visit: Visit): Promise<OpenLink> {
    const before = changes;
    const { record, maker } = await linkOfToken(token);
    // What was read may be older than a change, which ended those who were in by then.
    if (changes !== before) return open(token, visit);
    assertFrom(record, visit);
    const unlocked =
      record.passwordHash === null || tickets.good(visit.tickets, 'unlocked', record.id, passwordOf(record), clock.now());
    if (!unlocked)
      throw new CloudStoreError('unauthenticated', 'The link asks for a password.', { details: { link: 'password' } });
    return openLink(record, maker, visit);
  }

  return {
    open,
    async unlock(token, password, visit) {
      const { record } = await linkOfToken(token);
      assertFrom(record, visit);
      const { context } = visit;
      const { passwordHash } = record;
      if (passwordHash === null) return tickets.issue('unlocked', record.id, passwordOf(record), ticketEnd(record));
      const name = `link ${record.id}`;
      await limiter.attempt(name, context.remoteAddress);
      if (!(await passwords.verify(password, passwordHash)))
        throw new CloudStoreError('unauthenticated', 'The password is wrong.', { details: { link: 'password' } });
      await limiter.succeeded(name, context.remoteAddress);
      return tickets.issue('unlocked', record.id, passwordOf(record), ticketEnd(record));
    },
    close() {
      unsubscribe();
      for (const open of visits.values()) for (const { ending } of open) ending.abort();
    },
  };

  function openLink(record: LinkRecord, maker: Principal, { protocol, requestId, context, tickets: brought }: Visit): OpenLink {
    const { id, at, mode } = record;
    const folder = at.key === '' || at.key.endsWith('/');
    // A file's key is the prefix of others' names.
    const actions = folder ? MAY[mode] : MAY[mode].filter((action) => action !== 'list');
    const scope = { actions, places: [{ bucket: at.bucket, prefix: at.key }] };
    const who: Who = {
      principal: { ...maker, credential: { kind: 'link', id: String(id), scope } },
      protocol,
      requestId,
      context,
    };
    const ending = new AbortController();
    const under = { ending, address: context.remoteAddress, passwordHash: record.passwordHash };
    const open = visits.get(id) ?? new Set();
    visits.set(id, open.add(under));
    const keyOf = (path: string): ObjectKey => {
      if (path === '' || folder) return at.key + path;
      throw new CloudStoreError('not_found', 'The link is to one file.');
    };
    return {
      link: linkOf(record),
      folder,
      who,
      signal: ending.signal,
      close() {
        open.delete(under);
        if (open.size === 0 && visits.get(id) === open) visits.delete(id);
      },
      keyOf,
      pathOf: (key) => (folder ? key.slice(at.key.length) : nameOf(key)),
      async download({ key, versionId }) {
        const bound = `${versionId} ${key}`;
        if (tickets.good(brought, 'counted', id, bound, clock.now())) return null;
        if (await store.countDownload(id)) return tickets.issue('counted', id, bound, ticketEnd(record));
        throw new CloudStoreError('access_denied', 'All downloads of this link are used up.', { details: { link: 'used up' } });
      },
      drop: (name, body, put) => dropFile({ ...options, record, who, key: keyOf('') }, name, body, put),
      get drops() {
        return createResumedDrops({ ...options, record, who, key: keyOf('') });
      },
    };
  }
}

/** One that was taken away lets everybody in. */
function isOtherPassword({ passwordHash }: LinkRecord, before: string | null): boolean {
  return passwordHash !== null && passwordHash !== before;
}

function opensFrom({ networks }: Pick<LinkRecord, 'networks'>, address: string): boolean {
  return networks === null || compileNetworks(networks)(address);
}

/** @throws access_denied */
function assertFrom(record: LinkRecord, { context }: Visit): void {
  if (opensFrom(record, context.remoteAddress)) return;
  throw new CloudStoreError('access_denied', 'This link does not open from here.', { details: { link: 'elsewhere' } });
}
