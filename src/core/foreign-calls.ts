import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';

type Koffi = typeof import('koffi');

/** Calls of C functions that this process has loaded anyway: those of its runtime and of the system's library. */
export interface ForeignCalls {
  koffi: Koffi;
  loaded: ReturnType<Koffi['load']>;
}

/**
 * null: no prebuild of the calling package for this platform; or another thread than the main one, as one that is ended while the package is at work takes
 * the process along.
 */
export function foreignCalls(): ForeignCalls | null {
  if (!isMainThread) return null;
  try {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    return { koffi, loaded: koffi.load(null) };
  } catch {
    return null;
  }
}
