import { createMemoryCache } from '#cache/memory';
import { createRemoteCache } from '#cache/remote';
import type { Cache } from '#contracts/cache';
import type { Logger } from '#contracts/observability';
import type { Clock } from '#core/clock';
import type { Config } from './config/load.ts';
import type { ProcessRole } from './process-role.ts';

interface CacheOptions {
  config: Config;
  clock: Clock;
  log: Logger;
  role: ProcessRole;
}

/** Redis where one is set; else this process's memory, which a worker shares with the first process. */
export async function openCache({ config, clock, log, role }: CacheOptions): Promise<Cache> {
  const url = config.values['redis-url'];
  if (url === null && role.kind === 'worker')
    return createRemoteCache({ ask: (call, ms) => role.primary.ask('cache', call, ms), clock });
  if (url === null) return createMemoryCache({ clock });
  const { createRedisCache } = await import('#cache/redis'); // ioredis is only loaded where it is used
  return createRedisCache({ url, clock, log });
}
