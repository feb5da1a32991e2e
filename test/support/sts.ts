import { createHash, createHmac } from 'node:crypto';
import type { SigningKeys } from './presign.ts';
import { type Answer, send } from './requests.ts';

/** Asks STS as an SDK does: a signed form, posted to the root of the S3 port. */
export function askSts(
  endpoint: string,
  keys: SigningKeys,
  form: Record<string, string>,
  options: { at?: Date; tamper?: (body: string) => string } = {},
): Promise<Answer> {
  const body = new URLSearchParams({ Version: '2011-06-15', ...form }).toString();
  const stamp = (options.at ?? new Date()).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${stamp.slice(0, 8)}/us-east-1/sts/aws4_request`;
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host: new URL(endpoint).host,
    'x-amz-date': stamp,
    ...(keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    'POST',
    '/',
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    createHash('sha256').update(body).digest('hex'),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = scope.split('/').reduce<Buffer | string>((secret, part) => hmac(secret, part), `AWS4${keys.secretAccessKey}`);
  const credential = `Credential=${keys.accessKeyId}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(';')}, Signature=${hmac(key, toSign).toString('hex')}`;
  return send('POST', `${endpoint}/`, { headers: { ...headers, authorization }, body: options.tamper?.(body) ?? body });
}

/** The temporary keys of an answer. */
export function keysOf({ body }: Answer): Required<SigningKeys> & { expires: number } {
  const text = body.toString();
  const of = (name: string): string => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1] ?? '';
  return {
    accessKeyId: of('AccessKeyId'),
    secretAccessKey: of('SecretAccessKey'),
    sessionToken: of('SessionToken'),
    expires: Date.parse(of('Expiration')),
  };
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
