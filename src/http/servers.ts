import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Patience } from './connections.ts';
import type { Answers } from './held-answers.ts';
import { isBelow } from './main-app.ts';

const WS_PATH = '/ws';
export const PUSH_PATH = '/push/ws';

export interface Limits extends Patience {
  headersTimeoutMs: number;
  keepAliveTimeoutMs: number;
  /** Of a request's line and headers. */
  headBytesMax: number;
  connectionsMax: number;
  /** How often stalled clients are looked for. */
  watchEveryMs: number;
}

export const LIMITS: Limits = {
  headersTimeoutMs: 60_000,
  keepAliveTimeoutMs: 75_000,
  headBytesMax: 32_768,
  connectionsMax: 10_000,
  watchEveryMs: 5_000,
  bodyBytesPerSecondMin: 512,
  bodyStallMs: 30_000,
  answerStallMs: 300_000,
};

/** One of the two listeners, of TLS where it has a certificate. */
export function createServer(
  tls: { cert: Buffer; key: Buffer } | null,
  limits: Limits,
  answers: Answers,
  shouldUpgradeCallback: (req: IncomingMessage) => boolean,
): Server {
  const common = serverOptions(limits, answers, shouldUpgradeCallback);
  const server = tls === null ? createHttpServer(common) : createHttpsServer({ ...common, ...tls, ALPNProtocols: ['http/1.1'] });
  server.maxConnections = limits.connectionsMax;
  // Node's own takes a connection that has asked nothing yet for an idle one; a drain ends those that are (`drainAll`).
  server.closeIdleConnections = () => undefined;
  return server;
}

export function isUpgrade({ url, headers }: IncomingMessage): boolean {
  return [WS_PATH, PUSH_PATH].some((path) => isBelow(url ?? '', path)) && /\bwebsocket\b/i.test(headers.upgrade ?? '');
}

export function isTls(server: Server): server is HttpsServer {
  return 'setSecureContext' in server;
}

export function serverOptions(
  limits: Limits,
  answers: Answers,
  shouldUpgradeCallback: (req: IncomingMessage) => boolean,
): ServerOptions<typeof IncomingMessage, Answers> {
  return {
    ServerResponse: answers,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(30_000, limits.headersTimeoutMs),
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: limits.headBytesMax,
    // Larger reads ahead of a busy disk; costs memory only on connections that move.
    highWaterMark: 262_144,
    // `Upgrade: h2c` and the like are ordinary requests.
    shouldUpgradeCallback,
  };
}
