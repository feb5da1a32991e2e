import type { z } from 'zod';
import type { AuditLog, AuditQuery } from '#contracts/audit';
import type { AuditRecord } from '#core/audit';
import { AUDIT_CSV_HEAD, auditCsv, auditJson } from '#core/audit-lines';
import { CloudStoreError } from '#core/errors';
import { sendBody } from '#http/body';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/audit.ts';

const PAGE = 500;

/** The audit, for admins. */
export const auditRoutes = [
  route({
    method: 'get',
    path: '/audit',
    operation: 'ListAudit',
    actions: ['admin'],
    summary: 'Who did what, from where, by which door, with which verdict; newest first.',
    query: schema.AuditQuery,
    answers: { 200: { description: 'A page.', schema: schema.AuditPage } },
    async handle(x, { query: { cursor, limit = 100, ...filters } }) {
      const query = { ...filtersOf(filters), limit, ...(cursor === undefined ? {} : { before: Number(cursor) }) };
      const found = await logOf(x).page(query);
      sendJson(x.res, 200, { items: found.map(auditJson), next: found.length < limit ? null : String(found.at(-1)?.id) });
    },
  }),
  route({
    method: 'get',
    path: '/audit/export',
    operation: 'ExportAudit',
    actions: ['admin'],
    summary: 'The same, oldest first and whole: JSON lines, or CSV that no spreadsheet takes for formulas.',
    query: schema.AuditExport,
    answers: { 200: { description: 'A line each.', schema: 'bytes' } },
    async handle(x, { query: { format = 'jsonl', ...filters } }) {
      const csv = format === 'csv';
      const log = logOf(x);
      x.res.writeHead(200, {
        'Content-Type': csv ? 'text/csv; charset=utf-8' : 'application/jsonl; charset=utf-8',
        'Content-Disposition': `attachment; filename="audit.${format}"`,
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
      });
      await sendBody(x.res, lines(log, filtersOf(filters), csv), x.cx.signal);
    },
  }),
  route({
    method: 'post',
    path: '/audit/verify',
    operation: 'VerifyAudit',
    actions: ['admin'],
    summary: 'Goes through the whole chain of records: whether one was changed, removed or slipped in.',
    answers: { 200: { description: 'The verdict.', schema: schema.AuditVerdict } },
    async handle(x) {
      const verdict = await logOf(x).verify(x.cx.signal);
      sendJson(x.res, 200, { ok: verdict.broken === null, ...verdict });
    },
  }),
];

async function* lines(log: AuditLog, filters: Filters, csv: boolean): AsyncGenerator<Uint8Array> {
  const line = (record: AuditRecord): string => (csv ? auditCsv(record) : `${JSON.stringify(auditJson(record))}\n`);
  if (csv) yield Buffer.from(AUDIT_CSV_HEAD);
  for (let after = 0; ; ) {
    const page = await log.from(after, PAGE, filters);
    if (page.length > 0) yield Buffer.from(page.map(line).join(''));
    if (page.length < PAGE) return;
    after = page.at(-1)!.id;
  }
}

type Filters = Omit<AuditQuery, 'before' | 'limit'>;

function filtersOf({ from, to, ...rest }: Omit<z.output<typeof schema.AuditExport>, 'format'>): Filters {
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const time = (name: 'from' | 'to', text: string | undefined) => (text === undefined ? {} : { [name]: Date.parse(text) });
  return { ...given, ...time('from', from), ...time('to', to) };
}

function logOf({ deps }: Exchange): AuditLog {
  if (deps.audit === undefined) throw new CloudStoreError('not_implemented', 'This gateway keeps no audit.');
  return deps.audit;
}
