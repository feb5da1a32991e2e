import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Loaded<T> {
  data: T | null;
  error: unknown;
  loading: boolean;
  /** Asks again; what is there stays shown meanwhile. */
  reload: () => void;
  set: (data: T) => void;
}

type State<T> = Pick<Loaded<T>, 'data' | 'error' | 'loading'>;

const COMING = { data: null, error: null, loading: true };

/** Asks for something when `keys` change, and again every `everyMs` while the page is looked at. */
export function useLoad<T>(ask: () => Promise<T>, keys: readonly unknown[], everyMs = 0): Loaded<T> {
  const [told, setState] = useState<State<T>>(COMING);
  const round = useRef(0);
  const run = useCallback(() => {
    const mine = ++round.current;
    setState((before) => ({ ...before, loading: true }));
    ask().then(
      (data) => mine === round.current && setState({ data, error: null, loading: false }),
      (error: unknown) => mine === round.current && setState((before) => ({ ...before, error, loading: false })),
    );
  }, keys);
  /** What the state is of. Nothing of other keys shows, not even until this is drawn. */
  const of = useRef(run);
  const state = of.current === run ? told : COMING;
  useEffect(() => {
    of.current = run;
    setState(COMING);
    run();
    if (everyMs === 0) return () => void round.current++;
    const timer = setInterval(() => document.visibilityState === 'visible' && run(), everyMs);
    return () => {
      clearInterval(timer);
      round.current++;
    };
  }, [run]);
  return { ...state, reload: run, set: (data) => setState({ data, error: null, loading: false }) };
}
