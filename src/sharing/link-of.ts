import type { LinkRecord } from '#contracts/link-store';
import type { Link } from '#core/link';

/** Without what only the store and the visits need. */
export function linkOf({ passwordHash: _, sealedToken: __, tokenHash: ___, ...link }: LinkRecord): Link {
  return link;
}
