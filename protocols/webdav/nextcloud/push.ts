import { type WebSocket, WebSocketServer } from 'ws';
import type { Cursor } from '#contracts/journal';
import { isCloudStoreError } from '#core/errors';
import type { Principal } from '#core/principal';
import type { RequestContext, UpgradeDoor } from '#http/door';
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

/**
 * Tells the dialect's clients at once that something changed, as notify_push does: the client sends its name and its password, and is told `notify_file`
 * whenever its files changed through whatever door. It then asks by WebDAV what it was.
 */
export function createPushDoor(deps: NextcloudDeps, limits: Partial<PushLimits> = {}): Required<UpgradeDoor> {
  const { authMs, pingMs, quietMs } = { ...LIMITS, ...limits };
  const server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false });
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

  function serve(socket: WebSocket, cx: RequestContext): void {
    const words: string[] = [];
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
      // First the name, then the password; what comes later are wishes that change nothing here.
      if (words.push(data.toString()) !== 2) return;
      clearTimeout(authTimer);
      const [name = '', password = ''] = words;
      words.length = 2;
      begin(socket, cx, name, password, ended.signal).catch((error: unknown) => {
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
    signal: AbortSignal,
  ): Promise<void> {
    const { authenticator, buckets, journal } = deps;
    const principal =
      authenticator.remembered(name, password, cx.remoteAddress) ??
      (await authenticator.password(name, password, cx.remoteAddress));
    authenticator.admit(principal, cx);
    cx.user = principal.name;
    const home = await homeOf(buckets, whoOf(principal, cx));
    const from = await journal.head(home.id);
    if (socket.readyState !== socket.OPEN) return;
    sockets.set(socket, principal);
    socket.send('authenticated');
    void follow(socket, cx, home.id, from, signal);
  }

  /** A cursor that has expired means that much has happened, so it is told and followed from now on. */
  async function follow(socket: WebSocket, cx: RequestContext, bucket: number, from: Cursor, signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | null = null;
    const tell = (): void => {
      timer ??= setTimeout(() => {
        timer = null;
        if (socket.readyState === socket.OPEN) socket.send('notify_file');
      }, quietMs);
    };
    for (let cursor = from; !signal.aborted; ) {
      try {
        await deps.hub.follow(bucket, cursor, async () => tell(), signal);
        break;
      } catch (error) {
        if (!isCloudStoreError(error, 'cursor_expired')) {
          if (!signal.aborted) cx.log.error({ err: error, requestId: cx.requestId }, 'push: the journal cannot be followed');
          socket.close(1011, 'internal');
          break;
        }
        tell();
        cursor = await deps.journal.head(bucket);
      }
    }
    if (timer !== null) clearTimeout(timer);
  }

  return {
    upgrade(req, socket, head, cx) {
      cx.op = 'Push';
      server.handleUpgrade(req, socket, head, (webSocket) => serve(webSocket, cx));
    },
    drain() {
      for (const socket of sockets.keys()) socket.close(1001, 'the gateway is going away');
    },
  };
}
