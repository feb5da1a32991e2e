import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger, Metrics } from '#contracts/observability';
import type { Trace } from '#contracts/trace';
import type { Clock, Random } from '#core/clock';
import { speakBoth } from './both-ways.ts';
import { answerClientError } from './client-error.ts';
import { type Connections, trackConnections } from './connections.ts';
import type { Door, UpgradeDoor } from './door.ts';
import { closed, drainAll } from './drain.ts';
import { answerInternal, Exchange } from './exchange.ts';
import { createHeldAnswers } from './held-answers.ts';
import { answerLan, isLoopback, type LanTrust, turnAway } from './lan.ts';
import { createMainApp, isBelow, type MainAppOptions } from './main-app.ts';
import type { Health } from './operations.ts';
import { createTrustedProxies } from './proxies.ts';
import { createRequestIds } from './request-id.ts';
import { readTarget, refuseCoding, refuseHosts } from './request-line.ts';
import { logAccess, traced } from './request-record.ts';
import { endRevoked, type Validity } from './revocation.ts';
import { createServer, isTls, isUpgrade, LIMITS, type Limits, PUSH_PATH, serverOptions } from './servers.ts';

export interface ListenersOptions {
  /** Told of each request once it has ended: 499 where the client went away. */
  ended?(exchange: Exchange, protocol: 's3' | 'webdav' | 'rest' | 'web', status: number): void;
  /** An address; `::` also takes IPv4, and falls back to `0.0.0.0` where IPv6 is off. */
  host: string;
  /** 0 takes a free one. */
  s3Port: number;
  webPort: number;
  /** PEM, for both ports. */
  tls: { cert: Buffer; key: Buffer } | null;
  /** TLS is by an authority of our own: both ports speak plain HTTP with this machine too, and with others only of that. */
  lan?: LanTrust | null;
  trustedProxies: readonly string[];
  metricsToken: string | null;
  publicUrl: string | null;
  s3: Door;
  webdav: Door;
  rest: Door;
  nextcloud: Door;
  ws: UpgradeDoor;
  /** At /push/ws, for the clients of that dialect. */
  push: UpgradeDoor;
  /** Ends running requests of who may not go on. */
  validity?: Validity;
  webUi?: MainAppOptions['webUi'];
  /** For /readyz: database reachable, disk writable. Asked once a second at most. */
  health: () => Promise<Health>;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics: Metrics;
  trace?: Trace;
  /** Defaults are for people; tests shorten them. */
  limits?: Partial<Limits>;
}

export interface Listeners {
  /** Resolves when both ports accept. @throws Node's error (code EADDRINUSE, EACCES, …; `port`), with neither port left open */
  listen(): Promise<{ s3: AddressInfo; web: AddressInfo }>;
  /**
   * Accepts no more, tells clients that connections end, lets running requests finish. After `ms` their signals fire and the
   * sockets are destroyed. Calling it again gives the same promise.
   */
  drain(ms: number): Promise<void>;
  /** Requests are under way. */
  busy(): boolean;
  /** New connections get this certificate. */
  renewTls(tls: { cert: Buffer; key: Buffer }): void;
}

/**
 * The two listeners: S3's port, and the main port of WebDAV, REST, WebSocket and the gateway's own pages. Wired as
 *   const listeners = createListeners({ host, s3Port, webPort, tls, …, s3: createS3Door(deps), webdav, rest, ws, health });
 *   const { s3, web } = await listeners.listen();      // then the ready line
 *   …on SIGTERM: await listeners.drain(20_000);        // then hub, content, log, database, in this order
 *
 * Requests go from node:http straight to their doors, first to the short path that one may have (`Door.fast`); Koa
 * serves the gateway's own pages. `requestTimeout` is off because a slow PUT of 5 GiB is honest: a watchdog ends bodies that
 * hardly move instead.
 */
