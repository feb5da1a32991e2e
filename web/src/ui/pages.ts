import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Pages<T> {
  /** null: the first page is on its way. */
  items: T[] | null;
  error: unknown;
  loading: boolean;
  /** There is another page. */
  more: boolean;
  /** It is on its way, and not only what is shown anew. */
  coming: boolean;
  next(): void;
  /** Tries once more what failed. */
  again(): void;
  /** Lists anew what was shown; it stays meanwhile. */
  reload(): void;
}

/** The signal: nobody waits for it any more. */
type Ask<T> = (cursor: string | null, signal: AbortSignal) => Promise<{ items: T[]; next: string | null }>;

interface State<T> {
  items: T[] | null;
  error: unknown;
  loading: boolean;
  cursor: string | null;
}

const COMING = { items: null, error: null, loading: true, cursor: null };

/**
 * A list that comes page by page; from the start when `keys` change. Pages may be empty before the end: after so many in a row it waits for another word.
 */
export function usePages<T>(ask: Ask<T>, keys: readonly unknown[], emptyPagesMax = Number.POSITIVE_INFINITY): Pages<T> {
  const [told, setState] = useState<State<T>>(COMING);
  const round = useRef(0);
  const stop = useRef(new AbortController());
  const shown = useRef(0);
  /** How many entries were last asked for: more than are shown while they are on their way. */
  const asked = useRef(0);
  const last = useRef((): void => undefined);

  /** Pages from a cursor on, until there are so many entries. */
  const run = useCallback((before: T[], from: string | null, wanted: number) => {
    const mine = ++round.current;
    asked.current = wanted;
    last.current = () => run(before, from, wanted);
    stop.current.abort();
    stop.current = new AbortController();
    const { signal } = stop.current;
    setState((now) => ({ ...now, loading: true, error: null }));
    const walk = async (): Promise<void> => {
      const items = [...before];
      let cursor = from;
      let empty = 0;
      do {
        const page = await ask(cursor, signal);
        items.push(...page.items);
        cursor = page.next;
        empty = page.items.length === 0 ? empty + 1 : 0;
      } while (cursor !== null && items.length < wanted && empty < emptyPagesMax);
      if (mine !== round.current) return;
      asked.current = items.length;
      setState({ items, error: null, loading: false, cursor });
    };
    walk().catch((error: unknown) => {
      if (mine === round.current) setState((now) => ({ ...now, error, loading: false }));
    });
  }, keys);
  /** What the state is of. Nothing of other keys shows, not even until this is drawn. */
  const of = useRef(run);
  const state = of.current === run ? told : COMING;
  shown.current = state.items?.length ?? 0;

  useEffect(() => {
    of.current = run;
    setState(COMING);
    run([], null, 1);
    return () => {
      round.current++;
      stop.current.abort();
    };
  }, [run]);
  const coming = state.loading && asked.current > shown.current;
  return {
    items: state.items,
    error: state.error,
    loading: state.loading,
    more: state.cursor !== null,
    coming,
    next: () => {
      if (state.cursor === null || coming) return;
      if (state.loading) run([], null, shown.current + 1);
      else run(state.items ?? [], state.cursor, shown.current + 1);
    },
    again: () => last.current(),
    reload: () => run([], null, Math.max(shown.current, asked.current)),
  };
}
