import type { EventStream } from '../../../clients/typescript/index.ts';
import { client, reachable, session } from './session.ts';
import type { ChangeEvent } from './types.ts';

export interface Follower {
  bucket: string;
  /** Of keys. */
  prefix: string;
  onChange(event: ChangeEvent): void;
  /** Something was missed: list anew. */
  onReset(): void;
}

const held: { stream: EventStream | null } = { stream: null };

/** The one stream of this tab, as long as somebody is signed in. */
export function events(): EventStream {
  held.stream ??= client.events({
    onState(state) {
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

/** Gives the function that ends it. */
export function follow({ bucket, prefix, onChange, onReset }: Follower): () => void {
  return events().subscribe({
    bucket,
    prefix,
    onEvent: (message) => onChange(message as unknown as ChangeEvent),
    onReset,
  });
}
