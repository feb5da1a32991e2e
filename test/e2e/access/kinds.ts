import { ACTIONS, type Action, definitionOf, roleHolds } from '#core/actions';
import type { GrantRole } from '#core/grant';
import { type Callers, FOLDER, ROLES, roleOf, TO_READ } from './callers.ts';
import type { Kind } from './matrix.ts';

/** What somebody is before a credential takes something away. */
interface Rights {
  /** In the matrix's bucket. */
  bucket: GrantRole | 'root' | Action[] | 'nothing';
  account: 'admin' | 'member' | 'guest';
  only?: { actions?: readonly Action[]; folder?: string; elsewhere?: true };
  known?: false;
}

const NOBODY: Rights = { bucket: 'nothing', account: 'guest', known: false };

const RIGHTS: Record<string, Rights> = {
  admin: { bucket: 'root', account: 'admin' },
  owner: { bucket: 'root', account: 'member' },
  ...Object.fromEntries(ROLES.map((name) => [name, { bucket: roleOf(name), account: 'guest' } satisfies Rights])),
  'in-a-group': { bucket: 'editor', account: 'guest' },
  stranger: { bucket: 'nothing', account: 'member' },
  guest: { bucket: 'nothing', account: 'guest' },
  'by-policy': { bucket: ['read'], account: 'guest' },
  'denied-by-policy': { bucket: 'nothing', account: 'guest' },
  'scoped-to-reading': { bucket: 'editor', account: 'guest', only: { actions: TO_READ } },
  'scoped-elsewhere': { bucket: 'editor', account: 'guest', only: { elsewhere: true } },
  'device-to-read': { bucket: 'root', account: 'member', only: { actions: TO_READ } },
  'device-of-folder': { bucket: 'root', account: 'member', only: { folder: FOLDER } },
  'device-elsewhere': { bucket: 'root', account: 'member', only: { elsewhere: true } },
  nobody: NOBODY,
  'device-of-another-network': NOBODY,
  'device-expired': NOBODY,
  'device-taken-back': NOBODY,
  disabled: NOBODY,
  link: NOBODY,
};

/** Every kind of caller, with what its role and scope say of each action; written apart from the gateway's own evaluation. */
export function kindsOf({ all }: Callers): Kind[] {
  // Here the two are one: devices of another bucket's folder.
  const asked = [...all].filter(([name]) => name !== 'device-of-place');
  return asked.map(([name, caller]) => {
    const rights = RIGHTS[name];
    if (rights === undefined) throw new Error(`Nobody has said what ${name} may.`);
    return { ...caller, name, known: rights.known !== false, may: (action, key) => may(rights, action, key) };
  });
}

function may({ bucket, account, only = {} }: Rights, action: Action, key: string): boolean {
  const { on } = definitionOf(action);
  if (only.actions !== undefined && !only.actions.includes(action)) return false;
  if (action !== 'bucket.list') {
    if (only.elsewhere || (only.folder !== undefined && (on === 'service' || !key.startsWith(only.folder)))) return false;
  }
  if (on === 'service') {
    if (account === 'admin' || action === 'bucket.list' || action.startsWith('account.')) return true;
    return action === 'bucket.create' && account === 'member';
  }
  if (bucket === 'root') return true;
  if (bucket === 'nothing') return false;
  // A policy speaks AWS's words, of which some stand for two of ours.
  return Array.isArray(bucket) ? bucket.some((one) => ACTIONS[one].s3 === ACTIONS[action].s3) : roleHolds(bucket, action);
}
