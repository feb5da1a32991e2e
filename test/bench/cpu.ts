import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

export interface CpuSeconds {
  /** Of the program itself and its processes of the same program. */
  own: number;
  /** Of its database server. */
  database: number;
}

/** What a gateway and all that it started have used so far: less noisy than the clock on the wall, where others work on the same cores. */
export function cpuOf(pid: number): CpuSeconds {
  const all = processes();
  const used: CpuSeconds = { own: 0, database: 0 };
  const add = (one: number, database: boolean): void => {
    const found = all.get(one);
    if (found === undefined) return;
    const isDatabase = database || found.name.startsWith('postgres');
    used[isDatabase ? 'database' : 'own'] += found.seconds;
    for (const [child, { parent }] of all) if (parent === one) add(child, isDatabase);
  };
  add(pid, false);
  return used;
}

/** A program that this process has started, by the beginning of its name. */
export function childNamed(name: string): number | null {
  const found = [...processes()].find(([, one]) => one.parent === process.pid && one.name.startsWith(name));
  return found?.[0] ?? null;
}

/** The gateway's own processes: the first, and those that serve. */
export function processesOf(pid: number): number[] {
  const all = processes();
  const children = [...all].filter(([, { parent, name }]) => parent === pid && !name.startsWith('postgres'));
  return [pid, ...children.map(([child]) => child)];
}

/** Proportional resident bytes: pages that several processes share count once. */
export function pssOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) * 1024;
}

function processes(): Map<number, { parent: number; name: string; seconds: number }> {
  const out = new Map<number, { parent: number; name: string; seconds: number }>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const end = stat.lastIndexOf(')');
      const rest = stat.slice(end + 2).split(' ');
      const seconds = (Number(rest[11]) + Number(rest[12])) / TICKS_PER_SECOND;
      out.set(Number(entry), { parent: Number(rest[1]), name: stat.slice(stat.indexOf('(') + 1, end), seconds });
    } catch {
      // It ended between the two looks.
    }
  }
  return out;
}
