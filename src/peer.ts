import { CloudStoreError, type ErrorCode } from '#core/errors';
import { SettingError } from './config/setting-error.ts';

/** The other end of the channel between the first process of a gateway and one that serves. */
export interface Peer {
  /** @throws what the other side threw; unavailable when it is gone, and timeout when it takes longer than `ms` */
  ask<T>(what: string, value?: unknown, ms?: number): Promise<T>;
}

/** What this side answers, by name. */
export type Handlers = Record<string, (value: never) => unknown>;

/** `process` in a worker, the child in the first process. */
export interface Channel {
  readonly connected: boolean;
  send?(message: unknown, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: Message) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

type Message =
  | { kind: 'ask'; id: number; what: string; value: unknown }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'failure'; id: number; error: WireError };

/** Errors travel as what a person reads of them. */
export interface WireError {
  name: string;
  code: string | null;
  message: string;
  stack: string | undefined;
  details: Record<string, unknown>;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export function createPeer(channel: Channel, handlers: Handlers): Peer {
  const pending = new Map<number, Pending>();
  let lastId = 0;

  function send(message: Message, failed: (error: Error) => void = () => undefined): void {
    if (!channel.connected || channel.send === undefined) {
      failed(gone());
      return;
    }
    try {
      channel.send(message, (error) => error && failed(gone(error)));
    } catch (error) {
      failed(gone(error)); // it closed between the look and the call
    }
  }

  async function answer(id: number, what: string, value: unknown): Promise<void> {
    try {
      const handler = handlers[what];
      if (handler === undefined) throw new CloudStoreError('internal', `Nobody answers ${what}.`);
      send({ kind: 'answer', id, value: await handler(value as never) }); // both ends are of one version
    } catch (error) {
      send({ kind: 'failure', id, error: toWire(error) });
    }
  }

  channel.on('message', (message: Message) => {
    if (message.kind === 'ask') return void answer(message.id, message.what, message.value);
    const waiting = pending.get(message.id);
    pending.delete(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(fromWire(message.error));
  });
  channel.on('disconnect', () => {
    for (const { reject } of pending.values()) reject(gone());
    pending.clear();
  });

  return {
    ask<T>(what: string, value: unknown = null, ms: number = Infinity): Promise<T> {
      const id = ++lastId;
      return new Promise<T>((resolve, reject) => {
        const timer = Number.isFinite(ms) ? setTimeout(() => fail(late(what)), ms) : null;
        const fail = (error: unknown): void => {
          pending.delete(id);
          if (timer !== null) clearTimeout(timer);
          reject(error);
        };
        pending.set(id, {
          resolve(result) {
            if (timer !== null) clearTimeout(timer);
            resolve(result as T); // what this question is answered with
          },
          reject: fail,
        });
        send({ kind: 'ask', id, what, value }, fail);
      });
    },
  };
}

function gone(cause?: unknown): CloudStoreError {
  return new CloudStoreError('unavailable', 'The other process of this gateway has ended.', { cause });
}

function late(what: string): CloudStoreError {
  return new CloudStoreError('timeout', `The other process of this gateway does not answer ${what}.`);
}

export function toWire(error: unknown): WireError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof CloudStoreError) return { name, code: error.code, message, stack, details: error.details };
  return { name, code: null, message, stack, details: {} };
}

export function fromWire({ name, code, message, stack, details }: WireError): Error {
  if (name === 'SettingError') return new SettingError(message);
  if (code !== null) return new CloudStoreError(code as ErrorCode, message, { details }); // it was one when it left
  return Object.assign(new Error(message), stack === undefined ? {} : { stack }); // a fault is looked for where it arose
}
