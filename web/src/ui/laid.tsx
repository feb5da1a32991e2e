import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

type Draw = (close: () => void) => ComponentChildren;

const laid = signal<{ id: number; draw: Draw }[]>([]);

/** Lays a dialog of its own over the page. It goes when it calls what it is given. */
export function lay(draw: Draw): void {
  laid.value = [...laid.value, { id: (laid.value.at(-1)?.id ?? 0) + 1, draw }];
}

/** Where they are shown, each above the ones before. */
export function Laid() {
  return (
    <>
      {laid.value.map(({ id, draw }) => (
        <Over key={id} draw={draw} close={() => (laid.value = laid.value.filter((one) => one.id !== id))} />
      ))}
    </>
  );
}

function Over({ draw, close }: { draw: Draw; close: () => void }) {
  return <>{draw(close)}</>;
}
