import { z } from 'zod';
import { AUDIT_OUTCOMES } from '#core/audit';
import { LIMIT_MAX } from '../schema.ts';

const time = z.iso.datetime();
const text = z.string().min(1).max(2048);

export const AuditRecord = z
  .object({
    id: z.int(),
    at: time,
    principal: z.int().nullable(),
    name: z.string().nullable().meta({ description: 'As it was called then.' }),
    credential: z.string().nullable().meta({ description: 'What it came with, as `kind:id`.' }),
    protocol: z.string(),
    action: z.string(),
    resource: z.string().nullable(),
    outcome: z.enum(AUDIT_OUTCOMES),
    status: z.int(),
    address: z.string().nullable(),
    requestId: z.string(),
    details: z.record(z.string(), z.unknown()).nullable(),
    hash: z.string().meta({ description: 'Hex. Holds the record before.' }),
  })
  .meta({ id: 'AuditRecord' });
export const AuditPage = z
  .object({ items: z.array(AuditRecord).meta({ description: 'Newest first.' }), next: z.string().nullable() })
  .meta({ id: 'AuditPage' });

const filters = {
  name: text.optional(),
  action: text.optional(),
  protocol: text.optional(),
  outcome: z.enum(AUDIT_OUTCOMES).optional(),
  address: text.optional(),
  resource: text.optional().meta({ description: 'What it begins with.' }),
  from: time.optional(),
  to: time.optional(),
};
export const AuditQuery = z.strictObject({
  ...filters,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= LIMIT_MAX, `1 to ${LIMIT_MAX}`)
    .optional(),
});
export const AuditExport = z.strictObject({ ...filters, format: z.enum(['jsonl', 'csv']).optional() });
export const AuditVerdict = z
  .object({
    ok: z.boolean(),
    records: z.int(),
    broken: z.object({ id: z.int(), why: z.string() }).nullable(),
  })
  .meta({ id: 'AuditVerdict' });
