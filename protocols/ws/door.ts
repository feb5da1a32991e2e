import { WebSocketServer } from 'ws';
import type { UpgradeDoor } from '#http/door';
import { FOREIGN_ORIGIN, sameOrigin } from '#http/same-origin';
import { assertMessages } from './actions.ts';
import { CLOSE, WS_LIMITS, type WsDeps } from './deps.ts';
import { createEventMessage } from './events.ts';
import { CHANNELS, MESSAGE_TYPES } from './messages.ts';
import { createSession, type Session } from './session.ts';

export type { WsDeps } from './deps.ts';

/** The event stream at /ws: a socket authenticates, subscribes from cursors, and gets every commit of any door. */
export function createWsHandler(deps: WsDeps): Required<UpgradeDoor> & { close(): void } {
  assertMessages(MESSAGE_TYPES, CHANNELS);
  const limits = { ...WS_LIMITS, ...deps.limits };
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytesMax,
    perMessageDeflate: false,
    autoPong: false,
  });
  const sessions = new Set<Session>();
  const unsubscribe = deps.authenticator.onChange((principalId) => {
    for (const session of sessions) {
      // Who is being logged in may be the one.
      const of = session.principal?.id ?? null;
      if (of === null || principalId === null || of === principalId) void session.recheck();
    }
  });

  const messageOf = createEventMessage();
  const unsubscribeRights = deps.authorizer?.onChange((bucket) => {
    for (const session of sessions) if (session.follows(bucket)) void session.recheck();
  });

  function closeAll(): void {
    unsubscribe();
    unsubscribeRights?.();
    for (const session of sessions) session.close(CLOSE.goingAway, 'the gateway is going away');
  }

  return {
    upgrade(req, socket, head, cx) {
      cx.op = 'LoginBySocket';
      if (!sameOrigin(req, cx)) {
        socket.end(FOREIGN_ORIGIN);
        return;
      }
      server.handleUpgrade(req, socket, head, (webSocket) => {
        const session = createSession(webSocket, deps, limits, cx, messageOf, (status) => deps.loggedIn?.(req, cx, status));
        sessions.add(session);
        webSocket.once('close', () => sessions.delete(session));
      });
    },
    drain: closeAll,
    close: closeAll,
  };
}
