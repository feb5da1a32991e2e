import { useEffect, useState } from 'preact/hooks';
import type { ExplainQuestion } from '../../../clients/typescript/index.ts';
import type { Place } from './client.ts';
import { client } from './session.ts';

export type Action = ExplainQuestion['action'];

/** What the user may do at a place, so that nothing is offered that is refused. Nothing, until it is known. */
export function useRights<A extends Action>(place: Place, actions: readonly A[]): Partial<Record<A, boolean>> {
  const [rights, setRights] = useState<Partial<Record<A, boolean>>>({});
  useEffect(() => {
    const gone = new AbortController();
    setRights({});
    void Promise.all(actions.map(async (action) => [action, await may(place, action)] as const)).then((found) => {
      if (!gone.signal.aborted) setRights(Object.fromEntries(found) as Record<A, boolean>);
    });
    return () => gone.abort();
  }, [place.bucket, place.key]);
  return rights;
}

async function may({ bucket, key }: Place, action: Action): Promise<boolean> {
  if (bucket === '') return false;
  try {
    return (await client.call('ExplainAccess', { body: { action, bucket, key } })).allowed;
  } catch {
    // What cannot be asked is not offered; the gateway decides in any case.
    return false;
  }
}
