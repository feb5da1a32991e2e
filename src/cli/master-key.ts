import { text } from 'node:stream/consumers';
import type { Random } from '#core/clock';
import { createJobs } from '#jobs/runner';
import { nodeKeyFileOps } from '../key-files.ts';
import { type ChangedMasterKey, changeMasterKey, type NewMasterKey, sameKindOfKey } from '../master-key-change.ts';
import { type Flags, textFlag } from './flags.ts';
import type { Session } from './session.ts';

/** `master-key rotate`. @throws conflict, invalid_argument, unavailable; nothing is changed then */
export async function rotateMasterKey(session: Session, flags: Flags, random: Random): Promise<ChangedMasterKey> {
  const { source, masterKey, metadata, keyring } = session;
  const to = await wished(session, flags);
  let next: Buffer | null = null;
  const made = (key: Buffer): void => void (next = key);
  const changed = await changeMasterKey(
    { source, masterKey, sealed: metadata.sealed, random, files: nodeKeyFileOps(), made },
    to,
  );
  // What is written down of this command is sealed under the new key, and the settings may not name that yet.
  if (next !== null) keyring.adopt(next);
  // What lies in snapshots is sealed under the old key; the next one begins anew, and soon.
  const jobs = metadata.jobStore;
  const soon = jobs.ensure(['snapshot']).then(() => createJobs(jobs).start('snapshot'));
  await soon.catch(() => undefined); // it comes on its schedule then; the key is changed
  return changed;
}

export interface MasterKeyStatus {
  from: 'data directory' | 'CLOUDSTORE_MASTER_KEY' | 'CLOUDSTORE_MASTER_PASSPHRASE';
  /** Of the key in use; says nothing about it but that it is the same. */
  check: string;
  /** Of a passphrase: by which function it becomes the key. */
  derivation: string | null;
}

/** `master-key status`: the session is only open when the key fits. */
export async function masterKeyStatus({ source, keyring, metadata }: Session): Promise<MasterKeyStatus> {
  const known = await metadata.sealed.masterKey();
  const from =
    source.key !== null
      ? 'CLOUDSTORE_MASTER_KEY'
      : source.passphrase !== null
        ? 'CLOUDSTORE_MASTER_PASSPHRASE'
        : 'data directory';
  return { from, check: keyring.check, derivation: known?.derivation?.algorithm ?? null };
}

async function wished({ source }: Session, flags: Flags): Promise<NewMasterKey> {
  const path = textFlag(flags, 'newKeyFile');
  if (path !== null) return { kind: 'file', path };
  if (flags.newPassphraseStdin === true) return { kind: 'passphrase', words: (await text(process.stdin)).replace(/\r?\n$/, '') };
  return sameKindOfKey(source);
}
