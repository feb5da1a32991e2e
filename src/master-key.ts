import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceStore } from '#contracts/instance-store';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { decodeMasterKey } from './config/settings.ts';
import { writeDurably } from './data-directory.ts';

/** The instance's setting that tells whether a key is the one that all others were wrapped with. */
const CHECK = 'master-key-check';

export interface MasterKeyOptions {
  dataDirectory: string;
  /** Of CLOUDSTORE_MASTER_KEY; wins over the file. */
  configured: Buffer | null;
  instance: InstanceStore;
  random: Random;
  /** Makes a key on the first start; a command never does. */
  mayCreate: boolean;
}

/**
 * The 32 bytes that wrap every other key: from the setting, else `<data>/master.key` (0600), else made, once. The database
 * remembers a fingerprint, so that a missing or wrong key is told at the start and never papered over with a new one.
 * @throws unavailable: one sentence that says what to do
 */
export async function loadMasterKey(options: MasterKeyOptions): Promise<Buffer> {
  const { dataDirectory, configured, instance, random } = options;
  const path = masterKeyFile(dataDirectory);
  const known = await instance.setting<string>(CHECK);
  let key = configured ?? (await readKeyFile(path));
  let created = false;
  if (key === null) {
    if (known !== null || !options.mayCreate) {
      throw new CloudStoreError(
        'unavailable',
        `The master key is missing: ${path} does not exist and CLOUDSTORE_MASTER_KEY is not set. Without it the stored data cannot be read; put the file back from your backup.`,
      );
    }
    key = random(32);
    await writeDurably(path, `${key.toString('hex')}\n`);
    created = true;
  }
  const check = known ?? (await instance.settingOrInsert(CHECK, fingerprint(key)));
  if (!timingSafeEqual(Buffer.from(check), Buffer.from(fingerprint(key)))) {
    if (created) await rm(path, { force: true });
    const where = configured === null ? path : 'CLOUDSTORE_MASTER_KEY';
    throw new CloudStoreError(
      'unavailable',
      created
        ? 'Another gateway set up this database with its own master key; give this one the same by CLOUDSTORE_MASTER_KEY.'
        : `The master key in ${where} is not the one that the stored data was written with. Put the right one back.`,
    );
  }
  return key;
}

export function masterKeyFile(dataDirectory: string): string {
  return join(dataDirectory, 'master.key');
}

/** A key for one purpose (signing tokens, …), derived so that no two purposes share one. 32 bytes. */
export function deriveKey(masterKey: Buffer, purpose: string): Buffer {
  return createHmac('sha256', masterKey).update(`cloudstore ${purpose}`).digest();
}

function fingerprint(key: Buffer): string {
  return deriveKey(key, 'master key check').toString('hex').slice(0, 32);
}

async function readKeyFile(path: string): Promise<Buffer | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new CloudStoreError(
      'unavailable',
      `The master key ${path} cannot be read (${error.code}); it must belong to the user who starts CloudStore.`,
      { cause: error },
    );
  });
  if (text === null) return null;
  const key = decodeMasterKey(text);
  if (key === null)
    throw new CloudStoreError(
      'unavailable',
      `${path} is not a master key (64 hex digits); put the right file back from your backup.`,
    );
  return key;
}
