import { signal } from '@preact/signals';
import type { EventStream, ServerMessage } from '../../../clients/typescript/index.ts';
import { client, reachable, session } from './session.ts';
import type { ChangeEvent } from './types.ts';

export interface Follower {
  bucket: string;
  /** Of keys. */
  prefix: string;
  onChange(event: ChangeEvent): void;
  /** It is told from now on. What was read before this may lack what happened since. */
  onBegin(): void;
  /** Something was missed: list anew. */
  onReset(): void;
  /** Nothing more is told: it may not be seen any more, as a rule. */
  onError(): void;
}

/** Whether the stream is there. `waiting`: it broke, and is tried again by itself. */
export const streaming = signal<'opening' | 'open' | 'waiting' | 'closed'>('opening');

const held: { stream: EventStream | null } = { stream: null };
const hearers = new Set<(message: ServerMessage) => void>();

/** The one stream of this tab, as long as somebody is signed in. */
export function events(): EventStream {
  held.stream ??= client.events({
    onMessage(message) {
      for (const hear of hearers) hear(message);
    },
    onState(state) {
      streaming.value = state;
      if (state === 'open') reachable.value = true;
      if (state === 'closed') held.stream = null;
    },
  });
  return held.stream;
}

session.subscribe(({ kind }) => {
  if (kind !== 'out') return;
  held.stream?.close();
  held.stream = null;
});

/** What is told of the whole gateway, for admins. Gives the function that ends it. */
export function watch(
  channel: 'trace',
  filter: Record<string, unknown>,
  hear: (message: ServerMessage) => void,
  /** null: it is told from now on; else why it is not. */
  settled: (refusal: string | null) => void,
): () => void {
  const own = (message: ServerMessage): void => {
    if (message.type === channel) hear(message);
    else if (message.type === 'watching' && message.channel === channel) settled(null);
    // Of a subscription it would name that.
    else if (message.type === 'error' && message.id === undefined && message.bucket === undefined)
      settled(String(message.message));
  };
  hearers.add(own);
  const end = events().watch(channel, filter);
  return () => {
    hearers.delete(own);
    end();
  };
}

/** Gives the function that ends it. */
export function follow({ bucket, prefix, onChange, ...more }: Follower): () => void {
  return events().subscribe({
    bucket,
    prefix,
    onEvent: (message) => onChange(message as unknown as ChangeEvent),
    ...more,
  });
}
