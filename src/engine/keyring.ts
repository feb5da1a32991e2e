import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { DomainKeys, Keyring, KeyStore } from '#contracts/keyring';
import type { Random } from '#core/clock';
import type { DomainId } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { ID_KEYED_BLAKE3 } from './hashes.ts';
import { createExpand } from './key-derivation.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEALED_VERSION = 1;
const KEYS_VERSION = 1;
const KEYS_CONTEXT = 'cloudstore domain keys';
const GEAR_INFO = 'cloudstore gear table v1';

/**
 * Unwraps what the database holds with the master key, 32 bytes. Layouts in docs/FORMAT.md.
 * @throws invalid_argument for a master key of another length
 */
export function createKeyring({ masterKey, keys, random }: { masterKey: Buffer; keys: KeyStore; random: Random }): Keyring {
  if (masterKey.length !== KEY_BYTES) {
    throw new CloudStoreError('invalid_argument', `The master key has ${masterKey.length} bytes; it must have ${KEY_BYTES}.`);
  }
  const sealingKey = createExpand(masterKey)(Buffer.from('cloudstore sealing key v1'));
  const loaded = new Map<DomainId, DomainKeys>();
  const loading = new Map<DomainId, Promise<DomainKeys>>();

  /** u8 version, 12 bytes nonce, ciphertext, 16 bytes tag. */
  function seal(plaintext: Uint8Array, context: string): Buffer {
    const nonce = random(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce);
    cipher.setAAD(additional(context));
    const sealed = cipher.update(plaintext);
    cipher.final();
    return Buffer.concat([Buffer.of(SEALED_VERSION), nonce, sealed, cipher.getAuthTag()]);
  }

  function open(bytes: Uint8Array, context: string): Buffer {
    const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const end = sealed.length - TAG_BYTES;
    if (end < 1 + NONCE_BYTES || sealed[0] !== SEALED_VERSION) {
      throw new CloudStoreError('corrupt', 'A sealed secret has no known layout.');
    }
    const decipher = createDecipheriv('aes-256-gcm', sealingKey, sealed.subarray(1, 1 + NONCE_BYTES));
    decipher.setAAD(additional(context));
    decipher.setAuthTag(sealed.subarray(end));
    const plaintext = decipher.update(sealed.subarray(1 + NONCE_BYTES, end));
    try {
      decipher.final();
    } catch (cause) {
      throw new CloudStoreError('corrupt', 'The master key does not fit a sealed secret, or the secret is damaged.', { cause });
    }
    return plaintext;
  }

  async function fetch(id: DomainId): Promise<DomainKeys> {
    const wrapped = await keys.find(id);
    if (wrapped === null) throw new CloudStoreError('corrupt', `The keys of domain ${id} are missing from the database.`);
    const domain = decodeDomainKeys(id, unwrap(wrapped, id));
    loaded.set(id, domain);
    return domain;
  }

  function unwrap(wrapped: Buffer, id: DomainId): Buffer {
    try {
      return open(wrapped, KEYS_CONTEXT);
    } catch (cause) {
      if (!isCloudStoreError(cause, 'corrupt')) throw cause;
      throw new CloudStoreError(
        'corrupt',
        `The master key does not fit this database: the keys of domain ${id} cannot be opened with it. Use the key that the database was made with.`,
        { cause },
      );
    }
  }

  return {
    create: () =>
      keys.insert(seal(encodeDomainKeys(random(KEY_BYTES), random(KEY_BYTES), [[1, random(KEY_BYTES)]]), KEYS_CONTEXT)),
    domain(id) {
      const domain = loaded.get(id);
      if (domain === undefined) throw new CloudStoreError('internal', `The keys of domain ${id} are not loaded.`);
      return domain;
    },
    load(id) {
      const domain = loaded.get(id);
      if (domain !== undefined) return Promise.resolve(domain);
      let running = loading.get(id);
      if (running === undefined) {
        running = fetch(id).finally(() => loading.delete(id));
        loading.set(id, running);
      }
      return running;
    },
    seal,
    open,
  };
}

/** u8 version, u8 algorithm of chunk ids, chunk id key (32), gear seed (32), u16 count, then each epoch: u32 number, key (32). The last is current. */
function encodeDomainKeys(chunkIdKey: Buffer, gearSeed: Buffer, epochs: [number, Buffer][]): Buffer {
  const count = Buffer.alloc(2);
  count.writeUInt16BE(epochs.length);
  const parts = [Buffer.of(KEYS_VERSION, ID_KEYED_BLAKE3), chunkIdKey, gearSeed, count];
  for (const [number, key] of epochs) {
    const epoch = Buffer.alloc(4);
    epoch.writeUInt32BE(number);
    parts.push(epoch, key);
  }
  return Buffer.concat(parts);
}

function decodeDomainKeys(id: DomainId, bytes: Buffer): DomainKeys {
  const count = bytes.length < 68 ? 0 : bytes.readUInt16BE(66);
  if (bytes[0] !== KEYS_VERSION || bytes[1] !== ID_KEYED_BLAKE3 || count === 0 || bytes.length !== 68 + count * 36) {
    throw new CloudStoreError('corrupt', `The keys of domain ${id} have no layout that this version of CloudStore knows.`);
  }
  const epochs = new Map<number, Buffer>();
  let currentEpoch = 0;
  for (let at = 68; at < bytes.length; at += 36) {
    currentEpoch = bytes.readUInt32BE(at);
    epochs.set(currentEpoch, Buffer.from(bytes.subarray(at + 4, at + 36)));
  }
  return {
    id,
    chunkIdKey: Buffer.from(bytes.subarray(2, 34)),
    gearTable: gearTable(bytes.subarray(34, 66)),
    currentEpoch,
    encryptionKey(epoch) {
      const key = epochs.get(epoch);
      if (key === undefined) throw new CloudStoreError('corrupt', `Domain ${id} has no key of epoch ${epoch}.`);
      return key;
    },
  };
}

/** 256 words, big-endian, of HKDF-SHA256(seed, no salt, "cloudstore gear table v1", 1,024 bytes). */
function gearTable(seed: Buffer): Uint32Array {
  const bytes = Buffer.from(hkdfSync('sha256', seed, Buffer.alloc(0), GEAR_INFO, 1024));
  return Uint32Array.from({ length: 256 }, (_, index) => bytes.readUInt32BE(index * 4));
}

function additional(context: string): Buffer {
  return Buffer.from(`cloudstore/sealed/1\0${context}`);
}
