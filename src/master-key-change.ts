import { resolve } from 'node:path';
import type { KnownMasterKey, SealedStore } from '#contracts/sealed-store';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createSealing, masterKeyCheck } from '#engine/sealing';
import { assertPassphrase } from './config/value-schemas.ts';
import { deriveMasterKey, newDerivation } from './key-derivation.ts';
import { createKeyFile, isMasterKeyFile, type KeyFileOps, masterKeyFile } from './key-files.ts';
import { type MasterKeySource, noteDerivation } from './master-key.ts';

/** What the new key is to be: `file` a random one in this file; `passphrase` what comes of these words. */
export type NewMasterKey = { kind: 'file'; path: string } | { kind: 'passphrase'; words: string };

export interface ChangeOptions {
  source: MasterKeySource;
  /** Of now. */
  masterKey: Buffer;
  sealed: SealedStore;
  random: Random;
  files: KeyFileOps;
  /** Told the new key before the database learns of it: whoever serves meanwhile is to go on with it. */
  made?: (key: Buffer) => void;
}

export interface ChangedMasterKey {
  /** Keys of domains and secrets that are sealed under it now. */
  resealed: number;
  check: string;
  /** Where it lies; null for a passphrase. */
  path: string | null;
  /** What the owner must change before the next start; null when nothing. */
  todo: string | null;
}

/**
 * Changes the master key at once: everything sealed is sealed anew in one transaction. The new key is durable before that, and the old one stays until after
 * it, so whenever it is interrupted, the next start finds the one that the database says.
 * @throws conflict when somebody else changed it meanwhile; invalid_argument for a weak passphrase; whatever it throws, nothing is changed
 */
export async function changeMasterKey(options: ChangeOptions, to: NewMasterKey): Promise<ChangedMasterKey> {
  const { source, masterKey, sealed, random, files } = options;
  const before = await sealed.masterKey();
  const old = createSealing(masterKey, random);
  if (before === null || before.check !== old.check) {
    throw new CloudStoreError(
      'conflict',
      'The master key was changed by somebody else meanwhile; start again with the key of now.',
    );
  }
  const { key, known } = await makeKey(to, random);
  options.made?.(key);
  const next = createSealing(key, random);
  const file = to.kind === 'file' ? createKeyFile(resolve(to.path), files) : null;
  const resealed = await sealed.replaceMasterKey(
    old.check,
    known,
    (bytes, context) => next.seal(old.open(bytes, context), context),
    async () => {
      // Both ways lead to a key until it is decided which counts.
      await noteDerivation(source, [before, known], files);
      await file?.prepare(key, old.check);
    },
  );
  await file?.promote(known.check);
  await noteDerivation(source, [known], files);
  const kept = await retireOwn(options, file?.path ?? null);
  const todo = [todoOf(source, to), kept].filter((sentence) => sentence !== null).join(' ');
  return { resealed, check: known.check, path: file?.path ?? null, todo: todo === '' ? null : todo };
}

/** The old key in the data directory keeps no name that says it is the one of now. A sentence about where it lies; null: it lay elsewhere, or the new one is in its place. */
async function retireOwn({ source, masterKey, files }: ChangeOptions, path: string | null): Promise<string | null> {
  const own = masterKeyFile(source.dataDirectory);
  if (source.key !== null || source.passphrase !== null || (path !== null && resolve(path) === resolve(own))) return null;
  const kept = await createKeyFile(own, files)
    .retire(masterKeyCheck(masterKey))
    .catch(() => null); // the key is changed all the same
  return `The old key lies in ${kept ?? own}; only backups that were made before need it, and whoever has it can read them: keep it elsewhere, or remove it with the last of them.`;
}

/** Without a wish: a new key where the one of now lies. @throws invalid_argument when that is not for us to write */
export function sameKindOfKey(source: MasterKeySource): NewMasterKey {
  if (source.key === null && source.passphrase === null) return { kind: 'file', path: masterKeyFile(source.dataDirectory) };
  if (source.key !== null && source.keyPath !== null) return { kind: 'file', path: source.keyPath };
  throw new CloudStoreError(
    'invalid_argument',
    source.key === null
      ? 'The master key comes from a passphrase: give the new one with --new-passphrase-stdin, or a file for a key with --new-key-file.'
      : 'The master key comes from CLOUDSTORE_MASTER_KEY: name a file for the new one with --new-key-file, or give a passphrase with --new-passphrase-stdin.',
  );
}

async function makeKey(to: NewMasterKey, random: Random): Promise<{ key: Buffer; known: KnownMasterKey }> {
  if (to.kind === 'file') {
    const key = random(32);
    return { key, known: { check: createSealing(key, random).check, derivation: null } };
  }
  assertPassphrase(to.words);
  const derivation = newDerivation(random);
  const key = await deriveMasterKey(to.words, derivation);
  return { key, known: { check: createSealing(key, random).check, derivation } };
}

function todoOf(source: MasterKeySource, to: NewMasterKey): string | null {
  if (to.kind === 'passphrase') {
    return source.passphrase === null
      ? 'Set CLOUDSTORE_MASTER_PASSPHRASE_FILE (or CLOUDSTORE_MASTER_PASSPHRASE) before the next start, and remove CLOUDSTORE_MASTER_KEY if it is set.'
      : 'Put the new passphrase where the old one is, and start gateways again that do not read it from a file.';
  }
  if (isMasterKeyFile(to.path, source.dataDirectory)) {
    return source.key === null && source.passphrase === null
      ? null
      : 'Remove CLOUDSTORE_MASTER_KEY or CLOUDSTORE_MASTER_PASSPHRASE before the next start: the key lies in the data directory now.';
  }
  return source.keyPath !== null && resolve(source.keyPath) === resolve(to.path)
    ? null
    : `Set CLOUDSTORE_MASTER_KEY_FILE=${resolve(to.path)} before the next start.`;
}
