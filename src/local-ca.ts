import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { writeDurably } from './data-directory.ts';

/** What a gateway on a local network shows of itself. */
export interface LanCertificate {
  /** PEM. */
  authority: Buffer;
  cert: Buffer;
  key: Buffer;
}

/** How this machine is called and reached. */
export interface HostNames {
  dns: string[];
  addresses: string[];
}

const AUTHORITY_FILE = 'local-ca.pem';
const CERTIFICATE_FILE = 'lan-certificate.pem';
const DAY_MS = 86_400_000;
/** Apple refuses certificates that last longer than 825 days. */
const CERTIFICATE_DAYS = 180;
const RENEWED_BEFORE_DAYS = 60;
const AUTHORITY_DAYS = 3650;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * The authority can vouch for local names and private addresses only, and for those that this machine had when it was made (RFC 5280 §4.2.1.10): its key, which lies on
 * this machine, is worth nothing elsewhere.
 */
const LOCAL_DOMAINS = ['localhost', 'local', 'lan', 'home', 'home.arpa', 'internal', 'intranet', 'localdomain', 'fritz.box'];
const LOCAL_NETWORKS = [
  ['10.0.0.0', '255.0.0.0'],
  ['172.16.0.0', '255.240.0.0'],
  ['192.168.0.0', '255.255.0.0'],
  ['100.64.0.0', '255.192.0.0'],
  ['169.254.0.0', '255.255.0.0'],
  ['127.0.0.0', '255.0.0.0'],
] as const;
const LOCAL_NETWORKS_6 = [
  ['fc00', 'fe00'],
  ['fe80', 'ffc0'],
] as const;

/** Names that an authority of this machine may vouch for, and all its addresses. */
export function localNames(): HostNames {
  const own = hostname().toLowerCase().replace(/\.$/, '');
  const bare = own.split('.')[0] ?? own;
  const dns = [...new Set(['localhost', bare, own, `${bare}.local`])].filter((name) => /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(name));
  const found = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = found.map(({ address }) => address.split('%')[0] ?? '');
  return {
    dns: dns.filter((name) => isLocalName(name, bare)),
    addresses: [...new Set(['127.0.0.1', '::1', ...addresses])].sort(),
  };
}

/**
 * The certificate of now: the one in the data directory as long as it lasts and names this machine as it is; else a new one by the authority, which is made
 * once. Only one process of a data directory may make; the others read.
 */
export async function lanCertificate(
  dataDirectory: string,
  { mayMake, clock, random, names: own = localNames() }: { mayMake: boolean; clock: Clock; random: Random; names?: HostNames },
): Promise<LanCertificate> {
  const authorityPath = join(dataDirectory, AUTHORITY_FILE);
  const certificatePath = join(dataDirectory, CERTIFICATE_FILE);
  const [authority, kept] = await Promise.all([readPem(authorityPath), readPem(certificatePath)]);
  const vouched = [...(authority?.addresses ?? own.addresses)];
  const names = { ...own, addresses: own.addresses.filter((address) => isLocalAddress(address) || vouched.includes(address)) };
  if (authority !== null && kept !== null && (!mayMake || lasts(kept, authority, names, clock.now())))
    return { authority: authority.cert, ...kept };
  if (!mayMake) throw new CloudStoreError('unavailable', 'The certificate for the local network is not there yet.');
  const signer = authority ?? (await make(authorityPath, () => newAuthority(names, clock, random)));
  const made = await make(certificatePath, () => newCertificate(signer, names, clock, random));
  return { authority: signer.cert, ...made };
}

interface Pair {
  cert: Buffer;
  key: Buffer;
  /** Of an authority: addresses that are not local ones, and that it may vouch for nevertheless. */
  addresses?: string[];
}

/** One file holds both, so that they always fit. null: it is not there. @throws unavailable when it cannot be read as a pair */
async function readPem(path: string): Promise<Pair | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const [key] = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n?/.exec(text) ?? [];
  const [cert] = /-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----\n?/.exec(text) ?? [];
  if (key === undefined || cert === undefined || !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new CloudStoreError('unavailable', `${path} holds no certificate with its key. Remove it, and a new one is made.`);
  }
  const [, addresses = ''] = /^Addresses:(.*)$/m.exec(text) ?? [];
  return { cert: Buffer.from(cert), key: Buffer.from(key), addresses: addresses.split(' ').filter(Boolean) };
}

async function make(path: string, create: () => Promise<Pair>): Promise<Pair> {
  const pair = await create();
  const addresses = pair.addresses === undefined ? '' : `Addresses: ${pair.addresses.join(' ')}\n`;
  await writeDurably(path, `${addresses}${pair.cert}${pair.key}`); // readable by its owner only
  return pair;
}

