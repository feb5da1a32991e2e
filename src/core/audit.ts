import type { Protocol } from './principal.ts';

/** How much is recorded: each holds the one before. `security`: who may what, and whoever was refused. `writes`: changes of files too. `all`: reads too. */
export const AUDIT_LEVELS = ['off', 'security', 'writes', 'all'] as const;
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

/** `ok`: carried out. `denied`: who it was may not, or could not say who it is. `failed`: for another reason. */
export const AUDIT_OUTCOMES = ['ok', 'denied', 'failed'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** Who did what from where by which door with which verdict. Never holds a secret. */
export interface AuditEvent {
  /** ms since the epoch */
  at: number;
  /** null: nobody that is known. */
  principal: number | null;
  /** As it was called then; what it claimed to be where nobody is known. */
  name: string | null;
  /** What it came with, as `kind:id`. */
  credential: string | null;
  protocol: Protocol | 'web';
  /** The door's name for it: `PutBucketPolicy`, `Login`, `MKCOL`, `user add`. */
  action: string;
  /** What it was done to, as the door spells it: a path without its query. */
  resource: string | null;
  outcome: AuditOutcome;
  /** HTTP's; a command's exit code. */
  status: number;
  address: string | null;
  requestId: string;
  details: Record<string, unknown> | null;
}

/** An event in the chain: nobody changes, removes or slips in one without the chain's key and is not found out. */
export interface AuditRecord extends AuditEvent {
  id: number;
  /** HMAC-SHA256 over the hash before and the event. */
  hash: Buffer;
}

/** What is authenticated of an event, in one spelling. */
export function auditBytes(id: number, event: AuditEvent): Buffer {
  const { at, principal, name, credential, protocol, action, resource, outcome, status, address, requestId, details } = event;
  const fields = [id, at, principal, name, credential, protocol, action, resource, outcome, status, address, requestId];
  return Buffer.from(JSON.stringify([...fields, details === null ? null : sorted(details)]));
}

/** The database keeps no order of names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, inner]) => [name, sorted(inner)]);
}
