import type { AlertStore } from '#contracts/alerts';
import type { Jobs } from '#contracts/jobs';
import type { Logger } from '#contracts/observability';
import { networkOf } from '#core/network';
import type { Principal } from '#core/principal';
import type { ListenersOptions } from '#http/server';

const LOGINS = new Set(['Login', 'LoginByPasskey', 'LoginByOidc', 'BeginSetup', 'RedeemClaim']);

export interface LoginWatch {
  /** Of every request that has ended: log-ins by REST begin a session. */
  ended: NonNullable<ListenersOptions['ended']>;
  /** Of whoever came to any door with a password or a key (Authenticator.onArrival). */
  arrived(principal: Principal, remoteAddress: string): void;
}

/** Tells of a log-in, by whatever door, from a network that the user never logged in from. The first one of all is no news. */
export function watchLogins({ alerts, jobs, log }: { alerts: AlertStore; jobs: Pick<Jobs, 'start'>; log: Logger }): LoginWatch {
  async function look({ id, name }: Principal, address: string): Promise<void> {
    if (!(await alerts.newPlace(id, networkOf(address)))) return;
    const text = `${name} has logged in from ${address}, where it never did before. If that was somebody else, end its sessions and set a new password.`;
    await alerts.raise({ kind: 'login-from-new-place', subject: name, text, over: true });
    await jobs.start('alerts');
  }
  function arrived(principal: Principal, remoteAddress: string): void {
    look(principal, remoteAddress).catch((err: unknown) => log.warn({ err }, 'a log-in could not be looked at'));
  }
  return {
    arrived,
    ended(exchange, _protocol, status) {
      // Its address is only worked out where somebody reads it.
      if (status < 400 && LOGINS.has(exchange.op) && exchange.principal !== undefined)
        arrived(exchange.principal, exchange.remoteAddress);
    },
  };
}
