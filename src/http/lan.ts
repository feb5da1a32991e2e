import { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the network is told of a gateway with a certificate authority of its own. */
export interface LanTrust {
  /** PEM. */
  authority: Buffer;
  /** Whether others than this machine may speak plain HTTP too. */
  plainForAll: boolean;
}

const PAGE = '/lan';
const DER = '/lan/cloudstore-ca.crt';
const PEM = '/lan/cloudstore-ca.pem';

/** SHA-256 of the certificate, as every system shows it. */
export function fingerprintOf(authority: Buffer): string {
  return new X509Certificate(authority).fingerprint256;
}

/** The page that explains the certificate authority, and the certificate itself; whether it was one of them. Nothing of it is secret, and it is also there without TLS. */
export function answerLan({ authority }: LanTrust, req: IncomingMessage, res: ServerResponse): boolean {
  const path = (req.url ?? '').split('?', 1)[0];
  if ((req.method !== 'GET' && req.method !== 'HEAD') || (path !== PAGE && path !== DER && path !== PEM)) return false;
  const [type, body] =
    path === PAGE
      ? ['text/html; charset=utf-8', Buffer.from(pageOf(fingerprintOf(authority)))]
      : path === DER
        ? ['application/x-x509-ca-cert', new X509Certificate(authority).raw]
        : ['application/x-pem-file', authority];
  res.writeHead(200, {
    'Content-Type': type,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    ...(path === PAGE ? {} : { 'Content-Disposition': `attachment; filename="${path?.split('/').pop()}"` }),
  });
  res.end(req.method === 'HEAD' ? undefined : body);
  return true;
}

/** Plain HTTP from another machine: it learns how to trust us, and to come back with TLS; passwords are not read from it. */
export function turnAway(trust: LanTrust, req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  if (answerLan(trust, req, res)) return;
  const safe = req.method === 'GET' || req.method === 'HEAD';
  const host = /^[\w.[\]:-]{1,255}$/.test(req.headers.host ?? '') ? req.headers.host : undefined;
  const text = `This address speaks HTTPS. Certificate: http://${host ?? '…'}${PAGE}\n`;
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text), Connection: 'close' };
  if (safe && host !== undefined) res.writeHead(301, { ...headers, Location: `https://${host}${req.url ?? '/'}` });
  else res.writeHead(403, headers);
  res.end(text);
}

export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address === '::1' || /^(::ffff:)?127\./.test(address));
}

function pageOf(fingerprint: string): string {
  const steps: [system: string, how: string][] = [
    [
      'Windows',
      'Open the file, choose “Install Certificate…”, Local Machine, and the store “Trusted Root Certification Authorities”.',
    ],
    ['macOS', 'Open the file; in Keychain Access open the certificate, and under Trust choose “Always Trust”.'],
    [
      'iPhone and iPad',
      'Open the file in Safari, install the profile in Settings, then switch it on in General, About, Certificate Trust Settings.',
    ],
    ['Android', 'Settings, Security, Encryption and credentials, Install a certificate, CA certificate.'],
    [
      'Linux',
      'Copy the .pem file to /usr/local/share/ca-certificates/cloudstore.crt and run update-ca-certificates. Firefox keeps its own list: Settings, Certificates.',
    ],
  ];
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Trust this CloudStore</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}code{overflow-wrap:anywhere}</style></head>
<body>
<h1>Trust this CloudStore</h1>
<p>This gateway encrypts what goes over your network. Nobody outside knows it, so it vouches for itself with a certificate authority of its own, made on its first start. Each device has to be told
once that it may trust it: without that, Windows mounts no drive, and browsers warn.</p>
<p><a href="${DER}">Download the certificate (.crt)</a>, or <a href="${PEM}">as a .pem file</a>.</p>
<p>Before you install it, compare its SHA-256 fingerprint with the one that the gateway printed when it started:<br><code>${fingerprint}</code></p>
<ul>${steps.map(([system, how]) => `<li><b>${system}</b>: ${how}</li>`).join('\n')}</ul>
<p>It can vouch for names and addresses of local networks only, so whoever stole it could not pretend to be your bank.</p>
</body>
</html>
`;
}
