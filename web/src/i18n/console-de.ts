import type { Message } from './catalog.ts';
import type { consoleEn } from './console-en.ts';

export const consoleDe: Record<keyof typeof consoleEn, Message> = {
  'setup.again': 'Noch einmal dasselbe',
  'setup.begin':
    'Noch hat sich niemand angemeldet. Das Terminal, das das Gateway gestartet hat, nannte ein Passwort und ein Einrichtungs-Token: Jedes von beiden öffnet es.',
  'setup.byName': 'Mit einem Namen anmelden',
  'setup.chosen': 'Das Konto {name} gehört jetzt Ihnen.',
  'setup.connectText': 'Alles ist bereit. Wie es weitergeht, bestimmen Sie.',
  'setup.connectTitle': 'Ein Gerät verbinden',
  'setup.connectWhy': 'Netzlaufwerk, S3-Programme, Telefon: Jedes bekommt einen eigenen Zugang, den Sie zurücknehmen können.',
  'setup.dataText': 'Alles Gespeicherte liegt in diesem Ordner des Rechners, auf dem das Gateway läuft.',
  'setup.dataTitle': 'Wo Ihre Dateien liegen',
  'setup.domain': 'Eine Domain im Internet',
  'setup.domainText':
    'Ein Proxy mit Zertifikat steht vor dem Gateway und reicht Anfragen weiter; oder das Gateway bekommt das Zertifikat selbst durch tls-cert und tls-key.',
  'setup.drive': 'Dateien hochladen',
  'setup.driveText':
    'Ziehen Sie Dateien und Ordner in die Seite. Sie laufen weiter, auch wenn der Tab oder das Gateway geschlossen war.',
  'setup.enough': 'Geben Sie ein Passwort mit mindestens 8 Zeichen ein.',
  'setup.finish': 'Fertig',
  'setup.folder': 'Ordner',
  'setup.free': 'Frei auf seiner Platte: {size}. Das Gateway nimmt nichts mehr an, wenn nur noch {reserve} übrig sind.',
  'setup.lan': 'Dieses Netzwerk',
  'setup.lanText': 'Geräte im Netzwerk finden das Gateway und sprechen HTTPS mit ihm, mit einem eigenen Zertifikat.',
  'setup.later': 'Das laufende Gateway kann das nicht ändern. Schreiben Sie dies in {file}, und starten Sie es neu:',
  'setup.leave': 'Beenden: Die Vorgaben sind gut',
  'setup.limit': 'Wie groß Ihre Dateien insgesamt werden dürfen, in GB',
  'setup.limitHint': 'Leer: so weit die Platte reicht. Es gilt sofort und lässt sich unter „Benutzer“ ändern.',
  'setup.moreDisks': 'Ein anderer Ordner oder mehr Platten',
  'setup.moreText':
    'Ein leerer Ordner fängt neu an. Um Vorhandenes umzuziehen, halten Sie das Gateway an, und verschieben Sie zuerst den ganzen Ordner. Weitere Platten nehmen daneben Packs auf:',
  'setup.next': 'Weiter',
  'setup.now': 'So ist es jetzt',
  'setup.open': 'Los',
  'setup.passkey': 'Stattdessen ein Passkey',
  'setup.password': 'Ihr eigenes Passwort',
  'setup.passwordText':
    'Der erste Start hat ein Passwort für das Konto {name} erzeugt. Wählen Sie eines, das nur Sie kennen; das ausgegebene öffnet dann nichts mehr.',
  'setup.passwordTitle': 'Machen Sie es zu Ihrem',
  'setup.pc': 'Nur dieser Rechner',
  'setup.pcText': 'Nichts anderes im Netzwerk kann sich verbinden.',
  'setup.reachText': 'Sie allein bestimmen, wer sich verbinden kann. Es lässt sich später ebenso ändern.',
  'setup.reachTitle': 'Wer es erreichen darf',
  'setup.secret': 'Passwort oder Einrichtungs-Token',
  'setup.skip': 'Jetzt nicht',
  'setup.step': 'Schritt {step} von {count}',
  'setup.title': 'Willkommen bei CloudStore',
  'setup.wrong': 'Das ist weder das ausgegebene Passwort noch das Token, oder das Token wurde schon benutzt.',
};
