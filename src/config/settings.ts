import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { AUDIT_LEVELS, type AuditLevel } from '#core/audit';
import {
  byteCount,
  days,
  isIssuer,
  isNetwork,
  isStrong,
  isWebhook,
  list,
  masterKey,
  onOff,
  optional,
  port,
  s3Location,
  text,
  url,
} from './value-schemas.ts';

/** One setting: what it is called everywhere, how a text becomes its value, and what may be said of it. */
export interface Setting<T> {
  /** For `config print`, --help and docs/CONFIGURATION.md. */
  description: string;
  /** From the text of a flag, the environment or the file. */
  schema: z.ZodType<T, unknown>;
  default: T;
  /** Never printed; also readable from the file that `CLOUDSTORE_<NAME>_FILE` names. */
  secret?: boolean;
  /** A secret that lies in an URL: the URL is printed without it, and it may be a flag. */
  url?: boolean;
}

/**
 * Every setting there is. `data-dir` is the flag `--data-dir`, the variable `CLOUDSTORE_DATA_DIR` and the line `data-dir:` of
 * cloudstore.yaml.
 */
export const SETTINGS = {
  'data-dir': setting({
    description: 'Where the database, the packs, the keys and the logs lie.',
    schema: optional(text),
    default: null,
  }),
  host: setting({
    description: 'The address to listen on; with lan it is all addresses, unless it is given.',
    schema: text,
    default: '127.0.0.1',
  }),
  lan: setting<'on' | 'off'>({
    description:
      'on (or the flag --lan): other devices of the network reach the gateway, by HTTPS with a certificate authority of its own (unless tls-cert is given), and find it by mDNS.',
    schema: onOff(),
    default: 'off',
  }),
  'plain-http': setting<'loopback' | 'everywhere'>({
    description: 'With lan, who may speak plain HTTP: loopback (this machine only) or everywhere.',
    schema: z.enum(['loopback', 'everywhere'], 'must be loopback or everywhere'),
    default: 'loopback',
  }),
  's3-port': setting({ description: 'Port of the S3 API; 0 takes a free one.', schema: port, default: 9000 }),
  port: setting({ description: 'Port of browser, WebDAV, REST and WebSocket; 0 takes a free one.', schema: port, default: 9001 }),
  's3-domain': setting({
    description: 'Domain under which buckets are also host names (virtual-host style), e.g. s3.example.org.',
    schema: optional(text.regex(/^[a-z0-9.-]+$/i, 'must be a domain name').transform((value) => value.toLowerCase())),
    default: null,
  }),
  's3-signature-v2': setting<'off' | 'urls' | 'all'>({
    description:
      "What may be signed by AWS's old signature version 2: urls (presigned URLs and forms, as boto3, aws-cli and s3cmd make them by default), all (requests too, for old clients), or off.",
    schema: z.enum(['off', 'urls', 'all'], 'must be off, urls or all'),
    default: 'urls',
  }),
  'website-domain': setting({
    description:
      'Domain under which buckets that are websites are host names, e.g. sites.example.org; bucket.s3-website.localhost always is one.',
    schema: optional(text.regex(/^[a-z0-9.-]+$/i, 'must be a domain name').transform((value) => value.toLowerCase())),
    default: null,
  }),
  'public-url': setting({
    description: 'How browsers and clients reach the web port from outside, e.g. https://cloud.example.org.',
    schema: optional(url('http', 'https').transform((value) => value.replace(/\/+$/, ''))),
    default: null,
  }),
  'log-level': setting<'debug' | 'info' | 'warn' | 'error'>({
    description: 'debug, info, warn or error.',
    schema: z.enum(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error'),
    default: 'info',
  }),
  'tls-cert': setting({
    description: 'PEM file of the certificate chain; with tls-key, both ports speak TLS.',
    schema: optional(text),
    default: null,
  }),
  'tls-key': setting({ description: 'PEM file of the private key.', schema: optional(text), default: null }),
  'trusted-proxies': setting({
    description: 'Addresses or networks (10.0.0.0/8), separated by commas, whose X-Forwarded-* headers are believed.',
    schema: list().refine(
      (networks) => networks.every(isNetwork),
      'must be addresses or networks such as 10.0.0.0/8, separated by commas',
    ),
    default: [] as string[],
  }),
  'metrics-token': setting({
    description: 'Bearer token that opens /metrics.',
    schema: optional(text),
    default: null,
    secret: true,
  }),
  'master-key': setting({
    description:
      'The 32 bytes that all stored keys are wrapped with, as 64 hex digits or base64; by default made at the first start, in <data>/master.key.',
    schema: optional(masterKey()),
    default: null,
    secret: true,
  }),
  'master-passphrase': setting({
    description:
      'Words that the master key comes from (argon2id), in place of a key: at least 12 characters, 6 different ones. Without them the stored data cannot be read.',
    schema: optional(z.string().refine(isStrong, 'must have at least 12 characters, 6 different ones')),
    default: null,
    secret: true,
  }),
  encryption: setting<'on' | 'off'>({
    description:
      'on or off: whether what is stored from now on is encrypted. Whatever is stored is read either way; off keeps checksums, and keeps no thief of the disk out.',
    schema: onOff(),
    default: 'on',
  }),
  compression: setting<'on' | 'off'>({
    description: 'on or off: whether what is stored from now on is compressed (zstd) where a sample says that it pays.',
    schema: onOff(),
    default: 'on',
  }),
  'database-url': setting({
    description: 'A Postgres (15 or newer) of your own instead of the embedded one: postgres://user:password@host/database.',
    schema: optional(url('postgres', 'postgresql')),
    default: null,
    secret: true,
    url: true,
  }),
  'redis-url': setting({
    description: 'A Redis shared by several gateways: redis://host:6379.',
    schema: optional(url('redis', 'rediss')),
    default: null,
    secret: true,
    url: true,
  }),
  'chunks-url': setting({
    description: 'An S3-compatible store for the packs: s3://KEY:SECRET@bucket/prefix?endpoint=https://host&region=….',
    schema: optional(s3Location()),
    default: null,
    secret: true,
    url: true,
  }),
  'chunks-ack': setting<'auto' | 'local' | 'shared'>({
    description:
      'With chunks-url, when a write is safe: local (on this disk, sent on later; one gateway only), shared (in the store), auto (local with the embedded database, else shared).',
    schema: z.enum(['auto', 'local', 'shared'], 'must be auto, local or shared'),
    default: 'auto',
  }),
  'chunks-local-bytes': setting({
    description:
      'With chunks-url, how much of the packs may lie on the local disk: on their way, and to be read again. 8GiB, say.',
    schema: byteCount(256 << 20),
    default: 8 * 2 ** 30,
  }),
  'pack-dirs': setting({
    description: 'More directories for the packs, on disks of their own, separated by commas; each pack goes where most is free.',
    schema: list().refine((paths) => paths.every((path) => isAbsolute(path)), 'must be absolute paths, separated by commas'),
    default: [] as string[],
  }),
  'history-days': setting({
    description:
      'For how long what was overwritten or deleted can be restored; with less than min-free left, the oldest goes before that.',
    schema: days(),
    default: 30,
  }),
  'alert-webhook': setting({
    description:
      'Which of the webhooks is told what the owner should know: log-ins from new places, a full disk, damage, jobs that failed.',
    schema: optional(text.min(1)),
    default: null,
  }),
  'smtp-url': setting({
    description: 'The mail server that alerts go by: smtps://user:password@host, or smtp://host:587.',
    schema: optional(url('smtp', 'smtps')),
    default: null,
    secret: true,
    url: true,
  }),
  'alert-mail': setting({
    description: 'To whom alerts are mailed.',
    schema: optional(z.email('must be a mail address')),
    default: null,
  }),
  'alert-mail-from': setting({
    description: 'Who such mail is from; default: whoever it is to.',
    schema: optional(z.email('must be a mail address')),
    default: null,
  }),
  audit: setting<AuditLevel>({
    description:
      'What is recorded of who did what: off, security (rights, accounts, settings, and whoever was refused), writes (changes of files too, which the journal has anyway), all (reads too).',
    schema: z.enum(AUDIT_LEVELS, 'must be off, security, writes or all'),
    default: 'security',
  }),
  'audit-days': setting({
    description: 'For how long records of the audit are kept.',
    schema: days(),
    default: 365,
  }),
  'min-free': setting({
    description:
      'With less than this free on the disk, writes are refused; 2GiB, say. By default 1GiB or a hundredth of the disk, at most a twentieth.',
    schema: optional(byteCount(1 << 20)),
    default: null,
  }),
  'upload-days': setting({
    description: 'After how long an upload in parts that nobody goes on with is forgotten.',
    schema: days(),
    default: 7,
  }),
  processes: setting({
    description: 'How many processes share the listeners.',
    schema: z.coerce
      .number({ error: 'must be a number' })
      .int('must be a whole number')
      .min(1, 'must be 1 to 16')
      .max(16, 'must be 1 to 16'),
    default: 1,
  }),
  'mirror-dir': setting({
    description: 'A directory, best on another disk, for a second copy of every pack; what is damaged is healed from it.',
    schema: optional(text),
    default: null,
  }),
  'mirror-url': setting({
    description:
      'In place of mirror-dir, an S3-compatible store for the second copies: s3://KEY:SECRET@bucket/prefix?endpoint=https://host&region=….',
    schema: optional(s3Location()),
    default: null,
    secret: true,
    url: true,
  }),
  'scrub-every-days': setting({
    description: 'How often everything that is stored is read and checked; 0: only when it is asked for.',
    schema: z.coerce.number({ error: 'must be a number' }).min(0, 'must be 0 or more').max(3650, 'must be at most 3650'),
    default: 30,
  }),
  'scrub-mib-per-second': setting({
    description:
      'How fast, at most, stored data is gone through behind the requests (scrub, copies for the mirror, new data keys), in MiB a second; a quarter of it while requests are running.',
    schema: z.coerce.number({ error: 'must be a number' }).positive('must be more than 0').max(100_000, 'must be at most 100000'),
    default: 64,
  }),
  webhooks: setting({
    description:
      'Where notifications of buckets may go, separated by commas: NAME=https://host/path. A bucket names one by an ARN that ends in NAME.',
    schema: list().refine(
      (targets) => targets.every(isWebhook),
      'must be NAME=URL with http or https, separated by commas; a name has letters, digits, hyphen and underscore',
    ),
    default: [] as string[],
    secret: true,
  }),
  'webhook-secret': setting({
    description: 'What messages to webhooks are signed with (HMAC-SHA256, in X-CloudStore-Signature).',
    schema: optional(text.min(16, 'must have at least 16 characters')),
    default: null,
    secret: true,
  }),
  'webhook-private': setting<'on' | 'off'>({
    description: 'on or off: whether webhooks may lie on this machine or in a private network.',
    schema: onOff(),
    default: 'off',
  }),
  'oidc-issuer': setting({
    description:
      'Issuer of an identity provider (OpenID Connect) by which users may log in, e.g. https://id.example.org; needs oidc-client-id and public-url, and public-url/api/v1/auth/oidc/callback registered there.',
    schema: optional(text.refine(isIssuer, 'must be an https URL; http is for this machine only')),
    default: null,
  }),
  'oidc-client-id': setting({
    description: 'What the gateway is called at the provider.',
    schema: optional(text),
    default: null,
  }),
  'oidc-client-secret': setting({
    description: 'Its secret there; without one it is a public client.',
    schema: optional(text),
    default: null,
    secret: true,
  }),
  'oidc-name': setting({ description: 'What the button of the provider says.', schema: text.max(60), default: 'single sign-on' }),
  'oidc-domains': setting({
    description: 'Only accounts with a verified e-mail address in one of these domains, separated by commas; empty: any.',
    schema: list(),
    default: [] as string[],
  }),
  'oidc-claims': setting({
    description: 'Only accounts of which the provider says all of this: NAME=VALUE, separated by commas, e.g. groups=cloudstore.',
    schema: list().refine((claims) => claims.every((one) => /^[^=]+=./.test(one)), 'must be NAME=VALUE, separated by commas'),
    default: [] as string[],
  }),
  'oidc-create': setting<'off' | 'member' | 'guest'>({
    description:
      'off, member or guest: what somebody becomes who logs in by the provider and has no account linked. Users that are there link theirs themselves.',
    schema: z.enum(['off', 'member', 'guest'], 'must be off, member or guest'),
    default: 'off',
  }),
  'admin-password': setting({
    description: "First start only: the admin's password.",
    schema: optional(text.min(8, 'must have at least 8 characters')),
    default: null,
    secret: true,
  }),
  'access-key-id': setting({
    description: "First start only: the id of the admin's S3 key.",
    schema: optional(text.regex(/^[A-Za-z0-9_.-]{3,128}$/, 'must have 3 to 128 of A-Z, a-z, 0-9, underscore, dot and hyphen')),
    default: null,
  }),
  'secret-access-key': setting({
    description: 'First start only: its secret.',
    schema: optional(text.min(8, 'must have at least 8 characters')),
    default: null,
    secret: true,
  }),
};

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]; // Object.keys forgets its own type
export type SettingValue<N extends SettingName> = (typeof SETTINGS)[N]['default'];
export type SettingValues = { [N in SettingName]: SettingValue<N> };

/** `data-dir` → `CLOUDSTORE_DATA_DIR` */
export function environmentName(name: string): string {
  return `CLOUDSTORE_${name.toUpperCase().replace(/-/g, '_')}`;
}

/** The value as `config print` may show it. */
export function redact(name: SettingName, value: unknown): unknown {
  const { secret, url: isUrl }: Setting<unknown> = SETTINGS[name];
  if (value === null || !secret) return value;
  if (!isUrl || typeof value !== 'string') return '(secret)';
  const shown = new URL(value);
  if (shown.password) shown.password = 'secret';
  for (const [key, given] of [...shown.searchParams])
    if (/secret|password|token|key/i.test(key) || hasPassword(given)) shown.searchParams.set(key, 'secret');
  // Several nodes in one text: to the parser, all behind the first is a path.
  if (hasPassword(shown.pathname)) shown.pathname = '/secret';
  return shown.toString();
}

/** `//user:password@host` in a part of an URL, or what may be that. */
function hasPassword(text: string): boolean {
  const begin = text.indexOf('//');
  return begin >= 0 && text.includes('@', begin);
}

function setting<T>(definition: Setting<T>): Setting<T> {
  return definition;
}
