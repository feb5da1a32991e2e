import type { WebSocket } from 'ws';
import { type Cursor, formatCursor } from '#contracts/journal';
import type { BucketId } from '#core/address';
import { CloudStoreError, type ErrorCode, isCloudStoreError } from '#core/errors';
import type { Principal, Who } from '#core/principal';
import { answerPings } from '#http/answer-pings';
import type { RequestContext } from '#http/door';
import { openWatch, type Watch } from './channels.ts';
import { CLOSE, type WsDeps, type WsLimits } from './deps.ts';
import type { EventMessage } from './events.ts';
import { type Channel, type ClientMessage, parseMessage, type SubscribeMessage, type WatchMessage } from './messages.ts';
import { createOutbox } from './outbox.ts';
import { authorizeFollowing, follow, type Subscription } from './subscription.ts';

/** One socket: who it is, and what it follows. */
export interface Session {
  /** null before it has authenticated. */
  readonly principal: Principal | null;
  /** Asks again whether it may be here and see what it follows; closes what no longer holds. */
  recheck(): Promise<boolean>;
  close(code: number, reason: string): void;
  /** Whether rights in this bucket concern it; null: in any. */
  follows(bucket: BucketId | null): boolean;
}

/** Refusals of a log-in as HTTP would tell them. */
const REFUSED: Partial<Record<ErrorCode, number>> = { unauthenticated: 401, expired: 401, access_denied: 403, rate_limited: 429 };

