import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AccessKey } from '#contracts/authenticator';
import { S3Error } from './errors.ts';
import type { Target } from './target.ts';

const HEADER = 'x-amz-security-token';

/**
 * A temporary key works only together with its session token, in the header or, presigned, in the query; a key of long life takes none (AWS: "Using temporary
 * credentials"). That the token is signed is checked where all x-amz headers and the query are.
 * @throws InvalidToken, InvalidAccessKeyId
 */
export function checkSessionToken(req: IncomingMessage, { query }: Target, { id, tokenHash = null }: AccessKey): void {
  const header = req.headers[HEADER];
  if (tokenHash === null && header === undefined && query.raw === '') return;
  checkToken(typeof header === 'string' ? header : query.get('X-Amz-Security-Token'), { id, tokenHash });
}

/** @throws InvalidToken, InvalidAccessKeyId (a temporary key without its token) */
export function checkToken(given: string | undefined, { id, tokenHash = null }: Pick<AccessKey, 'id' | 'tokenHash'>): void {
  if (tokenHash === null) {
    if (given !== undefined) throw new S3Error('InvalidToken');
    return;
  }
  if (given === undefined) throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: id });
  if (!timingSafeEqual(hash('sha256', given, 'buffer'), tokenHash)) throw new S3Error('InvalidToken');
}
