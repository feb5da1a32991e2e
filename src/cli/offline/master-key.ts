import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownMasterKey } from '#contracts/sealed-store';
import type { Shelf } from '#contracts/shelf';
import { CloudStoreError } from '#core/errors';
import { CONTAINER_HEADER_BYTES, headerKeyCheck, keyCheck } from '#metadata/dump/container';
import { decodeMasterKey } from '../../config/value-schemas.ts';
import { deriveMasterKey } from '../../key-derivation.ts';
import { masterKeyFile, nodeKeyFileOps } from '../../key-files.ts';
import type { MasterKeySource } from '../../master-key.ts';

/**
 * The master key of work without a database: from the settings, or what lies in the data directory, the key before the last change included. Files
 * say by their beginning which one they need; the newest that can be opened decides.
 * @param more directories where a key may lie
 * @throws unavailable when there is no key at all, or none that fits
 */
export async function offlineMasterKey(source: MasterKeySource, shelf: Shelf, more: readonly string[] = []): Promise<Buffer> {
  const keys = await candidates(source, [source.dataDirectory, ...more]);
  if (keys.length === 0) {
    throw new CloudStoreError(
      'unavailable',
      `The master key is missing: ${masterKeyFile(source.dataDirectory)} does not exist and CLOUDSTORE_MASTER_KEY is not set. Without it nothing can be read; put the file back from where you keep it.`,
    );
  }
  const checks = await wantedChecks(shelf);
  if (checks.length === 0) return keys[0]!;
  for (const check of checks) {
    const found = keys.find((key) => keyCheck(key).equals(check));
    if (found !== undefined) return found;
  }
  throw new CloudStoreError(
    'unavailable',
    'What is to be read was written under another master key. Put the right one back, or set CLOUDSTORE_MASTER_KEY to it.',
  );
}

async function candidates({ key, passphrase }: MasterKeySource, directories: readonly string[]): Promise<Buffer[]> {
  const files = nodeKeyFileOps();
  if (key !== null) return [key];
  const out: Buffer[] = [];
  for (const directory of directories) {
    if (passphrase !== null) {
      const text = await files.read(join(directory, 'master-key.json'));
      const { keys }: { keys: KnownMasterKey[] } = text === null ? { keys: [] } : JSON.parse(text);
      for (const { derivation } of keys) if (derivation !== null) out.push(await deriveMasterKey(passphrase, derivation));
      continue;
    }
    const names = (await readdir(directory).catch(() => [])).filter((name) => name.startsWith('master.key'));
    for (const name of names.sort()) {
      const text = await files.read(join(directory, name));
      const found = text === null ? null : decodeMasterKey(text);
      if (found !== null) out.push(found);
    }
  }
  return out;
}

/** Of the newest file first. */
async function wantedChecks(shelf: Shelf): Promise<Buffer[]> {
  const out: Buffer[] = [];
  for (const { name, bytes } of (await shelf.list()).toReversed()) {
    if (bytes < CONTAINER_HEADER_BYTES || !/\.(dump|backup)$/.test(name)) continue;
    for await (const piece of shelf.read(name)) {
      try {
        const check = headerKeyCheck(piece);
        if (!out.some((one) => one.equals(check))) out.push(check);
      } catch {
        // damaged: whoever reads it will say so
      }
      break;
    }
  }
  return out;
}