/** Messages are handled one after another, so that an unsubscribe never overtakes its subscribe. */
export function createSession(
  socket: WebSocket,
  deps: WsDeps,
  limits: WsLimits,
  cx: RequestContext,
  messageOf: EventMessage,
  loggedIn: (status: number) => void,
): Session {
  const subscriptions = new Map<string, Subscription>();
  const watches = new Map<Channel, Watch>();
  let leave: (() => void) | null = null;
  let principal: Principal | null = null;
  let token = '';
  let alive = true;
  let handling: Promise<void> = Promise.resolve();
  let waiting = 0;
  /** What a subscription is being asked about. */
  let beginning: BucketId | null = null;
  let rechecks = 0;
  let expiry: NodeJS.Timeout | undefined;
  const outbox = createOutbox(socket, limits, dropSlow);

  answerPings(socket);
  const authTimer = setTimeout(() => close(CLOSE.authTimeout, 'authentication timed out'), limits.authMs);
  const pinger = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
    // Sessions end elsewhere too, and a hint of it may be lost.
    void recheck();
  }, limits.pingMs);
  socket.on('pong', () => (alive = true));
  socket.on('error', (error) => cx.log.debug({ err: error }, 'ws: socket failed'));
  socket.once('close', () => {
    clearTimeout(authTimer);
    clearTimeout(expiry);
    clearInterval(pinger);
    outbox.end();
    for (const subscription of subscriptions.values()) subscription.end();
    subscriptions.clear();
    for (const watch of watches.values()) watch.end();
    watches.clear();
    leave?.();
    leave = null;
  });
  socket.on('message', (data, binary) => {
    alive = true;
    const text = binary ? '' : data.toString();
    // A client that talks faster than it is answered, or does not take the answers, is not read from meanwhile.
    if (++waiting === 16) socket.pause();
    handling = handling
      .then(() => receive(text))
      .then(() => outbox.full())
      .finally(() => {
        if (--waiting < 8 && socket.isPaused) socket.resume();
      });
  });

  async function receive(text: string): Promise<void> {
    if (socket.readyState !== socket.OPEN) return;
    try {
      await handle(parseMessage(text));
    } catch (error) {
      refuse(error);
      if (principal === null) close(CLOSE.unauthenticated, 'not authenticated');
    }
  }

  async function handle(message: ClientMessage): Promise<void> {
    if (message.type === 'auth') return authenticate(message.token, message.device);
    const who = whoami();
    switch (message.type) {
      case 'ping':
        return tell({ type: 'pong' });
      case 'subscribe':
        return subscribe(who, message);
      case 'watch':
        return watch(who, message);
      case 'unwatch':
        watches.get(message.channel)?.end();
        watches.delete(message.channel);
        return tell({ type: 'unwatched', channel: message.channel });
      case 'unsubscribe': {
        const name = nameOf(message);
        subscriptions.get(name)?.end();
        subscriptions.delete(name);
        return tell({ type: 'unsubscribed', id: message.id, bucket: message.bucket, prefix: message.prefix });
      }
    }
  }

  /** Also renews: the same user with a fresh token, before the old one expires. */
  async function authenticate(given: string, device: string | undefined): Promise<void> {
    const before = rechecks;
    let found: Principal;
    try {
      found = await identify(given);
    } catch (error) {
      const refused = isCloudStoreError(error) && REFUSED[error.code];
      if (refused) loggedIn(refused);
      throw error;
    }
    const renews = principal !== null;
    clearTimeout(authTimer);
    principal = found;
    token = given;
    cx.user = found.name;
    watchExpiry();
    // What was asked may have been read before it changed, when there was nobody here to ask about.
    if (rechecks !== before && !(await recheck())) return loggedIn(401);
    // The new token may be of a device that reaches less than what the socket follows.
    if (renews) await recheckRights();
    else loggedIn(200);
    if (leave === null && socket.readyState === socket.OPEN) leave = deps.presence?.join(found.id, device ?? '') ?? null;
    tell({ type: 'ready', user: found.name });
  }

  async function identify(given: string): Promise<Principal> {
    const found = await deps.authenticator.accessToken(given);
    if (principal !== null && principal.id !== found.id) {
      throw new CloudStoreError('access_denied', 'A socket stays with its user.');
    }
    deps.authenticator.admit(found, cx);
    return found;
  }

  function watchExpiry(): void {
    clearTimeout(expiry);
    const expires = expiryOf(token);
    if (expires === null) return;
    // A timer holds 24 days; the check then sets the next one.
    const ms = Math.min(Math.max(0, expires - deps.clock.now()) + 10, 2_000_000_000);
    expiry = setTimeout(() => void recheck().then(() => socket.readyState === socket.OPEN && watchExpiry()), ms);
  }

  async function subscribe(who: Who, message: SubscribeMessage): Promise<void> {
    const { bucket: name, prefix, id } = message;
    const key = nameOf(message);
    if (subscriptions.has(key)) throw new CloudStoreError('already_exists', 'It is subscribed already.');
    if (subscriptions.size >= limits.subscriptionsMax) {
      throw new CloudStoreError('rate_limited', `A socket has at most ${limits.subscriptionsMax} subscriptions.`);
    }
    const bucket = deps.buckets.resolved(who, name) ?? (await deps.buckets.resolve(who, name));
    const before = rechecks;
    beginning = bucket.id;
    let from: Cursor;
    try {
      await authorizeFollowing(deps, who, bucket, prefix);
      from = message.cursor ?? (await deps.journal.head(bucket.id));
    } finally {
      beginning = null;
    }
    if (socket.readyState !== socket.OPEN) return;
    tell({ type: 'subscribed', id, bucket: name, prefix, cursor: formatCursor(from) });
    const onEnd = (error: unknown): void => {
      subscriptions.delete(key);
      if (!isCloudStoreError(error, 'cursor_expired')) {
        refuse(error, { id, bucket: name });
        return;
      }
      // Where to go on from once the client has listed everything anew.
      deps.journal.head(bucket.id).then(
        (head) => tell({ type: 'reset', id, bucket: name, prefix, cursor: formatCursor(head) }),
        (failure: unknown) => refuse(failure, { id, bucket: name }),
      );
    };
    subscriptions.set(key, follow({ deps, bucket, name, prefix, from, id, messageOf, send: outbox.send, onEnd }));
    // Rights may have changed after the answer to the first question, when there was nothing to end yet.
    if (rechecks !== before) await recheckRights();
  }

  async function watch(who: Who, message: WatchMessage): Promise<void> {
    const { channel } = message;
    // Another filter takes the place of the one before.
    watches.get(channel)?.end();
    watches.delete(channel);
    const full = (): boolean => socket.bufferedAmount > limits.bufferedBytesMax;
    // Its first word comes after the answer.
    const early: object[] = [];
    let begun = false;
    const say = (given: object): void => void (begun ? tell(given) : early.push(given));
    const one = await openWatch(deps, who, message, say, full);
    if (socket.readyState !== socket.OPEN) return one.end();
    watches.set(channel, one);
    tell({ type: 'watching', channel });
    begun = true;
    for (const given of early) tell(given);
  }

  /** Whether it goes on. */
  async function recheck(): Promise<boolean> {
    rechecks++;
    if (principal === null) return true;
    const asked = token;
    try {
      const current = await deps.authenticator.accessToken(asked);
      deps.authenticator.admit(current, cx);
      if (!(await deps.authenticator.stillValid(current))) throw new CloudStoreError('unauthenticated', 'The session has ended.');
      // Renewed meanwhile: what is known of the token before says nothing.
      if (asked !== token) return recheck();
      principal = current;
    } catch (error) {
      if (asked !== token) return recheck();
      if (isRefusal(error)) {
        refuse(error);
        close(CLOSE.unauthenticated, 'the session has ended');
      } else giveUp(error);
      return false;
    }
    await recheckRights();
    return true;
  }

  async function recheckRights(): Promise<void> {
    const who = whoami();
    for (const [channel, one] of watches) {
      await one.authorize(who).catch((error: unknown) => {
        if (!isRefusal(error)) return giveUp(error);
        one.end();
        watches.delete(channel);
        refuse(error, { channel });
      });
    }
    for (const [key, subscription] of subscriptions) {
      await subscription.authorize(who).catch((error: unknown) => {
        if (!isRefusal(error)) return giveUp(error);
        subscription.end();
        subscriptions.delete(key);
        refuse(error, subscription.about);
      });
    }
  }

  /** Whether it may be here cannot be told now: it comes back, and goes on from its last cursor. */
  function giveUp(err: unknown): void {
    cx.log.warn({ err }, 'ws: the check of a session failed');
    close(CLOSE.internal, 'it cannot be told now whether you may be here; try again');
  }

  function whoami(): Who {
    if (principal === null) throw new CloudStoreError('unauthenticated', 'The first message is auth.');
    return { principal, protocol: 'ws', requestId: cx.requestId, context: cx };
  }

  /** Events wait in the journal, not here: whoever does not take them begins again from its last cursor. */
  function dropSlow(): void {
    close(CLOSE.slow, 'too slow; go on from the last cursor');
    // The farewell waits behind what was not taken.
    setTimeout(() => socket.terminate(), 1_000).unref();
  }

  function tell(message: object): void {
    outbox.send([JSON.stringify(message)]);
  }

  function refuse(error: unknown, about: object = {}): void {
    if (isCloudStoreError(error) && error.code !== 'internal') {
      tell({ type: 'error', ...about, code: error.code, message: error.message });
      return;
    }
    cx.log.error({ err: error }, 'ws: a message failed');
    tell({ type: 'error', ...about, code: 'internal', message: 'Internal error', requestId: cx.requestId });
  }

  function close(code: number, reason: string): void {
    socket.close(code, reason);
  }

  return {
    get principal() {
      return principal;
    },
    recheck,
    close,
    follows: (bucket) =>
      (beginning !== null && (bucket === null || beginning === bucket)) ||
      [...subscriptions.values()].some((one) => bucket === null || one.bucket === bucket),
  };
}

/** Not that somebody may not, but that nobody knows. */
const UNKNOWN: readonly ErrorCode[] = ['internal', 'unavailable', 'timeout', 'aborted'];

function isRefusal(error: unknown): boolean {
  return isCloudStoreError(error) && !UNKNOWN.includes(error.code);
}

function nameOf({ bucket, prefix, id }: { bucket: string; prefix: string; id?: string }): string {
  return id === undefined ? `/${bucket}/${prefix}` : `#${id}`;
}

/** When a token says that it ends, ms; a hint for when to ask again, the authenticator decides. */
function expiryOf(token: string): number | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : null;
    return typeof exp === 'number' ? exp * 1000 : null;
  } catch {
    return null; // no JWT
  }
}
