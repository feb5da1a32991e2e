import type { Message } from './catalog.ts';
import type { upkeepEn } from './upkeep-en.ts';

/** Texte dessen, was Besitzer selten tun: Schlüssel, eine Durchsicht von allem, und was ein angehaltenes Gateway braucht. */
export const upkeepDe: Record<keyof typeof upkeepEn, Message> = {
  'admin.doctor': 'Durchsicht',
  'admin.keys': 'Schlüssel',
  'check.bad': {
    one: '1 Sache ist nicht so, wie Packs sie brauchen.',
    other: '{count} Sachen sind nicht so, wie Packs sie brauchen.',
  },
  'check.begin': 'Speicher ausprobieren',
  'check.cases': { one: 'Das eine, das ausprobiert wurde', other: 'Alle {count} Dinge, die ausprobiert wurden' },
  'check.directory': 'Ein Verzeichnis auf diesem Rechner',
  'check.directoryText':
    'Es wird angesehen wie ein neuer Datenträger, beschrieben und gelesen, und so gelassen, wie es war: Sonst wird nichts darin berührt.',
  'check.endpoint': 'Adresse',
  'check.endpointHint': 'Etwa https://s3.example.com. Leer: AWS selbst.',
  'check.good': 'Hier gilt alles, was Packs brauchen.',
  'check.keyId': 'Schlüsselkennung',
  'check.left': 'Etwas von der Prüfung liegt noch dort: Entfernen Sie, was mit „check-“ beginnt.',
  'check.older': { one: '1 ältere', other: '{count} ältere' },
  'check.prefix': 'Ordner im Bucket',
  'check.range': 'Kleines Lesen dauert',
  'check.read': 'Lesen',
  'check.region': 'Region',
  'check.running': 'Ein Speicher wird ausprobiert',
  'check.s3': 'Ein Speicher, der S3 spricht',
  'check.s3Text':
    'Das Gateway schreibt, liest und entfernt dort eigene Blobs. Das Geheimnis bleibt versiegelt, bis die Prüfung gelaufen ist, und wird niemandem gezeigt.',
  'check.secret': 'Geheimer Schlüssel',
  'check.small': 'Kleines Schreiben dauert',
  'check.speed': '{mib} MiB/s',
  'check.stores': 'Ausprobierte Speicher',
  'check.text':
    'Ob ein Ort Packs halten kann: Jedes Versprechen, auf das sich das Gateway verlässt, wird ausprobiert, dann wird gemessen. Bevor er dazukommt, oder wann immer Sie zweifeln.',
  'check.this': 'Ausprobieren',
  'check.waits': '{median} ms, höchstens {max} ms',
  'check.write': 'Schreiben',
  'filter.fold': 'Filter',
  'filter.folded': { one: '1 Filter', other: '{count} Filter' },
  'job.check-storage': 'Probiert einen Speicher für Packs aus. Beginnt unter „Speicher“.',
  'verify.again': 'Noch einmal prüfen',
  'verify.againOf': '{name} noch einmal prüfen',
  'verify.asStored': 'Wie gespeichert',
  'verify.begin': 'Datei prüfen',
  'verify.cancelled': 'Angehalten nach {size}; bis dahin war alles in Ordnung.',
  'verify.file': 'Datei',
  'verify.files': 'Einzeln geprüfte Dateien',
  'verify.good': '{size} gelesen: Jedes Byte ist so, wie es gespeichert wurde.',
  'verify.key': 'Pfad im Bucket',
  'verify.keyHint': 'Etwa Dokumente/Brief.pdf',
  'verify.lost': 'Die Prüfung kam hier nicht zu ihrem Ende: Eine andere trat an ihre Stelle. Versuchen Sie es noch einmal.',
  'verify.none': 'Noch keine. Eine Datei lässt sich auch in ihren Details prüfen, eine Version in ihrem Verlauf.',
  'verify.now': 'Jetzt prüfen',
  'verify.of': '{name} prüfen',
  'verify.remedy':
    'Laden Sie dieselben Bytes noch einmal hoch, holen Sie eine ältere Version zurück, oder nehmen Sie sie aus einer Sicherung. Prüfen Sie danach alles.',
  'verify.running': 'Eine Datei wird gelesen',
  'verify.text':
    'Sie wird jetzt bis zum letzten Byte gelesen, jedes Stück gegen das gehalten, als was es gespeichert wurde. Was eine zweite Kopie heilen kann, wird geheilt.',
  'verify.version': 'Version, nach ihrer Kennung',
  'verify.versionOf': 'Version {id}',
  'verify.versionNow': 'Die Version vom {time} prüfen',
  'doctor.again': 'Noch einmal nachsehen',
  'doctor.at': 'Gesehen {time}.',
  'doctor.cancelled': 'Die Durchsicht wurde abgebrochen',
  'doctor.cancelledText': 'Sie hat nichts verändert. Sehen Sie noch einmal nach, wann Sie wollen.',
  'doctor.fail': 'Fehlgeschlagen',
  'doctor.failed': { one: '1 Sache ist nicht in Ordnung', other: '{count} Sachen sind nicht in Ordnung' },
  'doctor.findings': 'Was gefunden wurde',
  'doctor.looking': 'Rechner, Datenbank, Schlüssel und alle Speicher werden angesehen…',
  'doctor.ok': 'Gut',
  'doctor.text':
    'Alles, was das Gateway braucht, in der Reihenfolge, in der ein Start stolpern würde. Dabei wird nichts verändert.',
  'doctor.todo': 'Was zu tun ist:',
  'doctor.warn': 'Braucht Aufmerksamkeit',
  'doctor.warned': { one: '1 braucht Aufmerksamkeit', other: '{count} brauchen Aufmerksamkeit' },
  'doctor.well': {
    one: 'Die eine Sache, die angesehen wurde, ist in Ordnung.',
    other: 'Alle {count} Sachen, die angesehen wurden, sind in Ordnung.',
  },
  'keys.change': 'Hauptschlüssel wechseln',
  'keys.changeElsewhere':
    'Dieses Gateway läuft mit dem neuen Schlüssel weiter. Vor seinem nächsten Start müssen Sie seine Einstellungen ändern, sonst startet es nicht.',
  'keys.changeOthers':
    'Andere Gateways derselben Datenbank brauchen den neuen Schlüssel auch. Sicherungen von vorher lassen sich nur mit dem alten lesen: Bewahren Sie beide auf.',
  'keys.changeSame':
    'Der neue Schlüssel tritt an die Stelle des jetzigen; der alte bleibt daneben liegen. Einzustellen ist nichts.',
  'keys.changeText':
    'Alles, was unter dem Hauptschlüssel versiegelt ist, wird neu versiegelt, in einem Schritt, der Augenblicke dauert. Wird er unterbrochen, gilt einer der beiden Schlüssel, und der nächste Start findet ihn.',
  'keys.changed': 'Der Hauptschlüssel ist gewechselt',
  'keys.changedFile': 'Kopieren Sie diese Datei dorthin, wo Sie den alten Schlüssel aufbewahren:',
  'keys.changedWords':
    'Er entsteht aus der neuen Passphrase, die nirgends gespeichert ist. Ohne diese Wörter lässt sich nichts lesen.',
  'keys.check': 'Prüfwert',
  'keys.checkText': 'Unterscheidet Schlüssel voneinander, und sagt sonst nichts über sie.',
  'keys.data': 'Datenschlüssel',
  'keys.dataText':
    'Die Dateien jedes Benutzers sind mit eigenen Schlüsseln verschlüsselt, die ihrerseits unter dem Hauptschlüssel liegen. Mit einem neuen wird das Gespeicherte im Hintergrund neu geschrieben und der ältere danach vergessen.',
  'keys.derivation': 'Gebildet durch',
  'keys.differ': 'Die beiden Passphrasen sind verschieden.',
  'keys.epoch': 'Schlüsselnummer',
  'keys.failed': 'Das Neuschreiben schlug fehl: {why}',
  'keys.from': 'Stammt aus',
  'keys.from.file': 'einer Datei',
  'keys.from.passphrase': 'einer Passphrase in den Einstellungen',
  'keys.from.setting': 'dem Wert einer Einstellung',
  'keys.goOn': 'Fortsetzen',
  'keys.hurt':
    'Ältere Schlüssel bleiben: {damaged} Datensätze sind beschädigt, {unreachable} liegen in einem Speicher, der nicht erreichbar ist. Prüfen Sie alles unter Speicher, und setzen Sie dann fort.',
  'keys.keep':
    'Bewahren Sie eine Kopie des Hauptschlüssels getrennt von diesem Rechner auf: Ohne ihn kann niemand lesen, was gespeichert ist, auch Sie nicht.',
  'keys.left': 'Etwas ist noch mit älteren Schlüsseln verschlüsselt. Das Gateway macht innerhalb eines Tages von selbst weiter.',
  'keys.lostFile':
    'Der nächste Start wird den Hauptschlüssel nicht finden: Er liegt anderswo, als die Einstellungen sagen. Stellen Sie für das Gateway dies ein, mit der Datei des neuen Schlüssels, und entfernen Sie die alte Einstellung:',
  'keys.lostWords':
    'Der nächste Start wird den Hauptschlüssel nicht finden: Er entsteht aus einer Passphrase, die die Einstellungen nicht nennen. Schreiben Sie sie in eine Datei, die nur der Benutzer des Gateways lesen kann, stellen Sie dies ein, und entfernen Sie die alte Einstellung:',
  'keys.master': 'Hauptschlüssel',
  'keys.more': {
    one: 'Und 1 weiterer Benutzer; „für alle“ schließt ihn ein.',
    other: 'Und {count} weitere Benutzer; „für alle“ schließt sie ein.',
  },
  'keys.older': 'Ältere in Gebrauch',
  'keys.oldBeside': 'Der alte liegt daneben, mit „.old-“ im Namen. Sicherungen von vorher brauchen ihn.',
  'keys.oldThere': 'Bewahren Sie auch den alten auf: Sicherungen von vorher brauchen ihn.',
  'keys.path': 'Datei für den neuen Schlüssel',
  'keys.pathHint':
    'Ein ganzer Pfad auf dem Rechner des Gateways, zu einer Datei, die es noch nicht gibt, außerhalb des Datenverzeichnisses. Der Schlüssel entsteht dort und wird nirgends gezeigt.',
  'keys.processes':
    'Dieses Gateway läuft in mehreren Prozessen und hat seinen Schlüssel aus einer Einstellung; von einem neuen würden sie nicht alle erfahren. Halten Sie es an, wechseln Sie den Schlüssel in einem Terminal, und starten Sie es mit der Einstellung, die der Befehl nennt:',
  'keys.renew': 'Neuer Schlüssel',
  'keys.renewAll': 'Neue Schlüssel für alle',
  'keys.renewOf': 'Neuer Schlüssel für {name}',
  'keys.renewText':
    'Was von jetzt an geschrieben wird, hat den neuen Schlüssel. Was gespeichert ist, wird gelesen und neu geschrieben, so schnell die Einstellungen es erlauben (scrub-mib-per-second); das lässt sich anhalten und fortsetzen. Nichts ist währenddessen unlesbar.',
  'keys.renewed': 'Die neuen Schlüssel sind in Gebrauch.',
  'keys.rewriting': 'Das Gespeicherte wird neu geschrieben',
  'keys.stopped': 'Das Neuschreiben wurde angehalten. Ältere Schlüssel bleiben, bis alles erledigt ist.',
  'keys.text': 'Womit alles Gespeicherte verschlüsselt ist. Kein Schlüssel wird je gezeigt, aufgezeichnet oder verschickt.',
  'keys.to.file': 'Ein neuer Schlüssel in einer anderen Datei',
  'keys.to.passphrase': 'Ein neuer Schlüssel aus einer Passphrase',
  'keys.to.same': 'Ein neuer Schlüssel in derselben Datei',
  'keys.todo': 'Stellen Sie vor dem nächsten Start dies ein, und entfernen Sie die Einstellung des alten Schlüssels:',
  'keys.understood': 'Verstanden',
  'keys.waiting': 'Gewartet wird, bis jedes Gateway und jeder laufende Upload den neuen Schlüssel benutzt.',
  'keys.words': 'Neue Passphrase',
  'keys.wordsAgain': 'Neue Passphrase noch einmal',
  'keys.wordsHint': 'Mindestens 12 Zeichen, davon 6 verschiedene. Am besten mehrere Wörter, die niemand errät.',
  'stopped.beside': 'Das geht neben einem laufenden Gateway.',
  'stopped.doctor': 'Dieselbe Durchsicht im Terminal',
  'stopped.export': 'Dateien ohne Datenbank herausholen',
  'stopped.first': 'Halten Sie zuerst das Gateway an.',
  'stopped.rebuild': 'Die Datenbank neu anlegen',
  'stopped.restore': 'Aus einer beschädigten Sicherung zurückholen, was noch da ist',
  'stopped.spool': 'Aufgeben, was ein verlorener Rechner noch nicht verschickt hatte',
  'stopped.text':
    'Manches geschieht, während kein Gateway läuft, oder sollte nicht auf das Wort einer Seite hin geschehen. In einem Terminal auf diesem Rechner, mit diesen Befehlen.',
  'stopped.title': 'Wofür es ein Terminal braucht',
  'stopped.when.doctor': 'Wenn das Gateway nicht startet und sich deshalb diese Seite nicht öffnet.',
  'stopped.when.export':
    'Wenn weder die Datenbank noch ein Gateway startet und Dateien jetzt gebraucht werden: Gelesen werden der letzte Stand und die Packs, geschrieben werden gewöhnliche Dateien.',
  'stopped.when.rebuild':
    'Wenn die Durchsicht oder ein Start sagt, dass die Datenbank verloren oder kaputt ist: Sie entsteht neu aus dem letzten Stand und den Packs. Was danach geschrieben wurde, kann fehlen; der Befehl zählt es auf. Mit --force wird auch eine Datenbank beiseitegelegt, die noch geht.',
  'stopped.when.restore':
    'Wenn eine Prüfung auf der Seite der Sicherungen Fehler findet und es keine bessere gibt: Was sich nicht lesen lässt, wird ausgelassen und genannt.',
  'stopped.when.spool':
    'Nur mit Packs in S3, wenn ein Rechner endgültig verloren ist, dessen letzte Packs noch nicht verschickt waren: Andere Gateways starten erst, wenn jemand diese aufgibt.',
  'stopped.when.withKey':
    'Wenn eine Sicherung auch den Hauptschlüssel enthalten soll: Wer das Verzeichnis hat, kann dann alles lesen; deshalb macht das keine Seite.',
  'stopped.withKey': 'Eine Sicherung mit ihrem Schlüssel',
};
