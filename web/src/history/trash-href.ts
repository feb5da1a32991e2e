import type { Place } from '../api/client.ts';
import { href } from '../router.ts';

/** Where the trash of a folder is shown. */
export function trashHref({ bucket, key }: Place): string {
  return href('trash', [bucket, ...key.split('/')]);
}
