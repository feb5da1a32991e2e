import type { Logger } from '#contracts/observability';
import type { Clock, Random } from '#core/clock';
import type { LanTrust } from '#http/lan';
import { fingerprintOf } from '#http/lan';
import { type LanCertificate, lanCertificate } from './local-ca.ts';

export interface LanOptions {
  dataDirectory: string;
  /** The one process that has the data directory. */
  mayMake: boolean;
  plainForAll: boolean;
  clock: Clock;
  random: Random;
  log: Logger;
}

/** The gateway's certificate on a local network, which keeps itself fresh. */
export interface Lan {
  trust: LanTrust;
  fingerprint: string;
  tls: { cert: Buffer; key: Buffer };
  /** Looks from time to time whether the machine has other addresses now, or the certificate ends soon. */
  keepFresh(renewed: (tls: { cert: Buffer; key: Buffer }) => void): void;
  close(): void;
}

const LOOK_MS = 60_000;

/** @throws unavailable, with a sentence, when what is in the data directory cannot be read */
export async function openLan(options: LanOptions): Promise<Lan> {
  const { dataDirectory, plainForAll, log } = options;
  let current: LanCertificate = await lanCertificate(dataDirectory, options);
  let timer: NodeJS.Timeout | null = null;
  return {
    trust: { authority: current.authority, plainForAll },
    fingerprint: fingerprintOf(current.authority),
    tls: { cert: current.cert, key: current.key },
    keepFresh(renewed) {
      timer = setInterval(() => {
        lanCertificate(dataDirectory, options)
          .then((next) => {
            if (next.cert.equals(current.cert)) return;
            current = next;
            renewed({ cert: next.cert, key: next.key });
            log.info({}, 'the certificate for the local network was renewed');
          })
          .catch((err: unknown) => log.error({ err }, 'the certificate for the local network could not be renewed'));
      }, LOOK_MS);
      timer.unref();
    },
    close() {
      if (timer !== null) clearInterval(timer);
    },
  };
}
