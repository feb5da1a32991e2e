import type { ComponentChildren } from 'preact';
import { Button } from './button.tsx';
import type { Pages } from './pages.ts';
import { Failed, Loading } from './states.tsx';

/** What has come of a list that comes page by page: that it is coming, or why it isn't, and the button for more. */
export function ShowPages<T>({
  of,
  more,
  rows = 3,
  empty,
  children,
}: {
  of: Pages<T>;
  /** What the button for the next page says. */
  more: string;
  rows?: number;
  /** In place of a list of nothing. */
  empty?: ComponentChildren;
  children: (items: T[]) => ComponentChildren;
}) {
  const { items, error, coming, next, again } = of;
  if (items === null) return error === null ? <Loading rows={rows} /> : <Failed error={error} retry={again} />;
  return (
    <>
      {items.length === 0 && empty !== undefined ? empty : children(items)}
      {error !== null && <Failed error={error} retry={again} />}
      {of.more && error === null && (
        <Button busy={coming} onClick={next}>
          {more}
        </Button>
      )}
    </>
  );
}
