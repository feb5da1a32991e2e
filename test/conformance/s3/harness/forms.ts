import type { S3Answer } from './client.ts';
import { hmac, type Keys, signingKey, stampOf } from './signer.ts';
import type { Lab } from './suite.ts';

export const BOUNDARY = '----conformance7MA4YWxk';
/** The variable, as a form has it. */
export const FILE_NAME = ['$', '{filename}'].join('');
export type Field = readonly [name: string, value: string];
export type Condition = Record<string, string> | readonly [string, ...(string | number)[]];

export interface FormOptions {
  fields?: readonly Field[];
  conditions?: readonly Condition[];
  file?: string | Buffer;
  fileName?: string;
  expires?: Date;
  keys?: Keys;
  /** Changes what was signed. */
  tamper?: (fields: Map<string, string>) => void;
  policyText?: string;
  withoutFile?: boolean;
  afterFile?: readonly Field[];
}

/** A signed form: policy, signature and the fields given, `key` among them. */
export function formOf(lab: Lab, key: string, options: FormOptions = {}): Buffer {
  const keys = options.keys ?? lab.s3.keys;
  const at = new Date();
  const scope = `${stampOf(at).slice(0, 8)}/${lab.s3.region}/s3/aws4_request`;
  const signed: Field[] = [
    ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    ['x-amz-credential', `${keys.accessKeyId}/${scope}`],
    ['x-amz-date', stampOf(at)],
  ];
  const conditions = options.conditions ?? [['starts-with', '$key', '']];
  const policy =
    options.policyText ??
    JSON.stringify({
      expiration: (options.expires ?? new Date(at.getTime() + 600_000)).toISOString(),
      conditions: [{ bucket: lab.bucket }, ...conditions, ...signed.map(([name, value]) => ({ [name]: value }))],
    });
  const encoded = Buffer.from(policy).toString('base64');
  const signature = hmac(signingKey(keys.secretAccessKey, scope), encoded).toString('hex');
  const fields = new Map<string, string>([
    ['key', key],
    ...(options.fields ?? []),
    ...signed,
    ['policy', encoded],
    ['x-amz-signature', signature],
  ]);
  options.tamper?.(fields);
  const part = ([name, value]: Field): string =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const file = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${options.fileName ?? 'photo.jpg'}"\r\nContent-Type: image/jpeg\r\n\r\n`;
  return Buffer.concat([
    Buffer.from([...fields].map(part).join('')),
    ...(options.withoutFile === true ? [] : [Buffer.from(file), Buffer.from(options.file ?? 'the file'), Buffer.from('\r\n')]),
    Buffer.from((options.afterFile ?? []).map(part).join('')),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
}

export function post({ s3, bucket }: Lab, body: Buffer, headers: Record<string, string> = {}): Promise<S3Answer> {
  return s3.send('POST', `/${bucket}`, {
    auth: 'none',
    body,
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...headers },
  });
}

export const upload = (lab: Lab, key: string, options?: FormOptions): Promise<S3Answer> => post(lab, formOf(lab, key, options));

/** Takes all that is said of a signature out of a form. */
export function unsigned(fields: Map<string, string>): void {
  for (const name of ['policy', 'x-amz-signature', 'x-amz-algorithm', 'x-amz-credential', 'x-amz-date']) fields.delete(name);
}
