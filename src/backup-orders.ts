import { hostname } from 'node:os';
import type { RunKind } from '#contracts/runs';
import type { Config } from './config/load.ts';

/** What the thread of a backup is to do. */
export interface BackupOrders {
  config: Config;
  masterKey: Uint8Array;
  task:
    | { kind: 'backup'; to: string; verify: boolean; keep: number | null }
    | { kind: 'check'; from: string; name: string | null }
    | { kind: 'restore'; from: string; name: string; to: string }
    | { kind: 'open'; from: string; name: string };
}

export type FromBackupThread =
  | { kind: 'registered'; number: number }
  | { kind: 'progress'; done: number; total: number }
  /** A server of a database that grows runs, or has ended: who ends the thread meanwhile leaves it behind. */
  | { kind: 'database'; runs: boolean }
  | { kind: 'done'; faults: string[] }
  | { kind: 'failed'; message: string; taken: boolean };

/** null: its past is not kept. */
export const RUN_KIND = { backup: 'backup', check: 'backup-check', restore: 'restore', open: null } as const satisfies Record<
  BackupOrders['task']['kind'],
  RunKind | null
>;

/** What the history says of each run, however it ends. */
export function aboutOf(task: BackupOrders['task']): Record<string, unknown> {
  const host = hostname();
  if (task.kind === 'backup') return { directory: task.to, host, by: 'gateway' };
  if (task.kind === 'check') return { directory: task.from, host };
  if (task.kind === 'open') return { directory: task.from, host, name: task.name };
  return { directory: task.from, host, name: task.name, to: task.to };
}
