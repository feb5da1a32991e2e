import { isIP } from 'node:net';
import { z } from 'zod';
import { CloudStoreError } from '#core/errors';
import { parseS3Location } from '#core/s3-location';

export const port = z.coerce
  .number({ error: 'must be a number' })
  .int('must be a whole number')
  .min(0, 'must be 0 to 65535')
  .max(65535, 'must be 0 to 65535');
export const text = z.string().min(1, 'must not be empty');
export const url = (...schemes: string[]) =>
  text.refine(
    (value) => URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1)),
    `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  );
export const optional = <T>(schema: z.ZodType<T, unknown>): z.ZodType<T | null, unknown> => schema.nullable();

export function onOff(): z.ZodType<'on' | 'off', unknown> {
  return z.enum(['on', 'off'], 'must be on or off');
}

export function list(): z.ZodType<string[], unknown> {
  return z
    .union([z.array(z.string()), z.string().transform((value) => value.split(','))])
    .transform((parts) => parts.map((part) => part.trim()).filter(Boolean));
}

export function s3Location(): z.ZodType<string, unknown> {
  return text.superRefine((value, context) => {
    try {
      parseS3Location(value);
    } catch (error) {
      const why = error instanceof Error ? error.message : '';
      context.addIssue({ code: 'custom', message: `must be the URL of a store. ${why.replace(/\.$/, '')}` });
    }
  });
}

/** `512MiB`, `8GiB`, `2TiB`, or a plain number of bytes. */
export function byteCount(min: number): z.ZodType<number, unknown> {
  return z.string().transform((value, context) => {
    const [, count = '', unit = ''] = /^(\d{1,15}(?:\.\d+)?)\s*(?:([KMGT])i?B?|B)?$/i.exec(value.trim()) ?? [];
    const bytes = count === '' ? Number.NaN : Math.floor(Number(count) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' '));
    if (bytes >= min) return bytes;
    context.addIssue({ code: 'custom', message: `must be a number of bytes such as 8GiB, at least ${min >> 20}MiB` });
    return z.NEVER;
  });
}

export function days(): z.ZodType<number, unknown> {
  return z.coerce
    .number({ error: 'must be a number of days' })
    .min(0, 'must not be below 0')
    .max(36_500, 'must be at most 36500');
}

export function isNetwork(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

export function isIssuer(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname));
}

export function isWebhook(value: string): boolean {
  const [, target = ''] = /^[A-Za-z0-9_-]{1,64}=(.+)$/.exec(value) ?? [];
  return URL.canParse(target) && /^https?:$/.test(new URL(target).protocol);
}

export function masterKey(): z.ZodType<Buffer, unknown> {
  return z.string().transform((value, context) => {
    const key = decodeMasterKey(value);
    if (key === null) context.addIssue({ code: 'custom', message: 'must be 32 bytes, as 64 hex digits or base64' });
    return key ?? z.NEVER;
  });
}

export function isStrong(passphrase: string): boolean {
  const characters = [...passphrase.normalize('NFC')];
  return characters.length >= 12 && new Set(characters).size >= 6;
}

/** @throws invalid_argument */
export function assertPassphrase(passphrase: string): void {
  if (isStrong(passphrase)) return;
  throw new CloudStoreError('invalid_argument', 'A master passphrase must have at least 12 characters, 6 different ones.');
}

/** 64 hex digits or base64 of 32 bytes; null when it is neither. Also the format of the key file. */
export function decodeMasterKey(value: string): Buffer | null {
  const trimmed = value.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)
      ? Buffer.from(trimmed, 'base64')
      : null;
  return key?.length === 32 ? key : null;
}