export function createListeners(options: ListenersOptions): Listeners {
  const { log, metrics, ws, push } = options;
  const limits = { ...LIMITS, ...options.limits };
  const proxies = createTrustedProxies(options.trustedProxies);
  const nextId = createRequestIds(options.random);
  const exchanges = new WeakMap<IncomingMessage, Exchange>();
  const exchangeOf = (req: IncomingMessage): Exchange => {
    const exchange = exchanges.get(req);
    if (exchange === undefined) throw new Error('A request that this server never began.');
    return exchange;
  };
  let draining: Promise<void> | null = null;
  let running = 0;
  const main = createMainApp({ ...options, exchangeOf, draining: () => draining !== null });
  const answers = createHeldAnswers((err) => log.error({ err }, 'an answer failed'));
  const s3Server = createServer(options.tls, limits, answers, () => false);
  const webServer = createServer(options.tls, limits, answers, isUpgrade);
  const { lan = null } = options;
  // Where there is no TLS, or nobody but TLS, there is none beside.
  const plain =
    lan === null
      ? null
      : {
          s3: createHttpServer(serverOptions(limits, answers, () => false)),
          web: createHttpServer(serverOptions(limits, answers, isUpgrade)),
        };
  const connections = trackConnections([s3Server, webServer, ...(plain === null ? [] : [plain.s3, plain.web])], limits);
  metrics.gauge('cloudstore_connections_count', 'Open client connections.', () => connections.count());

  const begin = (req: IncomingMessage, res: ServerResponse): Exchange => {
    const exchange = new Exchange(nextId(), req, proxies, log, performance.now());
    const connection = connections.of(req.socket);
    if (connection !== undefined) {
      connection.active.set(exchange, res);
      connection.asked = true;
    }
    running++;
    if (draining !== null) res.shouldKeepAlive = false;
    return exchange;
  };
  const onS3 = (req: IncomingMessage, res: ServerResponse): void => {
    const exchange = begin(req, res);
    const { socket } = req;
    res.once('close', () => end(exchange, socket, res, 's3'));
    serve(options.s3, req, res, exchange);
  };
  const onWeb = (req: IncomingMessage, res: ServerResponse): void => {
    if (lan !== null && answerLan(lan, req, res)) return;
    const exchange = begin(req, res);
    const target = main.route(req);
    const { socket } = req;
    res.once('close', () => end(exchange, socket, res, target?.protocol ?? 'web'));
    if (target !== null && tryFast(target.door, req, res, exchange)) return;
    res.setHeader('X-Request-Id', exchange.requestId);
    if (target !== null) handle(target.door, req, res, exchange);
    else {
      exchanges.set(req, exchange);
      main.handle(req, res);
    }
  };
  /** By the socket as it was: node takes it from a request whose body was given up. */
  const end = (exchange: Exchange, socket: Socket, res: ServerResponse, protocol: 's3' | 'webdav' | 'rest' | 'web'): void => {
    running--;
    // What the client never got whole is its going away, whatever the status line said (nginx's 499).
    const status = res.writableFinished ? res.statusCode : 499;
    if (status === 499) exchange.abort();
    const seconds = (performance.now() - exchange.begun) / 1000;
    const connection = connections.of(socket);
    const { bytesRead, bytesWritten } = socket;
    const bytesIn = Math.max(0, bytesRead - (connection?.readBefore ?? 0));
    const bytesOut = Math.max(0, bytesWritten - (connection?.writtenBefore ?? 0));
    metrics.request(protocol, exchange.op || 'other', status, seconds, bytesIn, bytesOut);
    options.ended?.(exchange, protocol, status);
    logAccess(exchange, protocol, status, seconds, bytesIn, bytesOut);
    if (options.trace?.wanted() === true) {
      const hosted = protocol === 's3' ? (options.s3.hostBucket?.(exchange.req) ?? null) : null;
      options.trace.record(traced(options.clock.now(), exchange, protocol, status, seconds, bytesIn, bytesOut, hosted));
    }
    if (connection === undefined) return;
    connection.active.delete(exchange);
    connection.readBefore = bytesRead;
    connection.writtenBefore = bytesWritten;
    if (draining !== null && connection.active.size === 0) connection.socket.destroySoon();
  };

  listenTo(s3Server, onS3, connections);
  listenTo(webServer, onWeb, connections);
  const onUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const connection = connections.of(socket);
    if (connection !== undefined) connection.upgraded = true;
    socket.on('error', () => socket.destroy());
    if (draining !== null) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const exchange = new Exchange(nextId(), req, proxies, log, performance.now());
    socket.once('close', () => exchange.abort());
    (isBelow(req.url ?? '', PUSH_PATH) ? push : ws).upgrade(req, socket, head, exchange);
  };
  webServer.on('upgrade', onUpgrade);
  if (lan !== null && plain !== null) {
    const welcome = (req: IncomingMessage): boolean => lan.plainForAll || isLoopback(req.socket.remoteAddress);
    const orTurnedAway =
      (serveIt: typeof onWeb): typeof onWeb =>
      (req, res) =>
        welcome(req) ? serveIt(req, res) : turnAway(lan, req, res);
    listenTo(plain.s3, orTurnedAway(onS3), connections);
    listenTo(plain.web, orTurnedAway(onWeb), connections);
    plain.web.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) =>
      welcome(req) ? onUpgrade(req, socket, head) : socket.destroy(),
    );
    speakBoth(s3Server, plain.s3, limits.headersTimeoutMs);
    speakBoth(webServer, plain.web, limits.headersTimeoutMs);
  }
  const watch = setInterval(() => connections.watch(performance.now()), limits.watchEveryMs);
  watch.unref();
  const revocation = options.validity === undefined ? null : endRevoked(connections, options.validity, log);

  return {
    async listen() {
      try {
        const s3 = await listenOn(s3Server, options.s3Port, options.host);
        return { s3, web: await listenOn(webServer, options.webPort, options.host) };
      } catch (error) {
        clearInterval(watch);
        revocation?.close();
        await Promise.all([closed(s3Server), closed(webServer)]);
        throw error;
      }
    },
    drain(ms) {
      draining ??= drainAll([s3Server, webServer], connections, [ws, push], ms).finally(() => {
        clearInterval(watch);
        revocation?.close();
      });
      return draining;
    },
    busy: () => running > 0,
    renewTls(tls) {
      for (const server of [s3Server, webServer]) if (isTls(server)) server.setSecureContext(tls);
    },
  };
}

