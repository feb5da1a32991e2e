import { createHash, type Hash } from 'node:crypto';
import type { Bytes } from '#core/stream';
import { S3Error } from './errors.ts';
import { EMPTY_SHA256, sameText } from './sigv4.ts';
import type { ChunkChain } from './verifier.ts';

export interface ChunkedOptions {
  /** x-amz-decoded-content-length, bytes. */
  decodedLength: number;
  /** Trailers are expected; they are handed over, lower case, after the last chunk. */
  onTrailers: ((trailers: Map<string, string>) => void) | null;
  /** null: chunks are not signed. */
  chain: ChunkChain | null;
}

const LINE_BYTES_MAX = 1024;
const TRAILER_BYTES_MAX = 8192;
const LF = 0x0a;
const BLANKS_MAX = 2;
/** Behind the end, bytes. */
const LINE_ENDS_MAX = 4;
const TRAILER_SIGNATURE = /^x-amz-trailer-signature\s*:/i;

/**
 * Decodes AWS's chunked upload (AWS: "Signature Calculations for the Authorization Header: Transferring Payload in
 * Multiple Chunks"), wherever the network has cut it, and passes data on as it comes. A chunk's signature is checked at
 * its end: the consumer must not commit before the iteration has ended well.
 * @throws IncompleteBody (malformed, too), MalformedTrailerError, SignatureDoesNotMatch
 */
export async function* decodeChunked(source: Bytes, { decodedLength, onTrailers, chain }: ChunkedOptions): Bytes {
  let state = 'size' as 'size' | 'data' | 'dataEnd' | 'trailers' | 'done';
  let line = '';
  let left = 0;
  let total = 0;
  let trailerBytes = 0;
  let blanks = 0;
  let after = '';
  let previous = chain?.seed ?? '';
  let claimed = '';
  let digest: Hash | null = null;
  const trailers: string[] = [];

  const checkChunk = (): void => {
    if (chain === null) return;
    const dataHash = digest === null ? EMPTY_SHA256 : digest.digest('hex');
    digest = null;
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${chain.stamp}\n${chain.scope}\n${previous}\n${EMPTY_SHA256}\n${dataHash}`;
    if (!sameText(chain.signer.sign(text), claimed)) throw new S3Error('SignatureDoesNotMatch');
    previous = claimed;
  };

  /** Takes one finished line and says what comes next. */
  const take = (text: string): void => {
    if (state === 'size') {
      const head = parseHead(text, chain !== null);
      left = head.size;
      claimed = head.signature;
      total += left;
      if (total > decodedLength)
        throw new S3Error('IncompleteBody', 'The body is longer than x-amz-decoded-content-length says.');
      if (left > 0) {
        if (chain !== null) digest = createHash('sha256');
        state = 'data';
        return;
      }
      checkChunk();
      state = 'trailers';
    } else if (state === 'dataEnd') {
      if (text !== '') throw malformed();
      checkChunk();
      state = 'size';
    } else if (state === 'trailers') {
      if (text !== '') trailers.push(text);
      // Some clients put a blank line between the last chunk and the trailers, MinIO's one between those and their signature, most none.
      else if (onTrailers === null || blanks++ === BLANKS_MAX || endsTrailers(trailers, chain !== null)) state = 'done';
    }
  };

  for await (const piece of source) {
    const bytes = Buffer.isBuffer(piece) ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let at = 0;
    while (at < bytes.length) {
      if (state === 'done') {
        // MinIO's client ends with a blank line more.
        after += bytes.toString('latin1', at, at + LINE_ENDS_MAX + 1);
        if (!/^[\r\n]*$/.test(after) || after.length > LINE_ENDS_MAX) throw malformed();
        break;
      }
      if (state === 'data') {
        const data = bytes.subarray(at, at + left);
        at += data.length;
        left -= data.length;
        (digest as Hash | null)?.update(data);
        if (left === 0) state = 'dataEnd';
        yield data;
        continue;
      }
      const end = bytes.indexOf(LF, at);
      line += bytes.toString('latin1', at, end < 0 ? bytes.length : end);
      if (state === 'trailers') trailerBytes += (end < 0 ? bytes.length : end) - at;
      at = end < 0 ? bytes.length : end + 1;
      if (trailerBytes > TRAILER_BYTES_MAX) throw malformedTrailer();
      if (line.length > LINE_BYTES_MAX) throw state === 'trailers' ? malformedTrailer() : malformed();
      if (end < 0) break;
      const text = line.endsWith('\r') ? line.slice(0, -1) : line;
      line = '';
      take(text);
    }
  }
  // The final blank line is optional in the field: the length and the signatures say whether all is there.
  if (state === 'trailers' && line !== '') take(line.replace(/\r$/, ''));
  if (state !== 'done' && state !== 'trailers') throw new S3Error('IncompleteBody');
  if (total !== decodedLength) throw new S3Error('IncompleteBody', 'The body is shorter than x-amz-decoded-content-length says.');
  if (onTrailers !== null) onTrailers(readTrailers(trailers, chain, previous));
}

/** Whether a blank line behind these is the last. */
function endsTrailers(trailers: readonly string[], signed: boolean): boolean {
  const last = trailers.at(-1);
  return last !== undefined && (!signed || TRAILER_SIGNATURE.test(last));
}

function parseHead(text: string, signed: boolean): { size: number; signature: string } {
  const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?\s*$/.exec(text);
  if (match === null || (signed && match[2] === undefined)) throw malformed();
  return { size: Number.parseInt(match[1] as string, 16), signature: match[2] ?? '' };
}

function readTrailers(lines: readonly string[], chain: ChunkChain | null, previous: string): Map<string, string> {
  const trailers = new Map<string, string>();
  let signature: string | undefined;
  let canonical = '';
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw malformedTrailer();
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'x-amz-trailer-signature') signature = value;
    else {
      if (trailers.has(name)) throw malformedTrailer();
      trailers.set(name, value);
      canonical += `${name}:${value}\n`;
    }
  }
  if (chain !== null) {
    const digest = createHash('sha256').update(canonical, 'latin1').digest('hex');
    const text = `AWS4-HMAC-SHA256-TRAILER\n${chain.stamp}\n${chain.scope}\n${previous}\n${digest}`;
    if (signature === undefined || !sameText(chain.signer.sign(text), signature)) throw new S3Error('SignatureDoesNotMatch');
  }
  return trailers;
}

/** AWS tells whatever is wrong between chunks so. */
function malformed(): S3Error {
  return new S3Error('IncompleteBody', 'The request body terminated unexpectedly');
}

function malformedTrailer(): S3Error {
  return new S3Error('MalformedTrailerError');
}
