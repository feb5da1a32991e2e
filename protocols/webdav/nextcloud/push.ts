import type { IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Cursor, JournalEvent } from '#contracts/journal';
import type { Namespace } from '#contracts/namespace';
import { ancestorsOf, type ObjectKey } from '#core/address';
import { type ErrorCode, isCloudStoreError } from '#core/errors';
import type { Principal, Who } from '#core/principal';
import { answerPings } from '#http/answer-pings';
import type { RequestContext, UpgradeDoor } from '#http/door';
import { FOREIGN_ORIGIN, sameOrigin } from '#http/same-origin';
import { fileIdOf } from '../owncloud.ts';
import { whoOf } from '../request-target.ts';
import { homeOf, type NextcloudDeps } from './deps.ts';

export interface PushLimits {
  authMs: number;
  pingMs: number;
  /** Changes within so much are told as one: the client looks at the whole tree anyway. */
  quietMs: number;
}

const LIMITS: PushLimits = { authMs: 15_000, pingMs: 30_000, quietMs: 200 };
const MESSAGE_BYTES_MAX = 4096;
const BUFFERED_BYTES_MAX = 65_536;
const LISTEN_IDS = 'listen notify_file_id';
/** More than so many changes at once are told as "something changed": asking for the numbers would cost more than the client's look at it all. */
const TOLD_KEYS_MAX = 50;

/** Refusals of a log-in as HTTP would tell them. */
const REFUSED: Partial<Record<ErrorCode, number>> = { unauthenticated: 401, expired: 401, access_denied: 403, rate_limited: 429 };

/** Told of every log-in by a socket and of every one that is refused, with HTTP's status for it. */
type LoggedIn = (status: number) => void;

/** What a client said it wants to hear. */
interface Wishes {
  /** Which files it was. */
  ids: boolean;
}

interface Listener {
  socket: WebSocket;
  who: Who & { principal: Principal };
  wishes: Wishes;
}

/**
 * Tells the dialect's clients at once that something changed, as notify_push does: the client sends its name and its password, and is told `notify_file`
 * whenever its files changed through whatever door. It then asks by WebDAV what it was.
 */
