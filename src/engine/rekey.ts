import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkPlace } from '#contracts/content';
import type { DomainKeys, Keyring } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import type { Rekeying } from '#contracts/rekeying';
import { isCloudStoreError } from '#core/errors';
import { isPlainInline, knowsInline, openInline, prepareInline, sealInline } from './inline.ts';
import type { PlainPolicy } from './plain-policy.ts';
import { needsKey, openStored, sealSegment } from './record-cipher.ts';
import {
  CIPHER_AES_256_GCM,
  type Cipher,
  damaged,
  decodeRecordHeader,
  encodeRecordHeader,
  RECORD_HEADER_BYTES_MAX,
  type RecordHeader,
  SEGMENT_BYTES,
  TAG_BYTES,
} from './record-format.ts';
import { type RecordKeys, SALT_BYTES } from './record-keys.ts';
import { fetchRecord } from './record-reader.ts';

export interface RekeyDeps {
  keyring: Keyring;
  recordKeys: RecordKeys;
  plain: PlainPolicy;
  /** What is written now. */
  cipher: Cipher;
  log: Log;
  stores: BlobStores;
}

/** Writes records and inline contents anew under the keys of now; the contract is Rekeying. What is compressed stays so, and is not unpacked. */
export function createRekeying(deps: RekeyDeps): Rekeying {
  const { keyring, recordKeys, plain, cipher, log } = deps;
  const isCurrent = (of: { cipher: number; epoch: number }, domain: DomainKeys): boolean =>
    of.cipher === cipher && (cipher !== CIPHER_AES_256_GCM || of.epoch === domain.currentEpoch);

  async function open(header: RecordHeader, domain: DomainKeys): Promise<Buffer | null> {
    if (!needsKey(header)) {
      await plain.require();
      return null;
    }
    if (!domain.knows(header.epoch)) await keyring.refresh(domain.id);
    return recordKeys.derive(domain, header.epoch, header.salt);
  }

  async function rewrite(domain: DomainKeys, header: RecordHeader, bytes: Buffer): Promise<ChunkPlace> {
    if (header.segmentBytes !== SEGMENT_BYTES) throw damaged('its segments are of a size that this version does not write');
    const from = await open(header, domain);
    const { size, segments } = header;
    const epoch = domain.currentEpoch;
    const salt = cipher === CIPHER_AES_256_GCM ? recordKeys.salt() : Buffer.alloc(SALT_BYTES);
    const compressed = segments.some((one) => one.compressed)
      ? segments.map((one) => (one.compressed ? one.stored : null))
      : null;
    const next = encodeRecordHeader({ domain: domain.id, cipher, epoch, id: header.id, salt, size, compressed });
    const to = cipher === CIPHER_AES_256_GCM ? recordKeys.derive(domain, epoch, salt) : null;
    const record: Uint8Array[] = [next.bytes];
    for (const [index, { offset, stored }] of segments.entries()) {
      const plaintext = openStored(from, header, index, bytes.subarray(offset, offset + stored + TAG_BYTES));
      record.push(...sealSegment(to, next, index, plaintext));
    }
    return log.appendUnsynced(record);
  }

  return {
    async record({ domain: id, id: chunk, place }) {
      const domain = await keyring.load(id);
      try {
        const start = await fetchRecord(deps, place, 0, Math.min(place.length, RECORD_HEADER_BYTES_MAX));
        const header = decodeRecordHeader(start, place.length);
        if (header.domain !== id || !header.id.equals(chunk)) throw damaged('another chunk lies in its place');
        if (isCurrent(header, domain)) return 'same';
        return await rewrite(domain, header, await fetchRecord(deps, place, 0, place.length));
      } catch (error) {
        if (isCloudStoreError(error, 'not_found')) return 'gone';
        throw error;
      }
    },
    sync: (places) => log.sync(places),
    async inline(content) {
      if (content.kind !== 'inline' || content.size === 0) return null;
      const domain = await keyring.load(content.domain);
      await prepareInline(deps, domain, content);
      const epoch = isPlainInline(content) || !knowsInline(domain, content) ? 0 : content.sealed.readUInt32BE(2);
      if (isCurrent({ cipher: content.sealed[1] ?? -1, epoch }, domain)) return null;
      return sealInline(recordKeys, domain, openInline(recordKeys, domain, content), cipher);
    },
  };
}
