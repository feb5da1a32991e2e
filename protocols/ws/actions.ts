import { type Asked, assertDeclared } from '#core/actions';
import type { Channel, ClientMessage } from './messages.ts';

/** What each message asks of the Authorizer, when it comes and whenever rights may have changed. What is not here does not start. */
export const MESSAGE_ACTIONS: Readonly<Record<ClientMessage['type'], Asked>> = {
  auth: { none: 'It says who asks.' },
  subscribe: ['list'],
  unsubscribe: { none: 'It ends what the socket itself began.' },
  watch: ['admin'],
  unwatch: { none: 'It ends what the socket itself began.' },
  ping: { none: 'It asks for an answer, and for nothing.' },
};

/** What a channel asks of who watches it. */
export const CHANNEL_ACTIONS: Readonly<Record<Channel, Asked>> = {
  jobs: ['admin'],
  presence: { none: 'It tells of the caller’s own devices.' },
  trace: ['admin'],
};

/** @throws when a message or a channel is understood that does not say which action it asks for */
export function assertMessages(types: Iterable<string>, channels: Iterable<string>): void {
  assertDeclared('message', types, MESSAGE_ACTIONS);
  assertDeclared('channel', channels, CHANNEL_ACTIONS);
}
