import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '#contracts/observability';
import type { Principal, RequestFacts } from '#core/principal';

/** What the server knows of a request before any protocol looks at it. */
export interface RequestContext extends RequestFacts {
  /** 16 upper-case hex digits; the same in the answer's header, its body, the log and the journal. */
  requestId: string;
  /** The client's address, through trusted proxies only. */
  remoteAddress: string;
  /** The request came over TLS (here or at a trusted proxy). */
  secure: boolean;
  /** The `Host` that the client used, through trusted proxies only. */
  host?: string | undefined;
  /** S3 alone: it was signed by version 2. */
  signatureV2?: boolean;
  /** S3 alone: when it was signed, ms since the epoch; version 2 does not tell of a URL. */
  signedAt?: number;
  /** S3 alone: what a copy is made of, once known. */
  copySource?: string;
  log: Logger;
  /** Fires when the client goes away before the answer has ended, or the drain's time is up. */
  signal: AbortSignal;
  /** The protocol names its operation for metrics and log: bounded, e.g. `PutObject`, `PROPFIND`. */
  op: string;
  /** The user's name for the log, once known. */
  user?: string;
  /** Who it turned out to be (Authenticator.admit): when that is over, the request ends. */
  principal?: Principal;
}

/**
 * A protocol as the server sees it. It answers every request itself, errors included, and never throws.
 * The server emits no `100 Continue`: the door calls `res.writeContinue()` after it has authenticated (see body.ts).
 */
export interface Door {
  handle(req: IncomingMessage, res: ServerResponse, cx: RequestContext): Promise<void>;
  /** The short path before all else: answers synchronously (`X-Request-Id` too, which else is set already) and returns true, or touches nothing and returns false. */
  fast?(req: IncomingMessage, res: ServerResponse, cx: RequestContext): boolean;
  /** The bucket that a host name stands for; null: the path says it. Asked of a request only while somebody looks at the trace. */
  hostBucket?(req: IncomingMessage): string | null;
}

/** A protocol that takes the connection over (WebSocket). It owns the socket from then on and never throws. */
export interface UpgradeDoor {
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, cx: RequestContext): void;
  /** The gateway drains: say goodbye to everybody. What is still open a second later is destroyed. */
  drain?(): void;
}
