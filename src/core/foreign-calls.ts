import { createRequire } from 'node:module';
import { isMainThread, workerData } from 'node:worker_threads';

type Koffi = typeof import('koffi');

/** Calls of C functions that this process has loaded anyway: those of its runtime and of the system's library. */
export interface ForeignCalls {
  koffi: Koffi;
  loaded: ReturnType<Koffi['load']>;
}

/** In the workerData of a thread that nobody ends while it loads the calling package: that would take the process along. */
export interface ForeignThread {
  foreignCalls: true;
}

export const mayCallForeign: ForeignThread = { foreignCalls: true };

/** null: no prebuild of the calling package for this platform; or a thread that is no ForeignThread. */
export function foreignCalls(): ForeignCalls | null {
  if (!isMainThread && (workerData as Partial<ForeignThread> | null)?.foreignCalls !== true) return null;
  try {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    return { koffi, loaded: koffi.load(null) };
  } catch {
    return null;
  }
}
