import { readFileSync } from 'node:fs';

/** The gateway's processes that serve, by what Linux knows of them. */
export function workersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .map(Number)
    .filter((child) => child > 0 && commandOf(child).includes('worker.'));
}

/** Empty of one that ended between the two looks. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
