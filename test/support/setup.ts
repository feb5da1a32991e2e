import { readdirSync, readFileSync } from 'node:fs';
import { kept } from './kept.ts';

/** What outlives a test run would meet the next one: a gateway, a database, a load generator. */
export const mochaHooks: Mocha.RootHookObject = {
  beforeAll() {
    startedBefore = new Set(childrenOf(process.pid));
  },
  async afterAll(this: Mocha.Context) {
    this.timeout(30_000);
    for (const stop of kept.splice(0)) await stop();
    // Servers that are kept for the whole run stop in their own root hooks, or with this process; the rest had its time.
    for (let i = 0; i < 50 && leftovers().length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 100));
    const left = leftovers();
    if (left.length > 0) throw new Error(`Left behind by the tests: ${left.map((pid) => `${pid} ${commandOf(pid)}`).join('; ')}`);
  },
};

let startedBefore = new Set<number>();

function leftovers(): number[] {
  return childrenOf(process.pid).filter((pid) => !startedBefore.has(pid) && !/postgres|esbuild/.test(commandOf(pid)));
}

/** Linux only; elsewhere nothing is seen. */
function childrenOf(parent: number): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => statOf(pid)?.parent === parent && statOf(pid)?.state !== 'Z');
  } catch {
    return [];
  }
}

function statOf(pid: number): { parent: number; state: string } | null {
  try {
    const [state = '', parent = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ') ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0/g, ' ').trim();
  } catch {
    return '';
  }
}
