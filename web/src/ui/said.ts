import { isApiError } from '../api/error.ts';
import { fromGateway, type MessageKey, t } from '../i18n/index.ts';

const SENTENCES: Record<string, MessageKey> = {
  unreachable: 'error.offline',
  access_denied: 'error.access',
  unauthenticated: 'error.session',
  expired: 'error.session',
  not_found: 'error.gone',
  bucket_not_found: 'error.bucket',
  no_such_route: 'error.route',
  not_implemented: 'error.route',
  already_exists: 'error.exists',
  bucket_exists: 'error.exists',
  bucket_owned_by_you: 'error.exists',
  bucket_not_empty: 'error.notEmpty',
  name_clash: 'error.clash',
  precondition_failed: 'error.changed',
  conflict: 'error.changed',
  locked: 'error.locked',
  quota_exceeded: 'error.quota',
  insufficient_storage: 'error.space',
  too_large: 'error.large',
  corrupt: 'error.damaged',
  checksum_mismatch: 'error.checksum',
  upload_checksum_mismatch: 'error.checksum',
  unavailable: 'error.busy',
  timeout: 'error.busy',
  aborted: 'error.busy',
  invalid_key: 'error.name',
  invalid_bucket_name: 'error.bucketName',
};

/** What a browser says of a chosen file that is not what it was. */
const UNREADABLE = ['NotReadableError', 'NotFoundError'];

/** A sentence for people already. */
export class Told extends Error {}

/** What says more in the gateway's words than in ours, because they name what was typed: a directory that holds something, say. */
const IN_ITS_WORDS = ['conflict', 'not_found', 'insufficient_storage', 'unavailable'];

export function inItsWords(error: unknown): unknown {
  return isApiError(error) && IN_ITS_WORDS.includes(error.code) && error.message !== '' ? new Told(error.message) : error;
}

/** A failure as a sentence for people. What has no sentence of ours comes in the gateway's words, with the request's id. */
export function said(error: unknown): string {
  if (error instanceof DOMException && UNREADABLE.includes(error.name)) return t('error.unreadable');
  if (error instanceof Told) return fromGateway(error.message);
  if (!isApiError(error)) return t('error.page', { text: error instanceof Error ? error.message : String(error) });
  const key = error.status === 429 ? 'wait.text' : SENTENCES[error.code];
  if (key !== undefined) return t(key);
  const text = error.message === '' ? t('error.unknown') : fromGateway(error.message);
  return error.requestId === null ? text : `${text} (${error.requestId})`;
}
