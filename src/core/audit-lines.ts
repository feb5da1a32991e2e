import type { AuditRecord } from './audit.ts';

/** A record as it leaves: times in ISO 8601, the hash in hex. */
export function auditJson({ at, hash, ...rest }: AuditRecord) {
  return { ...rest, at: new Date(at).toISOString(), hash: hash.toString('hex') };
}

const COLUMNS = [
  'id',
  'at',
  'name',
  'principal',
  'credential',
  'protocol',
  'action',
  'resource',
  'outcome',
  'status',
  'address',
  'requestId',
  'details',
  'hash',
] as const;

export const AUDIT_CSV_HEAD = `${COLUMNS.join(',')}\r\n`;

/** RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front: names come from strangers. */
export function auditCsv(record: AuditRecord): string {
  const shown = auditJson(record);
  return `${COLUMNS.map((column) => cell(shown[column])).join(',')}\r\n`;
}

function cell(value: unknown): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  const text = /^[=+\-@\t\r\n＝＋－＠]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) || text !== plain ? `"${text.replaceAll('"', '""')}"` : text;
}
