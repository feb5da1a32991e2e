import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '#contracts/observability';
import type { Principal } from '#core/principal';
import type { RequestContext } from './door.ts';
import type { Origin, TrustedProxies } from './proxies.ts';

/**
 * One request and its answer, as the server keeps it. What a small GET does not ask for (the client's address, a log of
 * its own, an AbortController) is made only when somebody reads it.
 */
export class Exchange implements RequestContext {
  readonly requestId: string;
  readonly req: IncomingMessage;
  op = '';
  user?: string;
  principal?: Principal;
  signatureV2?: boolean;
  signedAt?: number;
  copySource?: string;
  /** performance.now() at the request's head. */
  readonly begun: number;
  readonly #proxies: TrustedProxies;
  /** The gateway's, without the request's id. */
  readonly baseLog: Logger;
  #origin: Origin | null = null;
  #log: Logger | null = null;
  #abort: AbortController | null = null;
  #aborted = false;

  constructor(requestId: string, req: IncomingMessage, proxies: TrustedProxies, log: Logger, begun: number) {
    this.requestId = requestId;
    this.req = req;
    this.#proxies = proxies;
    this.baseLog = log;
    this.begun = begun;
  }

  get remoteAddress(): string {
    return this.#seenFrom().remoteAddress;
  }

  get secure(): boolean {
    return this.#seenFrom().secure;
  }

  /** `TLSv1.3` is 1.3. */
  get tlsVersion(): string | undefined {
    return this.#seenFrom().tls?.getProtocol()?.replace(/^TLSv/, '');
  }

  get host(): string | undefined {
    return this.#seenFrom().host;
  }

  header(name: string): string | undefined {
    const value = this.req.headers[name];
    return Array.isArray(value) ? value.join(',') : value;
  }

  get log(): Logger {
    return (this.#log ??= this.baseLog.child({ requestId: this.requestId }));
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#aborted) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** The client is gone, or the drain's time is up. */
  abort(): void {
    this.#aborted = true;
    this.#abort?.abort();
  }

  #seenFrom(): Origin {
    return (this.#origin ??= this.#proxies.origin(this.req));
  }
}

/** The path without its query, which may hold a presigned URL's signature or a token. */
export function loggablePath(url: string | undefined): string {
  const path = (url ?? '').split('?', 1)[0] ?? '';
  // The tokens of share links are all that somebody needs.
  return path.replace(/^(\/s|\/api\/v1\/public)\/[^/]*/, '$1/…').slice(0, 2048);
}

/** After a fault of ours: nothing of it is told but the id under which it is logged. */
export function answerInternal(res: ServerResponse, requestId: string): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const text = `Internal error. Request id: ${requestId}\n`;
  res.shouldKeepAlive = false;
  res.writeHead(500, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) });
  res.end(text);
}
