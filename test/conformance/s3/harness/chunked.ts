import { EMPTY_SHA256, hmac, type Signature, sha256 } from './signer.ts';

export interface ChunkedBody {
  /** Plain bytes of each chunk but the last. */
  chunkBytes: number;
  /** null: chunks are not signed. */
  signature: Signature | null;
  /** Sent behind the last chunk, signed where the chunks are. */
  trailers: readonly (readonly [string, string])[] | null;
}

/**
 * Frames a body as aws-chunked.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, …/sigv4-streaming-trailers.html
 */
export function frameChunks(body: Buffer, { chunkBytes, signature, trailers }: ChunkedBody): Buffer {
  const parts: Buffer[] = [];
  let previous = signature?.signature ?? '';
  const push = (chunk: Buffer): void => {
    let line = chunk.length.toString(16);
    if (signature !== null) {
      const text = ['AWS4-HMAC-SHA256-PAYLOAD', signature.stamp, signature.scope, previous, EMPTY_SHA256, sha256(chunk)].join(
        '\n',
      );
      previous = hmac(signature.key, text).toString('hex');
      line += `;chunk-signature=${previous}`;
    }
    parts.push(Buffer.from(`${line}\r\n`), chunk);
    if (chunk.length > 0) parts.push(Buffer.from('\r\n'));
  };
  for (let at = 0; at < body.length; at += chunkBytes) push(body.subarray(at, at + chunkBytes));
  push(Buffer.alloc(0));
  if (trailers !== null) {
    for (const [name, value] of trailers) parts.push(Buffer.from(`${name}:${value}\r\n`));
    if (signature !== null) {
      const canonical = trailers.map(([name, value]) => `${name.toLowerCase()}:${value.trim()}\n`).join('');
      const text = ['AWS4-HMAC-SHA256-TRAILER', signature.stamp, signature.scope, previous, sha256(canonical)].join('\n');
      parts.push(Buffer.from(`x-amz-trailer-signature:${hmac(signature.key, text).toString('hex')}\r\n`));
    }
  }
  parts.push(Buffer.from('\r\n'));
  return Buffer.concat(parts);
}
