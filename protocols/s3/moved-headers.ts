import type { IncomingMessage } from 'node:http';
import { QUERY_CLAIM } from './credentials.ts';
import { S3Error } from './errors.ts';
import { trimHeader } from './sigv4.ts';
import type { Query } from './uri.ts';

/** What a presigned query says of its own signature. */
export const PRESIGN_PARAMETERS: ReadonlySet<string> = new Set([...QUERY_CLAIM, 'X-Amz-Security-Token', 'X-Amz-Content-Sha256']);

/**
 * Never headers: keys of customers, which have no place in a URL; and checksums, which are of the body that the signer had, so of none (AWS's SDK for
 * JavaScript puts them there), while who sends the body later does not know them.
 */
const LEFT = /^x-amz-(?:checksum-(?!mode$)|sdk-checksum-|(?:copy-source-)?server-side-encryption-customer-)/;

/**
 * SDKs that sign a URL move a request's x-amz headers into its query, where the signature covers them; here they are headers again. To be called once the
 * signature was verified.
 * @throws InvalidArgument where a header says otherwise, or what could be none
 */
export function restoreMovedHeaders({ headers }: IncomingMessage, query: Query, also: readonly string[] = []): void {
  for (const [name, text] of query.pairs) {
    if (PRESIGN_PARAMETERS.has(name)) continue;
    const lower = name.toLowerCase();
    if (!(lower.startsWith('x-amz-') || also.includes(lower)) || LEFT.test(lower)) continue;
    // As it was signed.
    const value = trimHeader(Buffer.from(text).toString('latin1'));
    const sent = headers[lower];
    if (!isHeader(lower, value) || (sent !== undefined && sent !== value)) {
      throw new S3Error('InvalidArgument', 'A header in the query is none, or another than the one that was sent.', {
        ArgumentName: name.slice(0, 256),
      });
    }
    headers[lower] = value;
  }
}

/** Whether a header of an answer can carry it (RFC 9110 §5.1, §5.5). */
export function isHeader(name: string, value: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/.test(name) && !/[\x00-\x08\x0a-\x1f\x7f]/.test(value);
}
