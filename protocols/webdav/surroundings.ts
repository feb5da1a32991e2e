import { createAskedMemory } from './asked.ts';
import type { Surroundings, WebdavDeps } from './exchange.ts';
import { createListingCache } from './listing-cache.ts';
import { PRINCIPALS_NAME, principalsFolder } from './principals.ts';

export const MOUNT_BASE = '/dav';

/** Some hundred folders, and two of 10,000 files, as file managers ask for them. */
const LISTINGS_BYTES_MAX = { small: 8 << 20, smallEach: 256 << 10, large: 16 << 20 };

/** What methods work with, made once a door. */
export function surroundingsOf({ base = MOUNT_BASE, publicUrl, virtual = [], ...rest }: WebdavDeps): Surroundings {
  return {
    ...rest,
    publicHosts: publicUrl ? [new URL(publicUrl).host] : [],
    virtual: [principalsFolder, ...virtual],
    principalsBase: `${base}/${PRINCIPALS_NAME}`,
    listings: createListingCache(LISTINGS_BYTES_MAX),
    asked: createAskedMemory(),
  };
}
