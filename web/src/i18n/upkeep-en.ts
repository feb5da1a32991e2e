/** Texts of what an owner does seldom: keys, a look at everything, what needs a stopped gateway. */
export const upkeepEn = {
  'admin.doctor': 'Check-up',
  'admin.keys': 'Encryption keys',
  'doctor.again': 'Look again',
  'doctor.at': 'Seen {time}.',
  'doctor.cancelled': 'The look was called off',
  'doctor.cancelledText': 'Nothing was changed by it. Look again whenever you like.',
  'doctor.fail': 'Failed',
  'doctor.failed': { one: '1 thing failed', other: '{count} things failed' },
  'doctor.findings': 'What was found',
  'doctor.looking': 'Looking at the machine, the database, the keys and every store…',
  'doctor.ok': 'Good',
  'doctor.text': 'Everything that the gateway needs, in the order in which a start would stumble. It changes nothing.',
  'doctor.todo': 'What to do:',
  'doctor.warn': 'Needs attention',
  'doctor.warned': { one: '1 needs attention', other: '{count} need attention' },
  'doctor.well': { one: 'The one thing that was looked at is well.', other: 'All {count} things that were looked at are well.' },
  'keys.change': 'Change the master key',
  'keys.changeElsewhere':
    'This gateway goes on with the new key. Before its next start you have to change its settings, or it will not start.',
  'keys.changeOthers':
    'Other gateways of the same database need the new key too. Backups that were made before can only be read with the old one: keep both.',
  'keys.changeSame': 'The new key takes the place of the one of now; the old one stays beside it. Nothing has to be set.',
  'keys.changeText':
    'Everything that is sealed under the master key is sealed anew, in one step that takes moments. If it is interrupted, either key counts, and the next start finds it.',
  'keys.changed': 'The master key is changed',
  'keys.changedFile': 'Copy this file to where you keep the old key:',
  'keys.changedWords': 'It comes from the new passphrase, which is kept nowhere. Without those words nothing can be read.',
  'keys.check': 'Check',
  'keys.checkText': 'Tells keys apart, and says nothing else about them.',
  'keys.data': 'Data keys',
  'keys.dataText':
    'Each user’s files are encrypted with keys of the user’s own, which are kept wrapped under the master key. With a new one, what is stored is written anew in the background, and then the older one is forgotten.',
  'keys.derivation': 'Made by',
  'keys.differ': 'The two passphrases differ.',
  'keys.epoch': 'Key number',
  'keys.failed': 'Writing anew failed: {why}',
  'keys.from': 'Comes from',
  'keys.from.file': 'a file',
  'keys.from.passphrase': 'a passphrase in the settings',
  'keys.from.setting': 'the value of a setting',
  'keys.goOn': 'Go on',
  'keys.hurt':
    'Older keys are kept: {damaged} records are damaged and {unreachable} lie on a store that cannot be reached. Check everything under Storage, then go on.',
  'keys.keep':
    'Keep a copy of the master key apart from this machine: without it nobody can read what is stored, and neither can you.',
  'keys.left': 'Something is still encrypted with older keys. The gateway goes on by itself within a day.',
  'keys.lostFile':
    'The next start will not find the master key: it lies elsewhere than the settings say. Set this for the gateway, with the file of the new key, and remove the old setting:',
  'keys.lostWords':
    'The next start will not find the master key: it comes from a passphrase that the settings do not name. Write it into a file that only the gateway’s user can read, set this, and remove the old setting:',
  'keys.master': 'Master key',
  'keys.more': {
    one: 'And 1 more user; “for everybody” includes that one.',
    other: 'And {count} more users; “for everybody” includes them.',
  },
  'keys.older': 'Older ones in use',
  'keys.oldBeside': 'The old one lies beside it, with “.old-” in its name. Backups of before need it.',
  'keys.oldThere': 'Keep the old one too: backups of before need it.',
  'keys.path': 'File for the new key',
  'keys.pathHint':
    'A whole path on the gateway’s machine, of a file that is not there yet, outside of the data directory. The key is made there and shown nowhere.',
  'keys.processes':
    'This gateway runs as several processes and has its key from a setting, so they would not all learn of a new one. Stop it, change the key in a terminal, and start it with the setting that the command tells:',
  'keys.renew': 'New key',
  'keys.renewAll': 'New keys for everybody',
  'keys.renewOf': 'New key for {name}',
  'keys.renewText':
    'What is written from now on has the new key. What is stored is read and written anew at the speed that the settings allow (scrub-mib-per-second); it can be stopped and gone on with. Nothing is unreadable meanwhile.',
  'keys.renewed': 'The new keys are in use.',
  'keys.rewriting': 'What is stored is being written anew',
  'keys.stopped': 'Writing anew was stopped. Older keys stay until all of it is done.',
  'keys.text': 'What everything stored is encrypted with. No key is ever shown, logged or sent.',
  'keys.to.file': 'A new key in another file',
  'keys.to.passphrase': 'A new key from a passphrase',
  'keys.to.same': 'A new key in the same file',
  'keys.todo': 'Before the next start, set this and remove the setting of the old key:',
  'keys.understood': 'I have it',
  'keys.waiting': 'Waiting until every gateway and every upload that is under way uses the new key.',
  'keys.words': 'New passphrase',
  'keys.wordsAgain': 'New passphrase again',
  'keys.wordsHint': 'At least 12 characters, 6 different ones. Several words that nobody would guess are best.',
  'stopped.beside': 'It works beside a running gateway.',
  'stopped.doctor': 'The same check-up in a terminal',
  'stopped.export': 'Take files out without a database',
  'stopped.first': 'Stop the gateway first.',
  'stopped.rebuild': 'Make the database anew',
  'stopped.restore': 'Bring back what is left of a damaged backup',
  'stopped.spool': 'Give up what a lost machine had not yet sent',
  'stopped.text':
    'Some things are done while no gateway runs, or should not be done on the word of a page. In a terminal on this machine, by these commands.',
  'stopped.title': 'What needs a terminal',
  'stopped.when.doctor': 'When the gateway does not start, and so this page does not open.',
  'stopped.when.export':
    'When neither the database nor a gateway starts and files are needed now: it reads the last snapshot and the packs, and writes ordinary files.',
  'stopped.when.rebuild':
    'When the check-up or a start says that the database is lost or broken: it is made from the last snapshot and the packs. What was written after that snapshot may be missing; the command lists it. With --force it also puts a database aside that still works.',
  'stopped.when.restore':
    'When a check of a backup, on the page of backups, finds faults and there is no better one: what cannot be read is left out and named.',
  'stopped.when.spool':
    'Only with packs in S3, when a machine is gone for good whose last packs had not been sent: other gateways refuse to start until somebody gives those up.',
  'stopped.when.withKey':
    'When a backup is to hold the master key as well: whoever has that directory can then read everything, so no page does it.',
  'stopped.withKey': 'A backup with its key',
};
