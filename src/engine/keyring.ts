import { hkdfSync } from 'node:crypto';
import type { DomainKeys, Keyring, KeyStore } from '#contracts/keyring';
import type { Random } from '#core/clock';
import type { DomainId } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { ID_KEYED_BLAKE3 } from './hashes.ts';
import { createSealing, type Sealing, sealedUnder } from './sealing.ts';

const KEY_BYTES = 32;
const KEYS_VERSION = 1;
const DOMAIN_KEYS_CONTEXT = 'cloudstore domain keys';
const GEAR_INFO = 'cloudstore gear table v1';

export interface KeyringOptions {
  masterKey: Buffer;
  keys: KeyStore;
  random: Random;
  /** Looks for the master key of now, when something was sealed under one that this process has not. null: not found. */
  findKey?: () => Promise<Buffer | null>;
}

/**
 * Unwraps what the database holds with the master key, 32 bytes. Layouts in docs/FORMAT.md.
 * @throws invalid_argument for a master key of another length
 */
export function createKeyring({ masterKey, keys, random, findKey }: KeyringOptions): Keyring {
  /** The one in use, then those before it. */
  let sealings = [createSealing(masterKey, random)];
  const loaded = new Map<DomainId, LiveKeys>();
  const loading = new Map<DomainId, Promise<DomainKeys>>();

  function adopt(key: Buffer): void {
    const sealing = createSealing(key, random);
    sealings = [sealing, ...sealings.filter(({ check }) => check !== sealing.check)];
  }

  /** Those that may have sealed it. */
  function sealingsOf(sealed: Buffer): Sealing[] {
    const under = sealedUnder(sealed);
    return under === null ? sealings : sealings.filter(({ check }) => check.startsWith(under));
  }

  function open(bytes: Uint8Array, context: string): Buffer {
    const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const able = sealingsOf(sealed);
    for (const sealing of able.slice(0, -1)) {
      try {
        return sealing.open(sealed, context);
      } catch (error) {
        if (!isCloudStoreError(error, 'corrupt')) throw error;
      }
    }
    const last = able.at(-1);
    if (last === undefined) throw new CloudStoreError('corrupt', 'A secret was sealed under another master key.');
    return last.open(sealed, context);
  }

  async function unseal(bytes: Uint8Array, context: string): Promise<Buffer> {
    const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (sealed.length > 0 && sealingsOf(sealed).length === 0) {
      const found = await findKey?.();
      if (found) adopt(found);
      else if (findKey !== undefined) {
        throw new CloudStoreError('unavailable', 'The master key was changed, and this process has not got the new one.');
      }
    }
    return open(bytes, context);
  }

  async function read(id: DomainId): Promise<{ wrapped: Buffer; material: KeyMaterial }> {
    const wrapped = await keys.find(id);
    if (wrapped === null) throw new CloudStoreError('corrupt', `The keys of domain ${id} are missing from the database.`);
    return { wrapped, material: decodeDomainKeys(id, await unwrap(wrapped, id)) };
  }

  async function fetch(id: DomainId): Promise<DomainKeys> {
    const { material } = await read(id);
    const domain = loaded.get(id);
    if (domain === undefined) loaded.set(id, createDomainKeys(id, material));
    else domain.learn(material);
    return loaded.get(id)!;
  }

  /** Compare and swap: another process may change the same domain. */
  async function change(id: DomainId, how: (epochs: Epoch[]) => Epoch[]): Promise<KeyMaterial> {
    for (;;) {
      const { wrapped, material } = await read(id);
      const epochs = how(material.epochs);
      if (epochs.length === material.epochs.length) return material;
      const changed = { ...material, epochs };
      const { chunkIdKey, gearSeed } = changed;
      if (!(await keys.replace(id, wrapped, seal(encodeDomainKeys(chunkIdKey, gearSeed, epochs), DOMAIN_KEYS_CONTEXT)))) continue;
      loaded.get(id)?.learn(changed);
      return changed;
    }
  }

  async function unwrap(wrapped: Buffer, id: DomainId): Promise<Buffer> {
    try {
      return await unseal(wrapped, DOMAIN_KEYS_CONTEXT);
    } catch (cause) {
      if (!isCloudStoreError(cause, 'corrupt')) throw cause;
      throw new CloudStoreError(
        'corrupt',
        `The master key does not fit this database: the keys of domain ${id} cannot be opened with it. Use the key that the database was made with.`,
        { cause },
      );
    }
  }

  const seal = (plaintext: Uint8Array, context: string): Buffer => sealings[0]!.seal(plaintext, context);

  return {
    get check() {
      return sealings[0]!.check;
    },
    create: () =>
      keys.insert(seal(encodeDomainKeys(random(KEY_BYTES), random(KEY_BYTES), [[1, random(KEY_BYTES)]]), DOMAIN_KEYS_CONTEXT)),
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
    async refresh(id) {
      for (const one of id === undefined ? [...loaded.keys()] : [id]) await fetch(one);
    },
    async renew(id) {
      const { epochs } = await change(id, (before) => [...before, [before.at(-1)![0] + 1, random(KEY_BYTES)]]);
      return epochs.at(-1)![0];
    },
    async retire(id, before) {
      let count = 0;
      await change(id, (epochs) => {
        const kept = epochs.filter(([number], index) => number >= before || index === epochs.length - 1);
        count = epochs.length - kept.length;
        return kept;
      });
      return count;
    },
    seal,
    open,
    unseal,
    adopt,
  };
}

