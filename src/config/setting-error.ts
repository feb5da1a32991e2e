/** A wrong setting or a wrong use: one sentence that says what to do. The program ends with exit code 2. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** ` Did you mean x?`, or nothing when no name is near. */
export function suggestion(wrong: string, names: readonly string[]): string {
  const nearest = names.map((name) => ({ name, distance: distance(wrong, name) })).sort((a, b) => a.distance - b.distance)[0];
  return nearest !== undefined && nearest.distance <= Math.max(3, wrong.length / 3) ? ` Did you mean ${nearest.name}?` : '';
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
