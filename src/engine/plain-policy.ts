import { CloudStoreError } from '#core/errors';

/**
 * Whether what is not encrypted counts at all. Where encryption was never off, whoever can write to the disk could else put bytes of his own
 * in the place of sealed ones, with a checksum that fits.
 */
export interface PlainPolicy {
  /** Known to be allowed; false may still mean that nobody asked. */
  readonly allowed: boolean;
  /** @throws corrupt when this store holds nothing that is not encrypted */
  require(): Promise<void>;
}

/** @param ask whether encryption is off, or was once; a yes is remembered, because it never becomes a no while data is there */
export function createPlainPolicy(ask: () => Promise<boolean>, allowed: boolean): PlainPolicy {
  let known = allowed;
  return {
    get allowed() {
      return known;
    },
    async require() {
      known ||= await ask();
      if (!known) throw new CloudStoreError('corrupt', 'A content is not encrypted, though everything in this store is.');
    },
  };
}