export function createPushDoor(
  deps: Omit<NextcloudDeps, 'begun'> & { loggedIn?(req: IncomingMessage, cx: RequestContext, status: number): void },
  limits: Partial<PushLimits> = {},
): Required<UpgradeDoor> {
  const { authMs, pingMs, quietMs } = { ...LIMITS, ...limits };
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
    autoPong: false,
  });
  const sockets = new Map<WebSocket, Principal | null>();
  deps.authenticator.onChange((id) => {
    for (const [socket, principal] of sockets) {
      if (principal !== null && (id === null || principal.id === id)) void closeIfRevoked(socket, principal);
    }
  });

  async function closeIfRevoked(socket: WebSocket, principal: Principal): Promise<void> {
    const valid = await deps.authenticator.stillValid(principal).catch(() => false);
    if (!valid) socket.close(1008, 'revoked');
  }

  function serve(socket: WebSocket, cx: RequestContext, loggedIn: LoggedIn): void {
    const words: string[] = [];
    const wishes: Wishes = { ids: false };
    const ended = new AbortController();
    let alive = true;
    sockets.set(socket, null);
    const authTimer = setTimeout(() => socket.close(1008, 'authentication timed out'), authMs);
    const pinger = setInterval(() => {
      if (!alive) return socket.terminate();
      alive = false;
      socket.ping();
      const principal = sockets.get(socket);
      if (principal != null) void closeIfRevoked(socket, principal);
    }, pingMs);
    answerPings(socket);
    socket.on('pong', () => (alive = true));
    socket.on('error', (error) => cx.log.debug({ err: error }, 'push: socket failed'));
    socket.once('close', () => {
      clearTimeout(authTimer);
      clearInterval(pinger);
      ended.abort();
      sockets.delete(socket);
    });
    socket.on('message', (data) => {
      alive = true;
      // First the name, then the password; then what else the client wishes to hear.
      if (words.length >= 2) {
        wishes.ids ||= data.toString() === LISTEN_IDS;
        return;
      }
      if (words.push(data.toString()) !== 2) return;
      clearTimeout(authTimer);
      const [name = '', password = ''] = words;
      begin(socket, cx, name, password, wishes, ended.signal, loggedIn).catch((error: unknown) => {
        const refused = isCloudStoreError(error) && REFUSED[error.code];
        if (refused) loggedIn(refused);
        if (!isCloudStoreError(error)) cx.log.error({ err: error, requestId: cx.requestId }, 'push: it cannot begin');
        socket.send('err: Invalid credentials');
        socket.close(1008, 'not authenticated');
      });
    });
  }

  async function begin(
    socket: WebSocket,
    cx: RequestContext,
    name: string,
    password: string,
    wishes: Wishes,
    signal: AbortSignal,
    loggedIn: LoggedIn,
  ): Promise<void> {
    const { authenticator, buckets, journal } = deps;
    const principal =
      authenticator.remembered(name, password, cx.remoteAddress) ??
      (await authenticator.password(name, password, cx.remoteAddress));
    authenticator.admit(principal, cx);
    if (socket.readyState !== socket.OPEN) return;
    // From here on a revocation closes the socket; one before it is asked for below.
    sockets.set(socket, principal);
    cx.user = principal.name;
    loggedIn(200);
    const who = whoOf(principal, cx);
    const home = await homeOf(buckets, who);
    const from = await journal.head(home.id);
    await closeIfRevoked(socket, principal);
    if (socket.readyState !== socket.OPEN) return;
    socket.send('authenticated');
    follow({ socket, who, wishes }, home.id, from, signal).catch((error: unknown) => {
      if (!signal.aborted) cx.log.error({ err: error, requestId: cx.requestId }, 'push: the journal cannot be followed');
      socket.close(1011, 'internal');
    });
  }

  /** A cursor that has expired means that much has happened, so it is told and followed from now on. @throws what the journal does */
  async function follow({ socket, who, wishes }: Listener, bucket: number, from: Cursor, signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | null = null;
    let changed = new Set<ObjectKey>();
    /** Too many, or nobody knows which. */
    let much = false;
    const tell = (events: readonly JournalEvent[] | null): void => {
      much ||= events === null || !wishes.ids;
      for (const { key, fromKey, fromBucket } of much ? [] : (events ?? [])) {
        changed.add(key);
        if (fromKey !== null && fromBucket === bucket) changed.add(fromKey);
      }
      much ||= changed.size > TOLD_KEYS_MAX;
      timer ??= setTimeout(() => {
        timer = null;
        void say(much ? null : changed);
        changed = new Set();
        much = false;
      }, quietMs);
    };
    const say = async (keys: ReadonlySet<ObjectKey> | null): Promise<void> => {
      const ids = keys === null ? null : await idsOf(deps.namespace, who, bucket, keys).catch(() => null);
      if (socket.readyState !== socket.OPEN) return;
      // Who takes nothing is told nothing more: when it comes back it looks at everything anyway.
      if (socket.bufferedAmount > BUFFERED_BYTES_MAX) return socket.terminate();
      socket.send(ids === null ? 'notify_file' : `notify_file_id ${JSON.stringify(ids)}`);
    };
    try {
      for (let cursor = from; !signal.aborted; ) {
        try {
          await deps.hub.follow(bucket, cursor, tell, signal);
          break;
        } catch (error) {
          if (!isCloudStoreError(error, 'cursor_expired')) throw error;
          tell(null);
          cursor = await deps.journal.head(bucket);
        }
      }
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
  }

  return {
    upgrade(req, socket, head, cx) {
      cx.op = 'LoginByPush';
      if (!sameOrigin(req, cx)) {
        socket.end(FOREIGN_ORIGIN);
        return;
      }
      server.handleUpgrade(req, socket, head, (webSocket) => serve(webSocket, cx, (status) => deps.loggedIn?.(req, cx, status)));
    },
    drain() {
      for (const socket of sockets.keys()) socket.close(1001, 'the gateway is going away');
    },
  };
}

/** The numbers of what changed, and of the folders above it: a client knows those of a new file's folder only. */
async function idsOf(namespace: Namespace, who: Who, bucket: number, keys: ReadonlySet<ObjectKey>): Promise<number[]> {
  const wanted = new Set<ObjectKey>(['']);
  for (const key of keys) for (const one of [...ancestorsOf(key), key]) wanted.add(one);
  const ids = await Promise.all(
    [...wanted].map(async (key) => {
      const at = { bucket, key };
      try {
        return fileIdOf(key === '' || key.endsWith('/') ? await namespace.directory(who, at) : await namespace.stat(who, at));
      } catch (error) {
        if (isCloudStoreError(error, 'not_found')) return null;
        throw error;
      }
    }),
  );
  return ids.filter((id) => id !== null);
}
