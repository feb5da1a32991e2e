import type { ComponentChildren, HTMLAttributes } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

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

const SPARE = 8;

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
  const [{ top, height }, setView] = useState({ top: 0, height: 800 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = (): void => {
      setView({ top: element.scrollTop, height: element.clientHeight });
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
  const first = Math.max(0, Math.floor(top / rowHeight) - SPARE);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + SPARE);
  useLayoutEffect(() => {
    if (last >= count - ahead) onEnd?.();
  }, [last, count, onEnd, ahead]);
  const rows: ComponentChildren[] = [];
  for (let index = first; index < last; index++) rows.push(row(index));
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
