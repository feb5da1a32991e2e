import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { userFreshly } from '#auth/confirmation';
import { codeOf } from '#blob/disk-error';
import type { Jobs } from '#contracts/jobs';
import type { DataKeyFacts, KeyDesk, MasterKeyWish } from '#contracts/key-desk';
import type { Logger } from '#contracts/observability';
import type { PrincipalRecord } from '#contracts/principal-store';
import type { KnownMasterKey } from '#contracts/sealed-store';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Metadata } from '#metadata/open';
import { assertApart } from './backup-place.ts';
import { getUser } from './cli/users.ts';
import type { Config } from './config/load.ts';
import { type KeyFileOps, masterKeyFile, nodeKeyFileOps } from './key-files.ts';
import type { KeyWatch } from './key-watch.ts';
import { findMasterKey, type MasterKeySource } from './master-key.ts';
import { changeMasterKey, type NewMasterKey } from './master-key-change.ts';
import type { ProcessRole } from './process-role.ts';

export interface KeyDeskOptions {
  config: Config;
  source: MasterKeySource;
  keys: Pick<KeyWatch, 'keyring' | 'master' | 'offer' | 'look'>;
  metadata: Pick<Metadata, 'sealed' | 'principals'>;
  jobs: Pick<Jobs, 'start'>;
  role: ProcessRole;
  clock: Clock;
  random: Random;
  log: Pick<Logger, 'warn'>;
  files?: KeyFileOps;
}

/** Users whose keys are told one by one. */
const USERS_SHOWN_MAX = 500;

/** The contract is KeyDesk: the commands' code, in the gateway that goes on with what comes of it. */
export function createKeyDesk(options: KeyDeskOptions): KeyDesk {
  const { config, source, keys, metadata, jobs, role, clock, random, log, files = nodeKeyFileOps() } = options;
  const { keyring } = keys;
  const own = ownFile(source);

  async function place(wish: MasterKeyWish): Promise<NewMasterKey> {
    if (wish.kind === 'same') {
      if (own === null)
        throw new CloudStoreError(
          'conflict',
          'The master key of now was not read from a file that holds a key: name a file for the new one, or give a passphrase.',
        );
      return { kind: 'file', path: own };
    }
    if (role.kind !== 'alone')
      throw new CloudStoreError(
        'conflict',
        'This gateway runs as several processes, which would not all learn of a key that lies elsewhere. Stop it, and use "cloudstore master-key rotate".',
      );
    return wish.kind === 'file' ? { kind: 'file', path: await keyPlace(wish.path, config) } : wish;
  }

  /** Told once, it stays so until the key changes: of a passphrase, to look takes as long as a password does. */
  let found = '';
  async function isFound(known: KnownMasterKey): Promise<boolean> {
    if (found !== known.check && (await findMasterKey(source, known, files).catch(() => null)) !== null) found = known.check;
    return found === known.check;
  }

  return {
    async report() {
      const known = await metadata.sealed.masterKey();
      const all = (await metadata.principals.list()).sort((a, b) => (a.name < b.name ? -1 : 1));
      const from = source.key === null && source.passphrase === null ? 'file' : source.key === null ? 'passphrase' : 'setting';
      return {
        master: {
          from: own === null ? from : 'file',
          path: own ?? source.passphrasePath,
          check: known?.check ?? keyring.check,
          derivation: known?.derivation?.algorithm ?? null,
          inPlace: own !== null,
          atNextStart: known === null || (await isFound(known)),
          elsewhere: role.kind === 'alone',
        },
        users: await Promise.all(all.slice(0, USERS_SHOWN_MAX).map((user) => factsOf(user))),
        userCount: all.length,
      };
    },
    async changeMasterKey(who, wish) {
      userFreshly(who, clock);
      const to = await place(wish);
      let giveUp = (): void => undefined;
      const made = (key: Buffer): void => void (giveUp = keys.offer(key));
      try {
        const change = { source, masterKey: keys.master(), sealed: metadata.sealed, random, files, made };
        const changed = await changeMasterKey(change, to);
        await keys.look();
        log.warn({ user: who.principal?.name, check: changed.check }, 'the master key was changed by an admin');
        // What lies in snapshots is sealed under the old key; the next one begins anew, and soon, or else on its schedule.
        await jobs.start('snapshot').catch(() => undefined);
        return changed;
      } finally {
        giveUp();
      }
    },
    async renewDataKeys(who, name) {
      userFreshly(who, clock);
      const users = name === null ? await metadata.principals.list() : [await getUser({ metadata }, name)];
      for (const domain of new Set(users.map((user) => user.domain))) await keyring.renew(domain);
      await jobs.start('rekey', {});
    },
  };

  async function factsOf({ name, domain }: PrincipalRecord): Promise<DataKeyFacts> {
    await keyring.refresh(domain);
    const { currentEpoch, epochs } = await keyring.load(domain);
    return { user: name, epoch: currentEpoch, older: epochs.length - 1 };
  }
}

/** Where a new key can take the place of the one of now; null: it did not come from a file that holds it. */
function ownFile({ key, passphrase, keyPath, dataDirectory }: MasterKeySource): string | null {
  if (key !== null) return keyPath;
  return passphrase === null ? masterKeyFile(dataDirectory) : null;
}

/** A file for a key that somebody names over the network: it is not there yet, and lies in a directory that is, outside of all that the gateway keeps. @throws invalid_argument */
async function keyPlace(given: string, { values }: Config): Promise<string> {
  if (!isAbsolute(given) || /[\u0000-\u001f]/.test(given) || given.endsWith('/'))
    throw new CloudStoreError('invalid_argument', 'Name a file by its whole path, such as /etc/cloudstore/master.key.');
  const wanted = resolve(given);
  // A key that lies there is kept beside it, as at every change.
  if (wanted === resolve(masterKeyFile(values['data-dir']))) return wanted;
  const directory = await realpath(dirname(wanted)).catch((cause: unknown) => {
    throw new CloudStoreError('invalid_argument', `${dirname(wanted)} cannot be used (${codeOf(cause)}).`, { cause });
  });
  const path = join(directory, basename(wanted));
  if (!(await absent(path))) throw new CloudStoreError('invalid_argument', `${given} is there already; name a file that is not.`);
  await assertApart(given, path, values);
  return path;
}

async function absent(path: string): Promise<boolean> {
  try {
    await stat(path);
    return false;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true;
    throw new CloudStoreError('invalid_argument', `${path} cannot be used (${codeOf(error)}).`, { cause: error });
  }
}
