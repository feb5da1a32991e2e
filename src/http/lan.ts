import { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Language, languageOf } from './language.ts';

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
      ? ['text/html; charset=utf-8', Buffer.from(pageOf(fingerprintOf(authority), languageOf(req.headers['accept-language'])))]
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

interface Words {
  title: string;
  why: string;
  /** With DER and PEM in their places. */
  download: string;
  compare: string;
  steps: [system: string, how: string][];
  bounds: string;
}

const WORDS: Record<Language, Words> = {
  en: {
    title: 'Trust this CloudStore',
    why: `This gateway encrypts what goes over your network. Nobody outside knows it, so it vouches for itself with a certificate authority of its own, made on its first start.
Each device has to be told once that it may trust it: without that, Windows mounts no drive, and browsers warn.`,
    download: `<a href="${DER}">Download the certificate (.crt)</a>, or <a href="${PEM}">as a .pem file</a>.`,
    compare: 'Before you install it, compare its SHA-256 fingerprint with the one that the gateway printed when it started:',
    steps: [
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
    ],
    bounds: 'It can vouch for names and addresses of local networks only, so whoever stole it could not pretend to be your bank.',
  },
  de: {
    title: 'Diesem CloudStore vertrauen',
    why: `Dieses Gateway verschlüsselt, was über Ihr Netz geht. Draußen kennt es niemand; deshalb bürgt es für sich selbst, mit einer eigenen Zertifizierungsstelle, die es beim ersten Start
angelegt hat. Jedem Gerät muss einmal gesagt werden, dass es ihr trauen darf: Sonst bindet Windows kein Laufwerk ein, und Browser warnen.`,
    download: `<a href="${DER}">Zertifikat herunterladen (.crt)</a>, oder <a href="${PEM}">als .pem-Datei</a>.`,
    compare:
      'Vergleichen Sie vor dem Installieren den SHA-256-Fingerabdruck mit dem, den das Gateway bei seinem Start ausgegeben hat:',
    steps: [
      [
        'Windows',
        'Datei öffnen, „Zertifikat installieren …“, „Lokaler Computer“ und den Speicher „Vertrauenswürdige Stammzertifizierungsstellen“ wählen.',
      ],
      [
        'macOS',
        'Datei öffnen; in der Schlüsselbundverwaltung das Zertifikat öffnen und unter „Vertrauen“ „Immer vertrauen“ wählen.',
      ],
      [
        'iPhone und iPad',
        'Datei in Safari öffnen, das Profil in den Einstellungen installieren und es dann unter „Allgemein“, „Info“, „Zertifikatsvertrauenseinstellungen“ einschalten.',
      ],
      ['Android', 'Einstellungen, Sicherheit, Verschlüsselung und Anmeldedaten, Zertifikat installieren, CA-Zertifikat.'],
      [
        'Linux',
        'Die .pem-Datei nach /usr/local/share/ca-certificates/cloudstore.crt kopieren und update-ca-certificates ausführen. Firefox hat eine eigene Liste: Einstellungen, Zertifikate.',
      ],
    ],
    bounds:
      'Sie kann nur für Namen und Adressen örtlicher Netze bürgen: Wer sie stiehlt, könnte sich nicht als Ihre Bank ausgeben.',
  },
};

function pageOf(fingerprint: string, language: Language): string {
  const { title, why, download, compare, steps, bounds } = WORDS[language];
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}code{overflow-wrap:anywhere}</style></head>
<body>
<h1>${title}</h1>
<p>${why}</p>
<p>${download}</p>
<p>${compare}<br><code>${fingerprint}</code></p>
<ul>${steps.map(([system, how]) => `<li><b>${system}</b>: ${how}</li>`).join('\n')}</ul>
<p>${bounds}</p>
</body>
</html>
`;
}
