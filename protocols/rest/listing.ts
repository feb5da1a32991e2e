import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { sendBytes } from './answer.ts';
import type { Exchange } from './exchange.ts';

/** Below it what is saved is less than what a packet holds. */
const GZIP_BYTES_MIN = 4096;
const compressed = promisify(gzip);

/**
 * A listing, compressed for who takes that: names and dates shrink to an eighth even at the cheapest level, which is done beside the event loop. Of all JSON
 * only listings are, because they hold no secret: how long a compressed answer is tells of a token in it to whoever can put guesses beside it (BREACH).
 * The ETag becomes weak, as what it stands for is the folder and no longer the bytes (RFC 9110 §8.8.1).
 */
export async function sendListing(x: Exchange, value: unknown, etag: string): Promise<void> {
  const { req, res } = x;
  const bytes = Buffer.from(JSON.stringify(value));
  if (bytes.length < GZIP_BYTES_MIN || !takesGzip(req.headers['accept-encoding'])) {
    sendBytes(res, 200, bytes, { ETag: `"${etag}"` });
    return;
  }
  const small = await compressed(bytes, { level: constants.Z_BEST_SPEED });
  sendBytes(res, 200, small, { ETag: `W/"${etag}"`, 'Content-Encoding': 'gzip' });
}

/** On whatever is answered: 304 says it too. */
export function varyByEncoding({ res }: Exchange): void {
  res.setHeader('Vary', 'Accept-Encoding');
}

/** RFC 9110 §12.5.3. Without the header nobody has said so. */
export function takesGzip(accepted: string | string[] | undefined): boolean {
  let any = false;
  for (const part of String(accepted ?? '').split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const taken = !parameters.some((text) => /^q=0(\.0*)?$/.test(text));
    if (coding === 'gzip' || coding === 'x-gzip') return taken;
    if (coding === '*') any = taken;
  }
  return any;
}
