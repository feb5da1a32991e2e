const LIMIT = 200;
/** A page of administration shows no more; the command line lists all. */
const SHOWN_MAX = 2_000;

/** Every page of a list by cursor. */
export async function allPages<T>(
  ask: (query: { limit: number; cursor?: string }) => Promise<{ items: T[]; next: string | null }>,
): Promise<T[]> {
  const out: T[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await ask(cursor === null ? { limit: LIMIT } : { limit: LIMIT, cursor });
    out.push(...page.items);
    if (page.next === null || out.length >= SHOWN_MAX) return out;
    cursor = page.next;
  }
}
