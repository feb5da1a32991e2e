/** Was das Gateway an Dokumenten von S3 auszusetzen hat. Namen von Feldern und Werten bleiben, wie sie im Dokument stehen. */
export const documentsDe: Record<string, string> = {
  '{} cannot be greater than {}': '{1} dürfen höchstens {2} sein',
  '{} routing rules provided, the number of routing rules in a website configuration is limited to {}.':
    'Das sind {1} RoutingRules; eine Website hat höchstens {2}.',
  '{} "{}" can not have more than one wildcard.': '{1} „{2}“ darf nur einen Platzhalter haben.',
  '{} is not implemented.': '{1} kann dieses Gateway nicht.',
  '{} must be an object': '{1} muss ein Objekt sein',
  "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer":
    '„DaysAfterInitiation“ von AbortIncompleteMultipartUpload muss eine ganze Zahl über null sein',
  "'Days' for Expiration action must be a positive integer": '„Days“ von Expiration muss eine ganze Zahl über null sein',
  "'Date' must be at midnight GMT": '„Date“ muss Mitternacht GMT sein',
  "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer":
    '„NewerNoncurrentVersions“ von NoncurrentVersionExpiration muss eine ganze Zahl über null sein',
  "'NewerNoncurrentVersions' must be at most {}": '„NewerNoncurrentVersions“ darf höchstens {1} sein',
  "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer":
    '„NoncurrentDays“ von NoncurrentVersionExpiration muss eine ganze Zahl über null sein',
  "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.":
    '„ObjectSizeLessThan“ muss größer als „ObjectSizeGreaterThan“ sein.',
  'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse':
    'KMSMasterKeyID gehört nur zu den Verfahren aws:kms und aws:kms:dsse',
  'A notification configuration has at most {} entries.': 'Ein Bucket hat höchstens {1} Benachrichtigungen.',
  'A specified event is not supported for notifications.': 'Eines dieser Ereignisse kann nicht gemeldet werden.',
  'a variable has no name': 'eine Variable hat keinen Namen',
  'a variable is not closed': 'eine Variable ist nicht geschlossen',
  'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty':
    'Ohne RedirectAllRequestsTo braucht es den Suffix von IndexDocument',
  'a webhook did not take the test event': 'ein Webhook hat das Ereignis zur Probe nicht angenommen',
  'AbortIncompleteMultipartUpload cannot be specified with Object Size.':
    'AbortIncompleteMultipartUpload verträgt sich nicht mit einer Größe von Objekten.',
  'AbortIncompleteMultipartUpload cannot be specified with Tags.': 'AbortIncompleteMultipartUpload verträgt sich nicht mit Tags.',
  'Access by the tags of a bucket is not implemented.': 'Zugang nach den Tags eines Buckets gibt es hier nicht.',
  'Action does not apply to any resource(s) in statement': 'Die Action passt zu keiner Resource der Anweisung',
  'Allow with NotPrincipal is not allowed.': 'Allow verträgt sich nicht mit NotPrincipal.',
  'At least one action needs to be specified in a rule': 'Eine Regel braucht mindestens etwas, das sie tut',
  'Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.':
    'Ein Prefix der Regel selbst verträgt sich nicht mit Filter: Er gehört in den Filter.',
  'Cannot provide multiple Tags with the same key': 'Kein Schlüssel eines Tags darf zweimal vorkommen',
  'Cannot specify more than one {} rule in a filter.': 'Ein Filter darf nur eine Regel für {1} haben.',
  'Condition cannot be empty. To redirect all requests without a condition, the condition element should not be present.':
    'Condition darf nicht leer sein. Wer alle Anfragen umleiten will, lässt sie weg.',
  'Conditions do not apply to combination of actions and resources in statement':
    'Die Bedingungen passen nicht zu Action und Resource der Anweisung',
  'Configurations overlap. Configurations on the same bucket cannot share a common event type.':
    'Zwei Benachrichtigungen überschneiden sich: Kein Ereignis darf in beiden stehen.',
  'Could not parse the policy: Statement is empty!': 'Die Richtlinie hat keine Anweisung: Statement ist leer',
  'Default retention period is too large': 'Die Frist ist zu lang',
  'Default retention period must be a positive integer value': 'Die Frist muss eine ganze Zahl über null sein',
  'Duplicate field {}': 'Das Feld {1} kommt zweimal vor',
  'Duplicate Tag Keys are not allowed.': 'Kein Schlüssel eines Tags darf zweimal vorkommen.',
  'ExpiredObjectDeleteMarker cannot be specified with Tags.': 'ExpiredObjectDeleteMarker verträgt sich nicht mit Tags.',
  'ExposeHeader "{}" contains wildcard. We currently do not support wildcard for ExposeHeader.':
    'ExposeHeader „{1}“ enthält einen Platzhalter, was nicht geht.',
  'ExposeHeader "{}" is not the name of a header.': 'ExposeHeader „{1}“ ist kein Name eines Headers.',
  'filter rule name must be either prefix or suffix': 'Die Regel eines Filters heißt prefix oder suffix',
  'Found unsupported HTTP method in CORS config. Unsupported method is {}': 'Die HTTP-Methode {1} geht nicht',
  'Holds until an event are not implemented: there are retention and legal holds.':
    'Sperren bis zu einem Ereignis gibt es hier nicht: Es gibt Fristen und rechtliche Sperren.',
  'ID length should not exceed allowed limit of {}': 'Eine ID hat höchstens {1} Zeichen',
  'Invalid Argument': 'Ein Wert ist nicht erlaubt',
  'Invalid Condition type : {}': 'Diesen Operator gibt es in Condition nicht: {1}',
  'Invalid effect: {}': 'Effect darf nicht {1} sein',
  'Invalid principal in policy': 'Einen Principal der Richtlinie gibt es nicht',
  'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.':
    'Protocol ist http oder https, oder es fehlt.',
  'Invalid Request': 'Das geht so nicht',
  'Invalid value in Condition': 'Ein Wert in Condition ist nicht erlaubt',
  'Invalid value in statement {}: {}': 'Ein Wert der Anweisung {1} ist nicht erlaubt: {2}',
  'is missing': 'fehlt',
  'is not known; known are {}': 'ist nicht bekannt; bekannt sind {1}',
  'is too deep': 'ist zu tief verschachtelt',
  'Missing required field Action': 'Es fehlt das Feld Action',
  'Missing required field Effect': 'Es fehlt das Feld Effect',
  'Missing required field Principal': 'Es fehlt das Feld Principal',
  'Missing required field Resource': 'Es fehlt das Feld Resource',
  'Missing required field Statement': 'Es fehlt das Feld Statement',
  'must be a list': 'muss eine Liste sein',
  'must be a number': 'muss eine Zahl sein',
  'must be a text': 'muss ein Text sein',
  'must be a time as 2026-01-31T00:00:00Z': 'muss eine Zeit wie 2026-01-31T00:00:00Z sein',
  'must be an object': 'muss ein Objekt sein',
  'must be true or false': 'muss true oder false sein',
  'neither true nor false': 'weder true noch false',
  'NewerNoncurrentVersions can only be specified with a Filter element.':
    'NewerNoncurrentVersions geht nur zusammen mit einem Filter.',
  'no address and no network': 'weder eine Adresse noch ein Netz',
  'no ARN': 'kein ARN',
  'no such operator': 'diesen Operator gibt es nicht',
  'no value of this kind': 'kein Wert dieser Art',
  'Nobody pays for requests here.': 'Für Anfragen bezahlt hier niemand.',
  'Object tags': 'Tags eines Objekts',
  'Bucket tag count': 'Tags eines Buckets',
  'Once it is on, it can be suspended or left, and not be unset.':
    'Ist sie einmal an, kann sie angehalten, aber nicht mehr weggenommen werden.',
  "Policies must be valid JSON and the first byte must be '{'": 'Eine Richtlinie ist JSON, das mit „{“ beginnt',
  'Policy document should not specify a principal.': 'Diese Richtlinie darf keinen Principal nennen.',
  'Policy exceeds the maximum allowed document size.': 'Die Richtlinie ist zu lang.',
  'Policy has an invalid condition key': 'Ein Schlüssel in Condition ist nicht bekannt',
  'Policy has invalid action': 'Eine Action der Richtlinie gibt es nicht',
  'Policy has invalid resource': 'Eine Resource der Richtlinie liegt nicht in diesem Bucket, oder ist keine',
  'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.':
    'RedirectAllRequestsTo verträgt sich nicht mit anderen Angaben.',
  'Rule ID must be unique. Found same ID for more than one rule': 'Keine ID einer Regel darf zweimal vorkommen',
  'S3 Transfer Acceleration is not supported for buckets with periods (.) in their names':
    'Für Buckets mit Punkten im Namen gibt es keine Transfer Acceleration',
  'Same ID used for multiple configurations. IDs must be unique': 'Keine ID einer Benachrichtigung darf zweimal vorkommen',
  'Size of filter rule value cannot exceed {} bytes in UTF-8 representation':
    'Der Wert eines Filters hat höchstens {1} Byte in UTF-8',
  'Something that must be there is missing, or a value is none of those allowed.':
    'Etwas Notwendiges fehlt, oder ein Wert ist keiner der erlaubten.',
  'Statement IDs (SID) in a single policy must be unique.': 'Keine Sid darf in einer Richtlinie zweimal vorkommen.',
  'Statement/policy cannot have both Action and NotAction': 'Action und NotAction vertragen sich nicht',
  'Statement/policy cannot have both Principal and NotPrincipal': 'Principal und NotPrincipal vertragen sich nicht',
  'Statement/policy cannot have both Resource and NotResource': 'Resource und NotResource vertragen sich nicht',
  'System tags cannot be added/updated by requester': 'Tags des Systems, deren Schlüssel mit aws: beginnen, gehen nicht',
  'The ARN could not be parsed': 'Der ARN ist keiner',
  'The destination does not exist, or did not take the test event.':
    'Das Ziel gibt es nicht, oder es hat das Ereignis zur Probe nicht angenommen.',
  'The encryption request that you specified is not valid. The valid value is AES256.':
    'Dieses Verfahren der Verschlüsselung gibt es hier nicht; es gibt AES256.',
  'The HostName of a redirect is not valid.': 'Der HostName einer Umleitung ist keiner.',
  'The ID of a CORS rule has at most {} characters.': 'Die ID einer CORS-Regel hat höchstens {1} Zeichen.',
  'The IndexDocument Suffix is not well formed':
    'Der Suffix von IndexDocument darf nicht leer sein und keinen Schrägstrich haben',
  'The maximum size of a prefix is {}.': 'Ein Prefix hat höchstens {1} Byte.',
  'The number of CORS rules should not exceed allowed limit of {} rules.': 'Ein Bucket hat höchstens {1} CORS-Regeln.',
  'The object size of a filter must be a positive integer.': 'Die Größe in einem Filter muss eine ganze Zahl über null sein.',
  'The policy Id must be a string': 'Die Id der Richtlinie muss ein Text sein',
  'The policy is not valid.': 'Die Richtlinie ist nicht gültig.',
  'The policy must contain a valid version string': 'Version muss 2012-10-17 oder 2008-10-17 sein',
  'The provided HTTP error code ({}) is not valid. Valid codes are 4XX or 5XX.':
    'Der HTTP-Fehler {1} geht nicht: Es gehen 4xx und 5xx.',
  'The provided HTTP redirect code ({}) is not valid. Valid codes are 3XX except 300.':
    'Die HTTP-Umleitung {1} geht nicht: Es gehen 3xx außer 300.',
  'The request is not valid for the current state of the bucket.': 'Das geht nicht, solange der Bucket ist, wie er ist.',
  'The Sid must be a string': 'Die Sid muss ein Text sein',
  'The tag provided was not a valid tag.': 'Das ist kein gültiger Tag.',
  'The TagKey you have provided is invalid': 'Der Schlüssel eines Tags ist nicht gültig',
  'The TagValue you have provided is invalid': 'Der Wert eines Tags ist nicht gültig',
  'The target bucket for logging does not exist, is not owned by you, or does not have the appropriate grants for the log-delivery group.':
    'Den Bucket für das Protokoll gibt es nicht, er gehört Ihnen nicht, oder er gibt der Gruppe der Protokolle keine Rechte.',
  'The target prefix has at most {} bytes.': 'Der Anfang der Namen hat höchstens {1} Byte.',
  'The transition default minimum object size is not valid.': 'Die kleinste Größe für Übergänge ist nicht gültig.',
  'There are no edge locations to accelerate transfers.': 'Transfer Acceleration gibt es hier nicht.',
  'There is no EventBridge here; webhooks of the settings are the targets.':
    'EventBridge gibt es hier nicht; Ziele sind die Webhooks der Einstellungen.',
  'There is no key management service here: the default encryption is AES256.':
    'Eine Schlüsselverwaltung gibt es hier nicht: Das Verfahren ist AES256.',
  'There is one storage class here: objects cannot move to another.':
    'Es gibt hier nur eine Speicherklasse: Objekte können in keine andere wechseln.',
  'Unable to validate the following destination configurations': 'Ein Ziel der Benachrichtigungen lässt sich nicht erreichen',
  'Unknown field {}': 'Das Feld {1} ist nicht bekannt',
  "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration":
    'Die Objektsperre braucht eine Versionierung, die an ist',
  'You can only define ReplaceKeyPrefix or ReplaceKey but not both.': 'ReplaceKeyPrefix und ReplaceKey vertragen sich nicht.',
};
