import type { Client } from './client.ts';

/** What the gateway says on /ws; docs/API.md has every kind. */
export interface ServerMessage {
  type: string;
  id?: string;
  bucket?: string;
  prefix?: string;
  cursor?: string;
  [field: string]: unknown;
}

/** One finished request, as the channel `trace` tells it. */
export interface TraceEntry {
  /** When it ended (ISO 8601). */
  at: string;
  requestId: string;
  door: string;
  operation: string;
  method: string;
  path: string;
  bucket: string | null;
  status: number;
  seconds: number;
  receivedBytes: number;
  sentBytes: number;
  user: string | null;
  /** What it came with, as `kind:id`. */
  device: string | null;
  /** As its owner calls it. */
  deviceName: string | null;
  address: string;
}

export interface EventStreamOptions {
  /** Each message that belongs to no subscription: jobs, presence, trace, errors. */
  onMessage?(message: ServerMessage): void;
  /** The stream is there, or is not; it is tried again by itself. */
  onState?(state: 'open' | 'waiting' | 'closed'): void;
  /** Shown to the user's other devices. */
  device?: string;
}

export interface Subscription {
  bucket: string;
  prefix?: string;
  /** Events after it; default: from now on. */
  cursor?: string;
  onEvent(message: ServerMessage): void;
  /** Without a cursor: what happens is told from now on. What was read before this may lack what happened since. */
  onBegin?(): void;
  /** The cursor was too old: list everything anew. */
  onReset?(): void;
  onError?(error: { code: string; message: string }): void;
}

export interface EventStream {
  /** Gives the unsubscriber. After a break it goes on from the last event. */
  subscribe(subscription: Subscription): () => void;
  /** Follows what is no bucket: `jobs`, `presence`, `trace`. */
  watch(channel: 'jobs' | 'presence' | 'trace', filter?: Record<string, unknown>): () => void;
  close(): void;
}

const WAIT_MS = 500;
const WAIT_MS_MAX = 30_000;
const PING_MS = 25_000;
/** The gateway ends sockets whose session has ended. */
const UNAUTHENTICATED = 4401;

export function openEvents(client: Client, options: EventStreamOptions): EventStream {
  const subscriptions = new Map<string, { of: Subscription; cursor: string | undefined }>();
  const watched = new Map<string, object>();
  let socket: WebSocket | null = null;
  let ready = false;
  let closed = false;
  let failures = 0;
  let lastId = 0;
  let ping: ReturnType<typeof setInterval> | undefined;
  let renewal: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let heard = 0;
  let used = '';

  const say = (message: object): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  const begin = (id: string, { of, cursor }: { of: Subscription; cursor: string | undefined }): void =>
    say({ type: 'subscribe', id, bucket: of.bucket, prefix: of.prefix ?? '', ...(cursor === undefined ? {} : { cursor }) });

  async function authenticate(): Promise<void> {
    const token = await client.session.token();
    if (token === null) return end();
    used = token;
    say({ type: 'auth', token, ...(options.device === undefined ? {} : { device: options.device }) });
    clearTimeout(renewal);
    renewal = setTimeout(() => void authenticate().catch(() => socket?.close()), 60_000);
  }

  function connect(): void {
    if (closed) return;
    const page = (globalThis as { location?: { href: string } }).location?.href;
    const url = new URL(`${client.baseUrl.slice(0, -'/api/v1'.length)}/ws`, page);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const opened = new WebSocket(url);
    socket = opened;
    ready = false;
    opened.onopen = () => void authenticate().catch(() => opened.close());
    opened.onmessage = ({ data }) => {
      heard = performance.now();
      receive(JSON.parse(String(data)) as ServerMessage);
    };
    opened.onclose = ({ code }) => {
      clearInterval(ping);
      clearTimeout(renewal);
      if (socket === opened) socket = null;
      if (closed) return;
      options.onState?.('waiting');
      const wait = Math.min(WAIT_MS_MAX, WAIT_MS * 2 ** failures++);
      if (code !== UNAUTHENTICATED) {
        again = setTimeout(connect, wait);
        return;
      }
      // The token that we hold may look good still: what the gateway refused is exchanged, or the session is over.
      client.session.renew(used).then(
        (token) => (token === null ? end() : (again = setTimeout(connect, wait))),
        () => (again = setTimeout(connect, wait)),
      );
    };
  }

  function receive(message: ServerMessage): void {
    if (message.type === 'ready') {
      if (ready) return; // a renewal
      ready = true;
      failures = 0;
      options.onState?.('open');
      for (const [id, one] of subscriptions) begin(id, one);
      for (const [channel, filter] of watched) say({ type: 'watch', channel, ...filter });
      ping = setInterval(() => {
        if (performance.now() - heard > 3 * PING_MS) socket?.close();
        else say({ type: 'ping' });
      }, PING_MS);
      return;
    }
    const one = message.id === undefined ? undefined : subscriptions.get(message.id);
    if (one === undefined) {
      if (message.type !== 'pong') options.onMessage?.(message);
      return;
    }
    if (message.type === 'subscribed' && one.cursor === undefined) one.of.onBegin?.();
    if (message.cursor !== undefined) one.cursor = message.cursor;
    if (message.type === 'event') one.of.onEvent(message);
    else if (message.type === 'reset') {
      one.of.onReset?.();
      begin(message.id!, one);
    } else if (message.type === 'error') one.of.onError?.({ code: String(message.code), message: String(message.message) });
  }

  function end(): void {
    if (closed) return;
    closed = true;
    clearInterval(ping);
    clearTimeout(renewal);
    clearTimeout(again);
    socket?.close(1000);
    options.onState?.('closed');
  }

  connect();
  return {
    subscribe(of) {
      const id = `s${++lastId}`;
      const one = { of, cursor: of.cursor };
      subscriptions.set(id, one);
      if (ready) begin(id, one);
      return () => {
        subscriptions.delete(id);
        if (ready) say({ type: 'unsubscribe', id, bucket: of.bucket, prefix: of.prefix ?? '' });
      };
    },
    watch(channel, filter = {}) {
      watched.set(channel, filter);
      if (ready) say({ type: 'watch', channel, ...filter });
      return () => {
        watched.delete(channel);
        if (ready) say({ type: 'unwatch', channel });
      };
    },
    close: end,
  };
}
