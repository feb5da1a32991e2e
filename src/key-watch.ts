import type { InstanceStore } from '#contracts/instance-store';
import type { Keyring, KeyStore } from '#contracts/keyring';
import type { Logger } from '#contracts/observability';
import type { SealedStore } from '#contracts/sealed-store';
import type { Signals } from '#contracts/signals';
import type { Random } from '#core/clock';
import { createKeyring } from '#engine/keyring';
import { masterKeyCheck } from '#engine/sealing';
import { deriveKey, findMasterKey, type MasterKeySource } from './master-key.ts';

export interface KeyWatchOptions {
  masterKey: Buffer;
  source: MasterKeySource;
  sealed: SealedStore;
  store: KeyStore;
  signals: Signals;
  instance: InstanceStore;
  random: Random;
  log: Logger;
}

/** The keys of a running gateway, which change under it. */
export interface KeyWatch {
  keyring: Keyring;
  /** Of now. */
  master(): Buffer;
  /** A key for one purpose, derived from the master key of now; the same buffer as long as that stays. */
  derived(purpose: string): Buffer;
  /** False while the database has another master key, and this process finds it nowhere. */
  fits(): boolean;
  /** A key that will be the one of now in a moment, perhaps: taken when the database says so, wherever it will be looked for later. Gives it up again by what it gives. */
  offer(key: Buffer): () => void;
  /** Looks now, in place of waiting for the signal. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** How often to look without having been told. */
const LOOK_MS = 30_000;

/**
 * Follows changes of the master key: told by a signal, the gateway looks where it had its key from (the file, the file of the setting) and goes on with the
 * new one. Where it finds none it says so and is not ready any more: what needs another key is refused, and the database refuses whatever it would seal under
 * the old one. It goes on by itself once the key is where it looks.
 */
export function watchKeys(options: KeyWatchOptions): KeyWatch {
  const { source, sealed, signals, random, log } = options;
  let masterKey = options.masterKey;
  let purposes = new Map<string, Buffer>();
  let complained = false;
  let offered: Buffer | null = null;
  let looking: Promise<Buffer | null> | null = null;

  const keyring = createKeyring({ masterKey, keys: options.store, random, findKey: () => look() });

  function look(): Promise<Buffer | null> {
    looking ??= find().finally(() => {
      looking = null;
    });
    return looking;
  }

  async function find(): Promise<Buffer | null> {
    const known = await sealed.masterKey();
    if (known === null || known.check === masterKeyCheck(masterKey)) {
      complained = false;
      return known && masterKey;
    }
    const given = offered !== null && masterKeyCheck(offered) === known.check ? offered : null;
    const found = given ?? (await findMasterKey(source, known));
    if (found === null) {
      if (!complained)
        log.error(
          {},
          'the master key was changed, and this gateway finds the new one nowhere: give it to it, and start it again',
        );
      complained = true;
      return null;
    }
    masterKey = found;
    purposes = new Map();
    keyring.adopt(found);
    complained = false;
    log.info({}, 'the master key was changed; this gateway goes on with the new one');
    return found;
  }

  const lookNow = (): void => void look().catch((err: unknown) => log.warn({ err }, 'the master key cannot be looked up'));
  const unsubscribe = signals.subscribe('keys', (payload) => {
    if (payload === null || payload === 'master') lookNow();
    // What a lost signal would cost: what is written meanwhile has an older key, and is written anew later.
    if (payload !== 'master') void learn(payload === null ? undefined : Number(payload));
  });
  async function learn(domain?: number): Promise<void> {
    await keyring.refresh(domain).catch((err: unknown) => log.warn({ err }, 'new keys cannot be read'));
  }

  // Whoever retires a key waits until every gateway has heard of a turn: by then it knows the newer one.
  options.instance.onTurn(() => keyring.refresh());
  const timer = setInterval(lookNow, LOOK_MS);
  timer.unref();

  return {
    keyring,
    master: () => masterKey,
    derived(purpose) {
      let key = purposes.get(purpose);
      if (key === undefined) purposes.set(purpose, (key = deriveKey(masterKey, purpose)));
      return key;
    },
    fits: () => !complained,
    offer(key) {
      offered = key;
      return () => {
        if (offered === key) offered = null;
      };
    },
    look: async () => void (await look()),
    async close() {
      unsubscribe();
      clearInterval(timer);
      await looking?.catch(() => undefined);
    },
  };
}
