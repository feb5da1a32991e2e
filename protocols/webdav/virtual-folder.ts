import type { Exchange } from './exchange.ts';
import type { Place } from './paths.ts';

/**
 * A folder of the mount that is no bucket, such as `/dav/.principals`: served by whoever knows what is in it. Its name is one that no bucket
 * can have, so nothing of a user's is hidden by it.
 */
export interface VirtualFolder {
  name: string;
  /** Shown when the mount is listed. */
  listed: boolean;
  /** Answers every method but OPTIONS, or throws. `place.key` is the path below the folder. */
  serve(x: Exchange, place: Place): Promise<void>;
}