function lasts({ cert }: Pair, authority: Pair, names: HostNames, now: number): boolean {
  const certificate = new X509Certificate(cert);
  const issuer = new X509Certificate(authority.cert);
  const until = Date.parse(certificate.validTo);
  return (
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey) &&
    Date.parse(certificate.validFrom) <= now &&
    until - now > RENEWED_BEFORE_DAYS * DAY_MS &&
    names.dns.every((name) => certificate.checkHost(name) !== undefined) &&
    names.addresses.every((address) => certificate.checkIP(address) !== undefined)
  );
}

async function newAuthority(names: HostNames, clock: Clock, random: Random): Promise<Pair> {
  const x509 = await library();
  const keys = await generateKeys();
  const addresses = names.addresses.filter((address) => !isLocalAddress(address));
  const [host = 'this machine'] = names.dns.filter((name) => name !== 'localhost');
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(random),
    name: [{ CN: [`CloudStore on ${host} (${random(3).toString('hex')})`] }, { O: ['CloudStore local network'] }],
    notBefore: new Date(clock.now() - DAY_MS),
    notAfter: new Date(clock.now() + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.Extension('2.5.29.30', true, nameConstraints([...LOCAL_DOMAINS, ...names.dns], addresses)),
    ],
  });
  return { ...(await pairOf(certificate.toString('pem'), keys.privateKey)), addresses };
}

async function newCertificate(authority: Pair, names: HostNames, clock: Clock, random: Random): Promise<Pair> {
  const x509 = await library();
  const keys = await generateKeys();
  const issuer = new x509.X509Certificate(authority.cert.toString());
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(authority.key).export({ type: 'pkcs8', format: 'der' }),
    ALGORITHM,
    false,
    ['sign'],
  );
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(random),
    subject: [{ CN: [names.dns.find((name) => name !== 'localhost') ?? 'localhost'] }],
    issuer: issuer.subject,
    notBefore: new Date(clock.now() - DAY_MS),
    notAfter: new Date(clock.now() + CERTIFICATE_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...names.dns.map((value) => ({ type: 'dns' as const, value })),
        ...names.addresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pairOf(certificate.toString('pem'), keys.privateKey);
}

/** Loaded only where a certificate is made. It finds what it needs through decorators, which need their polyfill first. */
async function library(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as Crypto); // node's own is the browsers'
  return x509;
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>; // an asymmetric algorithm gives a pair
}

async function pairOf(pem: string, privateKey: CryptoKey): Promise<Pair> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  return { cert: Buffer.from(`${pem.trim()}\n`), key: Buffer.from(key) };
}

/** Positive, and without a leading zero. */
function serial(random: Random): string {
  const bytes = random(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

/** RFC 5280 §4.2.1.10: permittedSubtrees of DNS names (each with all below it) and of networks. */
function nameConstraints(domains: readonly string[], addresses: readonly string[]): Uint8Array<ArrayBuffer> {
  const names = [...new Set(domains)].map((name) => tlv(0x30, tlv(0x82, Buffer.from(name, 'latin1'))));
  const networks = [
    ...LOCAL_NETWORKS.map(([address, mask]) => Buffer.from([...address.split('.'), ...mask.split('.')].map(Number))),
    ...LOCAL_NETWORKS_6.map(([start, mask]) => Buffer.concat([wide(start), wide(mask)])),
    ...['::1', ...addresses].map((address) => {
      const bytes = bytesOf(address);
      return Buffer.concat([bytes, Buffer.alloc(bytes.length, 0xff)]);
    }),
  ].map((network) => tlv(0x30, tlv(0x87, network)));
  return new Uint8Array(tlv(0x30, tlv(0xa0, Buffer.concat([...names, ...networks]))));
}

/** An address as certificates hold it. */
function bytesOf(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => text.split(':').filter(Boolean);
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(tail === undefined ? 0 : 8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function wide(start: string): Buffer {
  return Buffer.concat([Buffer.from(start, 'hex'), Buffer.alloc(14)]);
}

/** DER: tag, length, content. */
function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function isLocalName(name: string, bare: string): boolean {
  return (
    name === bare || name.startsWith(`${bare}.`) || LOCAL_DOMAINS.some((domain) => name === domain || name.endsWith(`.${domain}`))
  );
}

function isLocalAddress(address: string): boolean {
  if (address.includes(':')) return address === '::1' || /^(f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):/i.test(address);
  const number = numberOf(address);
  return LOCAL_NETWORKS.some(([network, mask]) => (number & numberOf(mask)) >>> 0 === numberOf(network));
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
}
