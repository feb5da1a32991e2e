import { useId } from 'preact/hooks';

export interface Line {
  name: string;
  kind: 'accent' | 'good' | 'film' | 'sound';
  /** Oldest first; null: not known, a gap. */
  points: { at: number; value: number | null }[];
}

const WIDTH = 320;
const HEIGHT = 96;

/** Lines over time in a small picture; what they are now stands beside their names, for who does not see it. */
export function Chart({
  title,
  lines,
  shown,
  time,
}: {
  title: string;
  lines: Line[];
  shown: (value: number) => string;
  time: (at: number) => string;
}) {
  const id = useId();
  const points = lines.flatMap((line) => line.points);
  const values = points.map(({ value }) => value).filter((value) => value !== null);
  const [from, to] = [Math.min(...points.map(({ at }) => at)), Math.max(...points.map(({ at }) => at))];
  const top = Math.max(...values, 0) || 1;
  const x = (at: number): number => (to === from ? WIDTH : ((at - from) / (to - from)) * WIDTH);
  const y = (value: number): number => HEIGHT - 2 - (value / top) * (HEIGHT - 6);
  return (
    <figure class="card chart" aria-labelledby={id}>
      <figcaption id={id}>{title}</figcaption>
      <div class="chart-top muted small">{shown(top)}</div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {lines.map((line) => (
          <path key={line.name} class={line.kind} d={pathOf(line.points, x, y)} vector-effect="non-scaling-stroke" />
        ))}
      </svg>
      <div class="chart-time muted small">
        <span>{time(from)}</span>
        <span>{time(to)}</span>
      </div>
      <ul class="legend">
        {lines.map(({ name, kind, points: of }) => {
          const last = of.at(-1)?.value ?? null;
          return (
            <li key={name}>
              <span class={`dot ${kind}`} aria-hidden="true" /> {name} <strong>{last === null ? '–' : shown(last)}</strong>
            </li>
          );
        })}
      </ul>
    </figure>
  );
}

function pathOf(points: Line['points'], x: (at: number) => number, y: (value: number) => number): string {
  let pen = 'M';
  return points
    .map(({ at, value }) => {
      if (value === null) {
        pen = 'M';
        return '';
      }
      const step = `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = 'L';
      return step;
    })
    .join('');
}
