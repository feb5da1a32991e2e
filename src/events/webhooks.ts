import { createHmac } from 'node:crypto';
import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { WebhookMessage, Webhooks } from '#contracts/webhooks';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createPublicAddressTest } from './public-address.ts';

export interface WebhooksOptions {
  /** By name. */
  targets: ReadonlyMap<string, URL>;
  /** What messages are signed with; null: they are not. */
  secret: string | null;
  /** Targets may lie on this machine or in a private network. */
  allowPrivate: boolean;
  clock: Clock;
  /** Default 10,000. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const SOCKETS_MAX = 4;
/** Answers that say "later"; any other of 3xx and 4xx is a refusal of this message. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

type Lookup = NonNullable<RequestOptions['lookup']>;

/** The contract is Webhooks. Redirects are not followed: they would lead where nobody allowed. */
export function createWebhooks(options: WebhooksOptions): Webhooks & { close(): void } {
  const { targets, secret, clock, timeoutMs = TIMEOUT_MS } = options;
  const isPublic = createPublicAddressTest();
  const allowed = (address: string): boolean => options.allowPrivate || isPublic(address);
  const agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
  };

  /** Checked when the connection is made, so that a name cannot mean one address when it is checked and another afterwards. */
  const lookup: Lookup = (hostname, given, callback) => {
    dnsLookup(hostname, { ...(given as LookupOptions), all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) return callback(error, '', 0);
      const usable = addresses.filter(({ address }) => allowed(address));
      const [first] = usable;
      if (first === undefined) return callback(refused(hostname), '', 0);
      if ((given as LookupOptions).all === true)
        return (callback as unknown as (e: null, a: LookupAddress[]) => void)(null, usable);
      return callback(null, first.address, first.family);
    });
  };

  function headersOf({ id, body }: WebhookMessage): Record<string, string | number> {
    const at = Math.floor(clock.now() / 1000);
    return {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'CloudStore',
      'x-cloudstore-event-id': id,
      'x-cloudstore-timestamp': at,
      ...(secret === null ? {} : { 'x-cloudstore-signature': `v1=${signatureOf(secret, at, body)}` }),
    };
  }

  function send(url: URL, message: WebhookMessage, signal: AbortSignal): Promise<number> {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !allowed(host)) return Promise.reject(refused(host));
    const secure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const outgoing = (secure ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        headers: headersOf(message),
        agent: agents[secure ? 'https:' : 'http:'],
        lookup,
        signal,
      });
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        response.resume(); // what it says is of no interest
        response.once('error', reject);
        response.once('end', () => resolve(response.statusCode ?? 0));
      });
      outgoing.end(message.body);
    });
  }

  return {
    has: (target) => targets.has(target),
    async post(target, message, signal) {
      const url = targets.get(target);
      if (url === undefined) throw new CloudStoreError('not_found', `The settings name no webhook ${target}.`);
      const late = AbortSignal.timeout(timeoutMs);
      let status: number;
      try {
        status = await send(url, message, signal === undefined ? late : AbortSignal.any([signal, late]));
      } catch (cause) {
        if (cause instanceof CloudStoreError) throw cause;
        throw new CloudStoreError('unavailable', `The webhook ${target} cannot be reached.`, { cause });
      }
      if (status >= 200 && status < 300) return;
      const later = status >= 500 || LATER.has(status);
      throw new CloudStoreError(later ? 'unavailable' : 'access_denied', `The webhook ${target} answered ${status}.`);
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** HMAC-SHA256 in hex over `timestamp.body`: a receiver that has the secret recomputes it, and refuses old timestamps. */
export function signatureOf(secret: string, timestamp: number, body: string): string {
  return createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
}

function refused(host: string): CloudStoreError {
  return new CloudStoreError(
    'access_denied',
    `${host} is not an address of the public internet; CLOUDSTORE_WEBHOOK_PRIVATE=on allows webhooks there.`,
  );
}
