import { S3Error } from './errors.ts';

/** Of each text as much is told as tells a client where its own differs. */
const CHARS_MAX = 4096;

/**
 * What was signed here, as text and byte by byte, for a client to compare with what it signed itself; nothing of it is secret.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export function signatureMismatch(accessKeyId: string, signature: string, text: string, canonical?: string): S3Error {
  return new S3Error('SignatureDoesNotMatch', undefined, {
    AWSAccessKeyId: accessKeyId,
    StringToSign: text.slice(0, CHARS_MAX),
    SignatureProvided: signature,
    StringToSignBytes: bytesOf(text),
    ...(canonical === undefined
      ? {}
      : { CanonicalRequest: canonical.slice(0, CHARS_MAX), CanonicalRequestBytes: bytesOf(canonical) }),
  });
}

/** Texts to be signed hold their bytes as latin1 characters. */
function bytesOf(text: string): string {
  return Buffer.from(text.slice(0, CHARS_MAX), 'latin1')
    .toString('hex')
    .replace(/..(?!$)/g, '$& ');
}
