/** Was die Einstellungen des Gateways bedeuten, nach dem Satz, mit dem es sie beschreibt. */
export const settingsDe: Record<string, string> = {
  'Where the database, the packs, the keys and the logs lie.': 'Wo Datenbank, Packs, Schlüssel und Protokolle liegen.',
  'The address to listen on; with lan it is all addresses, unless it is given.':
    'Die Adresse, auf der gelauscht wird; mit lan sind es alle, wenn keine angegeben ist.',
  'on (or the flag --lan): other devices of the network reach the gateway, by HTTPS with a certificate authority of its own (unless tls-cert is given), and find it by mDNS.':
    'on (oder die Option --lan): Andere Geräte des Netzes erreichen das Gateway, mit HTTPS einer eigenen Zertifizierungsstelle (wenn tls-cert nicht gesetzt ist), und finden es durch mDNS.',
  'With lan, who may speak plain HTTP: loopback (this machine only) or everywhere.':
    'Mit lan: wer unverschlüsseltes HTTP sprechen darf: loopback (nur dieser Rechner) oder everywhere (alle).',
  'Port of the S3 API; 0 takes a free one.': 'Port der S3-API; 0 nimmt einen freien.',
  'Port of browser, WebDAV, REST and WebSocket; 0 takes a free one.':
    'Port von Browser, WebDAV, REST und WebSocket; 0 nimmt einen freien.',
  'Domain under which buckets are also host names (virtual-host style), e.g. s3.example.org.':
    'Domain, unter der Buckets auch Rechnernamen sind (virtual-host style), etwa s3.example.org.',
  "What may be signed by AWS's old signature version 2: urls (presigned URLs and forms, as boto3, aws-cli and s3cmd make them by default), all (requests too, for old clients), or off.":
    'Was mit der alten Signatur 2 von AWS unterschrieben sein darf: urls (Adressen und Formulare, wie boto3, aws-cli und s3cmd sie von sich aus machen), all (auch Anfragen, für alte Programme), oder off.',
  'Domain under which buckets that are websites are host names, e.g. sites.example.org; bucket.s3-website.localhost always is one.':
    'Domain, unter der Buckets, die Websites sind, Rechnernamen sind, etwa sites.example.org; bucket.s3-website.localhost gilt immer.',
  'How browsers and clients reach the web port from outside, e.g. https://cloud.example.org.':
    'Wie Browser und Programme den Web-Port von außen erreichen, etwa https://cloud.example.org.',
  'debug, info, warn or error.': 'debug, info, warn oder error.',
  'PEM file of the certificate chain; with tls-key, both ports speak TLS.':
    'PEM-Datei der Zertifikatskette; mit tls-key sprechen beide Ports TLS.',
  'PEM file of the private key.': 'PEM-Datei des privaten Schlüssels.',
  'Addresses or networks (10.0.0.0/8), separated by commas, whose X-Forwarded-* headers are believed.':
    'Adressen oder Netze (10.0.0.0/8), mit Kommas getrennt, deren X-Forwarded-* geglaubt wird.',
  'Bearer token that opens /metrics.': 'Bearer-Token, das /metrics öffnet.',
  'The 32 bytes that all stored keys are wrapped with, as 64 hex digits or base64; by default made at the first start, in <data>/master.key.':
    'Die 32 Bytes, unter denen alle gespeicherten Schlüssel liegen, als 64 Hex-Ziffern oder base64; sonst beim ersten Start gemacht, in <data>/master.key.',
  'Words that the master key comes from (argon2id), in place of a key: at least 12 characters, 6 different ones. Without them the stored data cannot be read.':
    'Wörter, aus denen der Hauptschlüssel entsteht (argon2id), anstelle eines Schlüssels: mindestens 12 Zeichen, 6 verschiedene. Ohne sie ist nichts Gespeichertes lesbar.',
  'on or off: whether what is stored from now on is encrypted. Whatever is stored is read either way; off keeps checksums, and keeps no thief of the disk out.':
    'on oder off: ob verschlüsselt wird, was von nun an gespeichert wird. Gelesen wird beides; off behält Prüfsummen, und hält keinen ab, der den Datenträger stiehlt.',
  'on or off: whether what is stored from now on is compressed (zstd) where a sample says that it pays.':
    'on oder off: ob komprimiert wird (zstd), was von nun an gespeichert wird, wo eine Probe sagt, dass es sich lohnt.',
  'A Postgres (15 or newer) of your own instead of the embedded one: postgres://user:password@host/database.':
    'Ein eigenes Postgres (ab 15) anstelle des eingebauten: postgres://user:password@host/database.',
  'A Redis shared by several gateways: redis://host:6379.': 'Ein Redis, das sich mehrere Gateways teilen: redis://host:6379.',
  'An S3-compatible store for the packs: s3://KEY:SECRET@bucket/prefix?endpoint=https://host&region=….':
    'Ein S3-Speicher für die Packs: s3://KEY:SECRET@bucket/prefix?endpoint=https://host&region=….',
  'With chunks-url, when a write is safe: local (on this disk, sent on later; one gateway only), shared (in the store), auto (local with the embedded database, else shared).':
    'Mit chunks-url: wann etwas sicher gespeichert ist: local (auf diesem Datenträger, später weitergesendet; nur bei einem Gateway), shared (im Speicher), auto (local mit der eingebauten Datenbank, sonst shared).',
  'With chunks-url, how much of the packs may lie on the local disk: on their way, and to be read again. 8GiB, say.':
    'Mit chunks-url: wie viel der Packs auf dem lokalen Datenträger liegen darf, unterwegs und zum Wiederlesen. Etwa 8GiB.',
  'More directories for the packs, on disks of their own, separated by commas; each pack goes where most is free.':
    'Weitere Verzeichnisse für die Packs, auf eigenen Datenträgern, mit Kommas getrennt; jedes Pack geht dorthin, wo am meisten frei ist.',
  'For how long what was overwritten or deleted can be restored; with less than min-free left, the oldest goes before that.':
    'Wie lange Überschriebenes und Gelöschtes wiederherstellbar bleibt; ist weniger als min-free frei, geht das Älteste früher.',
  'Which of the webhooks is told what the owner should know: log-ins from new places, a full disk, damage, jobs that failed.':
    'Welcher der Webhooks erfährt, was der Besitzer wissen sollte: Anmeldungen von neuen Orten, ein voller Datenträger, Schäden, fehlgeschlagene Aufgaben.',
  'The mail server that alerts go by: smtps://user:password@host, or smtp://host:587.':
    'Der Mailserver, über den Warnungen gehen: smtps://user:password@host, oder smtp://host:587.',
  'To whom alerts are mailed.': 'An wen Warnungen gemailt werden.',
  'Who such mail is from; default: whoever it is to.': 'Von wem solche Mail ist; sonst von dem, an den sie geht.',
  'What is recorded of who did what: off, security (rights, accounts, settings, and whoever was refused), writes (changes of files too, which the journal has anyway), all (reads too).':
    'Was davon aufgezeichnet wird, wer was getan hat: off, security (Rechte, Konten, Einstellungen, und wer abgewiesen wurde), writes (auch Änderungen von Dateien, die ohnehin im Journal stehen), all (auch Lesen).',
  'For how long records of the audit are kept.': 'Wie lange Einträge des Protokolls bleiben.',
  'With less than this free on the disk, writes are refused; 2GiB, say. By default 1GiB or a hundredth of the disk, at most a twentieth.':
    'Ist weniger frei, wird nichts mehr angenommen; etwa 2GiB. Sonst 1GiB oder ein Hundertstel des Datenträgers, höchstens ein Zwanzigstel.',
  'After how long an upload in parts that nobody goes on with is forgotten.':
    'Nach wie langer Zeit ein Upload in Teilen, den niemand fortsetzt, vergessen wird.',
  'How many processes share the listeners.': 'Wie viele Prozesse sich die Ports teilen.',
  'A directory, best on another disk, for a second copy of every pack; what is damaged is healed from it.':
    'Ein Verzeichnis, am besten auf einem anderen Datenträger, für eine zweite Kopie jedes Packs; was beschädigt ist, wird daraus geheilt.',
  'In place of mirror-dir, an S3-compatible store for the second copies: s3://KEY:SECRET@bucket/prefix?endpoint=https://host&region=….':
    'Anstelle von mirror-dir ein S3-Speicher für die zweiten Kopien: s3://KEY:SECRET@bucket/prefix?endpoint=https://host&region=….',
  'How often everything that is stored is read and checked; 0: only when it is asked for.':
    'Wie oft alles Gespeicherte gelesen und geprüft wird; 0: nur, wenn es verlangt wird.',
  'How fast, at most, stored data is gone through behind the requests (scrub, copies for the mirror, new data keys), in MiB a second; a quarter of it while requests are running.':
    'Wie schnell Gespeichertes hinter den Anfragen höchstens durchgegangen wird (Prüfung, zweite Kopien, neue Datenschlüssel), in MiB je Sekunde; ein Viertel davon, solange Anfragen laufen.',
  'Where notifications of buckets may go, separated by commas: NAME=https://host/path. A bucket names one by an ARN that ends in NAME.':
    'Wohin Benachrichtigungen von Buckets gehen dürfen, mit Kommas getrennt: NAME=https://host/path. Ein Bucket nennt einen durch eine ARN, die auf NAME endet.',
  'What messages to webhooks are signed with (HMAC-SHA256, in X-CloudStore-Signature).':
    'Womit Nachrichten an Webhooks unterschrieben werden (HMAC-SHA256, in X-CloudStore-Signature).',
  'on or off: whether webhooks may lie on this machine or in a private network.':
    'on oder off: ob Webhooks auf diesem Rechner oder in einem privaten Netz liegen dürfen.',
  'Issuer of an identity provider (OpenID Connect) by which users may log in, e.g. https://id.example.org; needs oidc-client-id and public-url, and public-url/api/v1/auth/oidc/callback registered there.':
    'Aussteller eines Anmeldedienstes (OpenID Connect), über den sich Benutzer anmelden können, etwa https://id.example.org; braucht oidc-client-id und public-url, und public-url/api/v1/auth/oidc/callback muss dort eingetragen sein.',
  'What the gateway is called at the provider.': 'Wie das Gateway beim Anmeldedienst heißt.',
  'Its secret there; without one it is a public client.': 'Sein Geheimnis dort; ohne eines ist es ein öffentlicher Client.',
  'What the button of the provider says.': 'Was auf dem Knopf des Anmeldedienstes steht.',
  'Only accounts with a verified e-mail address in one of these domains, separated by commas; empty: any.':
    'Nur Konten mit einer bestätigten E-Mail-Adresse in einer dieser Domains, mit Kommas getrennt; leer: alle.',
  'Only accounts of which the provider says all of this: NAME=VALUE, separated by commas, e.g. groups=cloudstore.':
    'Nur Konten, von denen der Anmeldedienst all dies sagt: NAME=VALUE, mit Kommas getrennt, etwa groups=cloudstore.',
  'off, member or guest: what somebody becomes who logs in by the provider and has no account linked. Users that are there link theirs themselves.':
    'off, member oder guest: was jemand wird, der sich über den Anmeldedienst anmeldet und kein verbundenes Konto hat. Vorhandene Benutzer verbinden ihres selbst.',
  "First start only: the admin's password.": 'Nur beim ersten Start: das Passwort des Admins.',
  "First start only: the id of the admin's S3 key.": 'Nur beim ersten Start: die Kennung des S3-Schlüssels des Admins.',
  'First start only: its secret.': 'Nur beim ersten Start: sein Geheimnis.',
};
