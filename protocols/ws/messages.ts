import { type Cursor, parseCursor } from '#contracts/journal';
import { KEY_BYTES_MAX } from '#core/address';
import { CloudStoreError } from '#core/errors';

/** What a client may say. Every message is one JSON object in one text frame; a field that is not known is refused. */
export type ClientMessage =
  | { type: 'auth'; token: string; device?: string }
  | SubscribeMessage
  | { type: 'unsubscribe'; bucket: string; prefix: string; id?: string }
  | WatchMessage
  | { type: 'unwatch'; channel: Channel }
  | { type: 'ping' };

/** What is no bucket: jobs and requests of the gateway, for admins, and the user's own devices. */
export const CHANNELS = ['jobs', 'presence', 'trace'] as const;
export type Channel = (typeof CHANNELS)[number];

export interface WatchMessage extends TraceFilter {
  type: 'watch';
  channel: Channel;
}

/** Of the trace: only requests that are all of these. */
export interface TraceFilter {
  door?: string;
  user?: string;
  /** `kind:id`, or its beginning. */
  device?: string;
  bucket?: string;
  /** `404`, or `4xx`. */
  status?: string;
}

export interface SubscribeMessage {
  type: 'subscribe';
  bucket: string;
  /** Of keys; empty: the whole bucket. */
  prefix: string;
  /** Events after it; absent: from now on. */
  cursor?: Cursor;
  /** The client's own name of the subscription, sent back with all that belongs to it. */
  id?: string;
}

const FIELDS: Record<ClientMessage['type'], readonly string[]> = {
  auth: ['type', 'token', 'device'],
  watch: ['type', 'channel', 'door', 'user', 'device', 'bucket', 'status'],
  unwatch: ['type', 'channel'],
  subscribe: ['type', 'bucket', 'prefix', 'cursor', 'id'],
  unsubscribe: ['type', 'bucket', 'prefix', 'id'],
  ping: ['type'],
};

/** Every kind of message that is understood. */
export const MESSAGE_TYPES = Object.keys(FIELDS);

/** @throws invalid_argument */
export function parseMessage(text: string): ClientMessage {
  const message = parseObject(text);
  const { type } = message;
  if (typeof type !== 'string' || !Object.hasOwn(FIELDS, type))
    throw refuse('type is auth, subscribe, unsubscribe, watch, unwatch or ping');
  const kind = type as ClientMessage['type'];
  for (const name of Object.keys(message)) if (!FIELDS[kind].includes(name)) throw refuse(`${kind} has no such field`);
  switch (kind) {
    case 'auth':
      return {
        type: kind,
        token: textOf(message, 'token', 1, 8192),
        ...(message.device === undefined ? {} : { device: textOf(message, 'device', 1, 60) }),
      };
    case 'watch':
      return { type: kind, channel: channelOf(message), ...filterOf(message) };
    case 'unwatch':
      return { type: kind, channel: channelOf(message) };
    case 'ping':
      return { type: kind };
    case 'unsubscribe':
      return { type: kind, ...subjectOf(message) };
    case 'subscribe': {
      if (message.cursor === undefined) return { type: kind, ...subjectOf(message) };
      const cursor = parseCursor(textOf(message, 'cursor', 1, 40));
      if (cursor === null) throw refuse('cursor is not one of ours');
      return { type: kind, ...subjectOf(message), cursor };
    }
  }
}

function channelOf(message: Record<string, unknown>): Channel {
  const channel = CHANNELS.find((one) => one === message.channel);
  if (channel === undefined) throw refuse(`channel is one of ${CHANNELS.join(', ')}`);
  return channel;
}

function filterOf(message: Record<string, unknown>): TraceFilter {
  const filter: TraceFilter = {};
  for (const name of ['door', 'user', 'device', 'bucket', 'status'] as const) {
    if (message[name] === undefined) continue;
    if (message.channel !== 'trace') throw refuse('only the trace is filtered');
    filter[name] = textOf(message, name, 1, 200);
  }
  if (filter.status !== undefined && !/^[1-5](\d\d|xx)$/.test(filter.status)) throw refuse('status is 404, or 4xx');
  return filter;
}

function subjectOf(message: Record<string, unknown>): { bucket: string; prefix: string; id?: string } {
  const bucket = textOf(message, 'bucket', 1, 64);
  const prefix = message.prefix === undefined ? '' : textOf(message, 'prefix', 0, KEY_BYTES_MAX);
  if (prefix.includes('\0') || !prefix.isWellFormed()) throw refuse('prefix is no key');
  return { bucket, prefix, ...(message.id === undefined ? {} : { id: textOf(message, 'id', 1, 64) }) };
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CloudStoreError('invalid_argument', 'The message is not JSON.', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it is an object');
  return value as Record<string, unknown>;
}

function textOf(message: Record<string, unknown>, name: string, charsMin: number, charsMax: number): string {
  const value = message[name];
  if (typeof value !== 'string' || value.length < charsMin || value.length > charsMax) {
    throw refuse(`${name} is a text of ${charsMin} to ${charsMax} characters`);
  }
  return value;
}

function refuse(what: string): CloudStoreError {
  return new CloudStoreError('invalid_argument', `The message is not understood: ${what}.`);
}
