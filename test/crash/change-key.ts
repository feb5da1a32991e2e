import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createKeyring } from '#engine/keyring';
import { createKeyDesk } from '#key-desk';
import { type KeyFileOps, masterKeyFile, nodeKeyFileOps } from '#key-files';
import { loadMasterKey } from '#master-key';
import { openMetadata } from '#metadata/open';
import { createCrashPoint, type When } from './crash-point.ts';

/** What the program that changes the master key is told. */
export interface KeyRound {
  connection: { url: string } | { socketDirectory: string; port: number; user: string; database: string };
  dataDirectory: string;
  /** Of now; null: the file. */
  passphrase: string | null;
  /** To change to; null: a key in the file. */
  newPassphrase: string | null;
  crashAt: number;
  when: When;
}

/** The program that is killed while it changes the master key; else it says how many calls it made. */
const round: KeyRound = JSON.parse(process.argv[2] ?? '{}');
const crash = createCrashPoint(round.crashAt, round.when);
const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const metadata = await openMetadata({ connection: round.connection, clock: Date, random: randomBytes, log: quiet });
const { dataDirectory, passphrase, newPassphrase } = round;
const source = { dataDirectory, key: null, passphrase, keyPath: null, passphrasePath: null };
const files = counted(nodeKeyFileOps());
const masterKey = await loadMasterKey({ source, sealed: metadata.sealed, random: randomBytes, mayCreate: false, files });
const keyring = createKeyring({ masterKey, keys: metadata.keys, random: randomBytes });
// As the route has it, which is the command's change and what the gateway adds.
const desk = createKeyDesk({
  config: { values: { 'data-dir': dataDirectory, 'pack-dirs': [], 'mirror-dir': null } } as never,
  source,
  keys: { keyring, master: () => masterKey, offer: () => () => undefined, look: async () => undefined },
  metadata,
  jobs: { start: async () => undefined },
  role: { kind: 'alone' },
  clock: Date,
  random: randomBytes,
  log: quiet,
  files,
});
crash.arm();
await desk.changeMasterKey(
  { principal: { id: 1, name: 'ann', role: 'admin' }, protocol: 'rest', requestId: 'r' },
  newPassphrase !== null
    ? { kind: 'passphrase', words: newPassphrase }
    : passphrase === null
      ? { kind: 'same' }
      : { kind: 'file', path: masterKeyFile(dataDirectory) },
);
writeSync(1, `${crash.calls()}\n`);
await metadata.close();

function counted(inner: KeyFileOps): KeyFileOps {
  return {
    read: (path) => crash.call('read', () => inner.read(path)),
    list: (path) => crash.call('list', () => inner.list(path)),
    write: (path, text) => crash.call('write', () => inner.write(path, text)),
    keep: (from, to) => crash.call('keep', () => inner.keep(from, to)),
    rename: (from, to) => crash.call('rename', () => inner.rename(from, to)),
    remove: (path) => crash.call('remove', () => inner.remove(path)),
  };
}