type Epoch = [number: number, key: Buffer];

interface KeyMaterial {
  chunkIdKey: Buffer;
  gearSeed: Buffer;
  /** The last is current. */
  epochs: Epoch[];
}

interface LiveKeys extends DomainKeys {
  learn(material: KeyMaterial): void;
}

function createDomainKeys(id: DomainId, { chunkIdKey, gearSeed, epochs }: KeyMaterial): LiveKeys {
  const known = new Map(epochs);
  let stored = epochs.map(([number]) => number);
  return {
    id,
    chunkIdKey,
    gearTable: gearTable(gearSeed),
    get currentEpoch() {
      return stored.at(-1)!;
    },
    get epochs() {
      return stored;
    },
    knows: (epoch) => known.has(epoch),
    encryptionKey(epoch) {
      const key = known.get(epoch);
      if (key === undefined) throw new CloudStoreError('corrupt', `Domain ${id} has no key of epoch ${epoch}.`);
      return key;
    },
    learn(material) {
      // The very buffers that are known stay: others remember what they derived from them.
      for (const [number, key] of material.epochs) if (!known.has(number)) known.set(number, key);
      stored = material.epochs.map(([number]) => number);
    },
  };
}

/** u8 version, u8 algorithm of chunk ids, chunk id key (32), gear seed (32), u16 count, then each epoch: u32 number, key (32). The last is current. */
function encodeDomainKeys(chunkIdKey: Buffer, gearSeed: Buffer, epochs: Epoch[]): Buffer {
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

function decodeDomainKeys(id: DomainId, bytes: Buffer): KeyMaterial {
  const count = bytes.length < 68 ? 0 : bytes.readUInt16BE(66);
  if (bytes[0] !== KEYS_VERSION || bytes[1] !== ID_KEYED_BLAKE3 || count === 0 || bytes.length !== 68 + count * 36) {
    throw new CloudStoreError('corrupt', `The keys of domain ${id} have no layout that this version of CloudStore knows.`);
  }
  const epochs: Epoch[] = [];
  for (let at = 68; at < bytes.length; at += 36)
    epochs.push([bytes.readUInt32BE(at), Buffer.from(bytes.subarray(at + 4, at + 36))]);
  return { chunkIdKey: Buffer.from(bytes.subarray(2, 34)), gearSeed: Buffer.from(bytes.subarray(34, 66)), epochs };
}

/** 256 words, big-endian, of HKDF-SHA256(seed, no salt, "cloudstore gear table v1", 1,024 bytes). */
function gearTable(seed: Buffer): Uint32Array {
  const bytes = Buffer.from(hkdfSync('sha256', seed, Buffer.alloc(0), GEAR_INFO, 1024));
  return Uint32Array.from({ length: 256 }, (_, index) => bytes.readUInt32BE(index * 4));
}
