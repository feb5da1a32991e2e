import type { ComponentChildren, HTMLAttributes } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

interface VirtualProps {
  /** Of rows, each as high as the others. */
  count: number;
  rowHeight: number;
  row: (index: number) => ComponentChildren;
  /** The row that must be in sight; it is scrolled to when it changes. */
  visible?: number;
  /** The last rows are near: `ahead` of them, so that what comes next is there before somebody gets to it. */
  onEnd?: () => void;
  ahead?: number;
  /** Width in pixels, when it changes. */
  onWidth?: (width: number) => void;
  above?: ComponentChildren;
  below?: ComponentChildren;
  attributes?: HTMLAttributes<HTMLDivElement>;
}

/** Rows above and below what is in sight, for whoever scrolls. They come after the first rows, which nobody waits for longer because of them. */
const SPARE = 8;
const SPARE_AFTER_MS = 100;
/** How high the last list was, which the next one most likely is too: it is then drawn once. */
const last = { height: 800 };

/** Only the rows in sight are in the document, so a hundred thousand cost as much as thirty. */
export function Virtual({
  count,
  rowHeight,
  row,
  visible,
  onEnd,
  ahead = 3 * SPARE,
  onWidth,
  above,
  below,
  attributes,
}: VirtualProps) {
  const ref = useRef<HTMLDivElement>(null);
  const [{ top, height }, setView] = useState({ top: 0, height: last.height });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = (): void => {
      const now = { top: element.scrollTop, height: element.clientHeight };
      last.height = now.height;
      setView((before) => (before.top === now.top && before.height === now.height ? before : now));
      onWidth?.(element.clientWidth);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null || visible === undefined || visible < 0) return;
    const head = (element.querySelector('.virtual-head') as HTMLElement | null)?.offsetHeight ?? 0;
    const at = visible * rowHeight;
    if (at < element.scrollTop) element.scrollTop = at;
    else if (at + rowHeight + head > element.scrollTop + element.clientHeight)
      element.scrollTop = at + rowHeight + head - element.clientHeight;
  }, [visible, rowHeight]);
  const [spare, setSpare] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => setSpare(SPARE), SPARE_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  const first = Math.max(0, Math.floor(top / rowHeight) - spare);
  const end = Math.min(count, Math.ceil((top + height) / rowHeight) + spare);
  useEffect(() => {
    if (end >= count - ahead) onEnd?.();
  }, [end, count, onEnd, ahead]);
  const rows: ComponentChildren[] = [];
  for (let index = first; index < end; index++) rows.push(row(index));
  return (
    <div
      ref={ref}
      {...attributes}
      class={`virtual ${String(attributes?.class ?? '')}`}
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
    >
      {above !== undefined && (
        <div class="virtual-head" role="presentation">
          {above}
        </div>
      )}
      <div class="virtual-space" role="presentation" style={{ height: `${count * rowHeight}px` }}>
        <div role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {rows}
        </div>
      </div>
      {below}
    </div>
  );
}
