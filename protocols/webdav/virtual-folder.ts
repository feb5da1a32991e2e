import type { Exchange, Located, Method } from './exchange.ts';
import type { Place } from './paths.ts';

/**
 * A folder of the mount that is no bucket, such as `/dav/.principals`: served by whoever knows what is in it. Its name is one that no bucket
 * can have, so nothing of a user's is hidden by it.
 */
export interface VirtualFolder {
  name: string;
  /** Whether it shows when the mount is listed. */
  listed(x: Exchange): boolean | Promise<boolean>;
  /** Answers every method but OPTIONS, or throws. `place.key` is the path below the folder; `method` is what the request would do in a bucket. */
  serve(x: Exchange, place: Place, method: Method): Promise<void>;
  /** The place of a bucket that a path below it stands for; null: none. Absent: it stands for none. */
  locate?(x: Exchange, place: Place): Promise<Located | null>;
}
