import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { KnownMasterKey, SealedStore } from '#contracts/sealed-store';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { masterKeyCheck } from '#engine/sealing';
import type { Config } from './config/load.ts';
import { deriveMasterKey, newDerivation } from './key-derivation.ts';
import { createKeyFile, type KeyFileOps, masterKeyFile, nodeKeyFileOps } from './key-files.ts';

/** Where this process has its master key from: a setting wins over the file in the data directory. */
export interface MasterKeySource {
  dataDirectory: string;
  key: Buffer | null;
  passphrase: string | null;
  /** The files that the two were read from (CLOUDSTORE_MASTER_KEY_FILE, …_PASSPHRASE_FILE): looked at again when the key has changed. */
  keyPath: string | null;
  passphrasePath: string | null;
}

export interface MasterKeyOptions {
  source: MasterKeySource;
  sealed: SealedStore;
  random: Random;
  /** Makes a key on the first start; a command never does. */
  mayCreate: boolean;
  files?: KeyFileOps;
}

export function masterKeySource({ values, files }: Config): MasterKeySource {
  return {
    dataDirectory: values['data-dir'],
    key: values['master-key'],
    passphrase: values['master-passphrase'],
    keyPath: files['master-key'] ?? null,
    passphrasePath: files['master-passphrase'] ?? null,
  };
}

/**
 * The 32 bytes that wrap every other key: from the setting or its passphrase, else `<data>/master.key` (0600), else made, once. The database
 * remembers a check, so that a missing or wrong key is told at the start and never papered over with a new one.
 * @throws unavailable: one sentence that says what to do
 */
export async function loadMasterKey(options: MasterKeyOptions): Promise<Buffer> {
  const { source, sealed, files = nodeKeyFileOps() } = options;
  const known = await sealed.masterKey();
  if (known === null) return firstKey(options, files);
  const key = await findMasterKey(source, known, files);
  if (key === null) throw await refusal(source, known, files);
  await noteDerivation(source, [known], files);
  return key;
}

/** The key that the database was written with, from where the settings say; null when what is there is another. Files are read anew. @throws unavailable */
export async function findMasterKey(
  source: MasterKeySource,
  known: KnownMasterKey,
  files: KeyFileOps = nodeKeyFileOps(),
): Promise<Buffer | null> {
  const fits = (key: Buffer | null): key is Buffer => key !== null && masterKeyCheck(key) === known.check;
  if (source.key !== null) {
    if (fits(source.key)) return source.key;
    return source.keyPath === null ? null : createKeyFile(source.keyPath, files).find(known.check);
  }
  if (source.passphrase !== null) {
    if (known.derivation === null) return null;
    const key = await deriveMasterKey(source.passphrase, known.derivation);
    if (fits(key)) return key;
    const words = source.passphrasePath === null ? null : await files.read(source.passphrasePath);
    if (words === null) return null;
    const now = await deriveMasterKey(words.replace(/\r?\n$/, ''), known.derivation);
    return fits(now) ? now : null;
  }
  return createKeyFile(masterKeyFile(source.dataDirectory), files).find(known.check);
}

/** A key for one purpose (signing tokens, …), derived so that no two purposes share one. 32 bytes. */
export function deriveKey(masterKey: Buffer, purpose: string): Buffer {
  return createHmac('sha256', masterKey).update(`cloudstore ${purpose}`).digest();
}

/** Beside the data, for whoever has nothing but the data directory and the words: how the one becomes the other. Nothing in it is secret. */
export async function noteDerivation(
  { dataDirectory }: MasterKeySource,
  keys: readonly KnownMasterKey[],
  files: KeyFileOps,
): Promise<void> {
  const path = join(dataDirectory, 'master-key.json');
  const derived = keys.filter(({ derivation }) => derivation !== null);
  const text = `${JSON.stringify({ keys: derived }, null, 2)}\n`;
  const there = await files.read(path);
  if (there === text || (there === null && derived.length === 0)) return;
  await files.write(path, text);
}

async function firstKey({ source, sealed, random, mayCreate }: MasterKeyOptions, files: KeyFileOps): Promise<Buffer> {
  const path = masterKeyFile(source.dataDirectory);
  const file = createKeyFile(path, files);
  const given = source.key ?? (source.passphrase === null ? await file.read() : null);
  if (given === null && !mayCreate) throw missing(path);
  const derivation = source.key === null && source.passphrase !== null ? newDerivation(random) : null;
  const derived = derivation === null || source.passphrase === null ? null : await deriveMasterKey(source.passphrase, derivation);
  const key = given ?? derived ?? random(32);
  const created = given === null && derived === null;
  if (created) await files.write(path, `${key.toString('hex')}\n`);
  const mine = { check: masterKeyCheck(key), derivation };
  const known = await sealed.masterKeyOrInsert(mine);
  if (known.check === mine.check) {
    await noteDerivation(source, [known], files);
    return key;
  }
  if (created) await files.remove(path);
  else {
    const found = await findMasterKey(source, known, files); // the same words, with the other's salt
    if (found !== null) return found;
  }
  throw created
    ? new CloudStoreError(
        'unavailable',
        'Another gateway set up this database with its own master key; give this one the same by CLOUDSTORE_MASTER_KEY or CLOUDSTORE_MASTER_PASSPHRASE.',
      )
    : await refusal(source, known, files);
}

/** Why no key fits, and what to do. */
async function refusal(source: MasterKeySource, known: KnownMasterKey, files: KeyFileOps): Promise<CloudStoreError> {
  const path = masterKeyFile(source.dataDirectory);
  if (source.key !== null) return wrong(source.keyPath ?? 'CLOUDSTORE_MASTER_KEY');
  if (source.passphrase !== null) {
    return new CloudStoreError(
      'unavailable',
      known.derivation === null
        ? `The stored data was not written with a passphrase, but with a key; put it back (${path} or CLOUDSTORE_MASTER_KEY), and change to a passphrase by "cloudstore master-key rotate".`
        : `The passphrase in ${source.passphrasePath ?? 'CLOUDSTORE_MASTER_PASSPHRASE'} is not the one that the stored data was written with; nothing was changed.`,
    );
  }
  if (known.derivation !== null) {
    return new CloudStoreError(
      'unavailable',
      'The master key of the stored data comes from a passphrase; set CLOUDSTORE_MASTER_PASSPHRASE or CLOUDSTORE_MASTER_PASSPHRASE_FILE.',
    );
  }
  return (await createKeyFile(path, files).read()) === null ? missing(path) : wrong(path);
}

function wrong(where: string): CloudStoreError {
  return new CloudStoreError(
    'unavailable',
    `The master key in ${where} is not the one that the stored data was written with (or it was changed since). Put the right one back.`,
  );
}

function missing(path: string): CloudStoreError {
  return new CloudStoreError(
    'unavailable',
    `The master key is missing: ${path} does not exist and CLOUDSTORE_MASTER_KEY is not set. Without it the stored data cannot be read; put the file back from your backup.`,
  );
}
