import { AUDIT_LEVELS, type AuditLevel } from '#core/audit';

/** Operations on files; the journal has those too. What is not named here and changes something is of the class `security`: a new one is recorded. */
const WRITES = new Set([
  ...[
    'PutObject',
    'PostObject',
    'CopyObject',
    'RenameObject',
    'DeleteObject',
    'DeleteObjects',
    'CreateMultipartUpload',
    'UploadPart',
  ],
  ...['UploadPartCopy', 'CompleteMultipartUpload', 'AbortMultipartUpload', 'PutObjectTagging', 'DeleteObjectTagging'],
  ...[
    'PutFile',
    'RemoveFile',
    'Move',
    'Copy',
    'Batch',
    'DropPublicFile',
    'BeginDrop',
    'AppendDrop',
    'RemoveDrop',
    'CreateUpload',
    'AppendUpload',
    'OverrideUpload',
    'RemoveUpload',
    'FinishUpload',
  ],
]);
/** They change nothing though they are posted; `ExplainAccess`: the page asks it of everybody when somebody looks who sees a folder. */
const READS = new Set(['Refresh', 'Zip', 'PrepareZip', 'ExplainAccess', 'other', '']);
const WEBDAV_READS = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH']);

/** Which level a request belongs to at least. */
export function auditClass(request: {
  protocol: string;
  op: string;
  method: string;
  status: number;
  /** It brought something to say who it is. */
  credentials: boolean;
}): Exclude<AuditLevel, 'off'> {
  const { protocol, op, method, status } = request;
  if (status === 403 || status === 429) return 'security';
  // Many programs ask without a password first, to be asked for it.
  if (status === 401) return request.credentials ? 'security' : 'all';
  if (protocol === 'web') return 'all';
  // Of a socket its log-in is told and nothing else.
  if (protocol === 'ws') return 'security';
  if (protocol === 'webdav') return WEBDAV_READS.has(method) ? 'all' : 'writes';
  if (op.startsWith('Login')) return 'security';
  if (WRITES.has(op)) return 'writes';
  if (READS.has(op) || method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return 'all';
  return 'security';
}

/** Whether a level records what belongs to a class. */
export function isRecorded(level: AuditLevel, of: Exclude<AuditLevel, 'off'>): boolean {
  return AUDIT_LEVELS.indexOf(level) >= AUDIT_LEVELS.indexOf(of);
}
