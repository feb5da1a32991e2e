import { hostname } from 'node:os';
import { isCloudStoreError } from '#core/errors';
import type { Database } from './database.ts';
import type { GatewayOptions } from './gateway.ts';

const HEARTBEAT_MS = 5_000;

/**
 * Registers this process among the gateways of the database and keeps saying that it lives, so that garbage collection can wait for
 * its uploads. One that was silent for too long was fenced: its commits fail, and it begins anew under another number.
 */
export async function register(
  { instance, signals }: Database['metadata'],
  { version, log, role }: GatewayOptions,
): Promise<{ end(): Promise<void> }> {
  const self = { host: hostname(), pid: process.pid, version };
  const begin = async (): Promise<number> => {
    const number = await instance.register(self);
    if (role.kind === 'worker') await role.primary.ask('registered', number); // which signs it off when this process dies
    return number;
  };
  let number = await begin();
  let beginning: Promise<void> | null = null;
  const beginAnew = async (): Promise<void> => {
    log.error({ gateway: number }, 'this gateway was silent for too long and was fenced; it begins anew');
    number = await begin();
  };
  const beat = async (): Promise<void> => {
    const mine = number;
    try {
      await instance.heartbeat(mine);
    } catch (err) {
      if (!isCloudStoreError(err, 'conflict')) return log.warn({ err }, 'the heartbeat does not reach the database');
      if (mine !== number) return;
      // Once for all that were told while it was stopped: each number that nobody goes on with is waited for.
      beginning ??= beginAnew().finally(() => (beginning = null));
      await beginning;
    }
  };
  const beatNow = (): void => void beat().catch((err: unknown) => log.error({ err }, 'this gateway cannot register'));
  const timer = setInterval(beatNow, HEARTBEAT_MS);
  const unsubscribe = signals.subscribe('leases', beatNow);
  return {
    async end() {
      clearInterval(timer);
      unsubscribe();
      await instance.unregister(number).catch((err: unknown) => log.warn({ err }, 'this gateway could not sign off'));
    },
  };
}