function listenTo(
  server: Server,
  onRequest: (req: IncomingMessage, res: ServerResponse) => void,
  connections: Connections,
): void {
  // Node hands out a pipelined request while the one before it still runs; only safe ones may run side by side (RFC 9112 §9.3.2).
  const begin = (req: IncomingMessage, res: ServerResponse): void => {
    if (refuseCoding(req, res) || refuseHosts(req, res)) return;
    readTarget(req);
    onRequest(req, res);
  };
  const inTurn = (req: IncomingMessage, res: ServerResponse): void => {
    if (res.socket === null) res.once('socket', () => begin(req, res));
    else begin(req, res);
  };
  server.on('request', inTurn);
  // Node would send `100 Continue` by itself; the door does, after it has authenticated.
  server.on('checkContinue', inTurn);
  server.on('clientError', (error, socket) => answerClientError(error, socket, connections.of(socket)));
}

function serve(door: Door, req: IncomingMessage, res: ServerResponse, exchange: Exchange): void {
  if (!tryFast(door, req, res, exchange)) handle(door, req, res, exchange);
}

function handle(door: Door, req: IncomingMessage, res: ServerResponse, exchange: Exchange): void {
  door.handle(req, res, exchange).catch((err: unknown) => fail(err, res, exchange));
}

function tryFast(door: Door, req: IncomingMessage, res: ServerResponse, exchange: Exchange): boolean {
  if (door.fast === undefined) return false;
  try {
    return door.fast(req, res, exchange);
  } catch (err) {
    fail(err, res, exchange);
    return true;
  }
}

/** Doors answer their errors themselves; what comes here is a fault in one. */
function fail(err: unknown, res: ServerResponse, exchange: Exchange): void {
  exchange.log.error({ err, op: exchange.op }, 'a door failed');
  answerInternal(res, exchange.requestId);
}

function listenOn(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      const noIpv6 = error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL';
      if (host === '::' && noIpv6) listenOn(server, port, '0.0.0.0').then(resolve, reject);
      else reject(error);
    };
    const onListening = (): void => {
      server.off('error', onError);
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The server listens on no port.'));
      else resolve(address);
    };
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen({ port, host, backlog: 1024 });
  });
}
