import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DomainKeys, Keyring } from '#contracts/keyring';
import type { InspectedRecord, RecordInspector } from '#contracts/record-inspector';
import type { Random } from '#core/clock';
import type { DomainId, LeafRef } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { createHashes } from './hashes.ts';
import { openInline, prepareInline } from './inline.ts';
import { isLeafOf } from './leaves.ts';
import { decodeLeaf } from './manifest.ts';
import { createPlainPolicy } from './plain-policy.ts';
import { needsKey, openSegment } from './record-cipher.ts';
import { damaged, decodeRecordHeader, decodeRecordLabel, TAG_BYTES } from './record-format.ts';
import { createRecordKeys } from './record-keys.ts';

/** About a millisecond of work. */
const HASHES_AT_ONCE = 128;
const LEAF_ENTRY_BYTES = 36;

export interface RecordInspectorOptions {
  keyring: Keyring;
  random: Random;
  /** Whether encryption is off, or was once. */
  wasPlain: () => Promise<boolean>;
}

/** @throws by its methods corrupt, for a domain whose keys are missing too */
export function createRecordInspector({ keyring, random, wasPlain }: RecordInspectorOptions): RecordInspector {
  const hashes = createHashes();
  const plain = createPlainPolicy(wasPlain, false);
  const recordKeys = createRecordKeys(random);

  /** @throws corrupt, details.keysOf: perhaps not the record is damaged */
  function keysOf(domain: DomainId): Promise<DomainKeys> {
    return keyring.load(domain).catch((error: unknown) => {
      if (!isCloudStoreError(error, 'corrupt')) throw error;
      throw new CloudStoreError('corrupt', error.message, { details: { keysOf: domain }, cause: error });
    });
  }

  async function record(record: Buffer): Promise<InspectedRecord> {
    const header = decodeRecordHeader(record, record.length);
    if (header.segments.length === 0) throw damaged('it holds nothing');
    const domain = await keysOf(header.domain);
    if (!needsKey(header)) await plain.require();
    else if (!domain.knows(header.epoch)) await keyring.refresh(domain.id);
    const key = needsKey(header) ? recordKeys.derive(domain, header.epoch, header.salt) : null;
    const hasher = hashes.keyed(domain.chunkIdKey);
    for (const [index, { offset, stored }] of header.segments.entries()) {
      if (index > 0) await nextTurn();
      const sealed = record.subarray(offset, offset + stored + TAG_BYTES);
      for (const bytes of openSegment(key, header, index, sealed)) hasher.update(bytes);
    }
    if (!hasher.digest().equals(header.id)) throw damaged('its bytes do not have the id that it is stored under');
    return { domain: header.domain, id: header.id, size: header.size };
  }

  return {
    record,
    label: decodeRecordLabel,
    async leaf(domain, leaf, entries) {
      const { chunkIdKey } = await keysOf(domain);
      if (!isLeafOf(hashes, chunkIdKey, leaf.id, entries)) return null;
      const chunks = decodeOrNull(entries, leaf.size);
      return chunks && { ids: chunks.map(({ id }) => id), sizes: chunks.map(({ size }) => size) };
    },
    async leafOf(domain, entries) {
      const hasher = hashes.keyed((await keysOf(domain)).chunkIdKey);
      hasher.update(entries);
      return { id: hasher.digest(), size: sizeOf(entries) };
    },
    async turnLeafBit(domain: DomainId, leaf: LeafRef, damagedEntries: Buffer) {
      const keys = await keysOf(domain);
      const entries = Buffer.from(damagedEntries);
      for (let bit = -1; bit < entries.length * 8; bit++) {
        if ((bit + 1) % HASHES_AT_ONCE === 0) await nextTurn();
        // First as they are: it may be the row's size that is wrong.
        if (bit >= 0) entries[bit >>> 3]! ^= 1 << (bit & 7);
        if (isLeafOf(hashes, keys.chunkIdKey, leaf.id, entries)) return { entries, size: sizeOf(entries) };
        if (bit >= 0) entries[bit >>> 3]! ^= 1 << (bit & 7);
      }
      return null;
    },
    async inline(content) {
      const domain = await keysOf(content.domain);
      await prepareInline({ keyring, plain }, domain, content);
      const plaintext = openInline(recordKeys, domain, content);
      return { contentHash: hashes.plainOf(plaintext) };
    },
  };
}

function decodeOrNull(entries: Buffer, size: number) {
  try {
    return decodeLeaf(entries, size);
  } catch (error) {
    if (isCloudStoreError(error, 'corrupt')) return null;
    throw error;
  }
}

function sizeOf(entries: Buffer): number {
  let size = 0;
  for (let at = LEAF_ENTRY_BYTES - 4; at < entries.length; at += LEAF_ENTRY_BYTES) size += entries.readUInt32BE(at);
  return size;
}
