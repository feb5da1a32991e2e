import { type Command, Option } from 'commander';
import type { AuditQuery } from '#contracts/audit';
import { AUDIT_OUTCOMES, type AuditOutcome } from '#core/audit';
import { AUDIT_CSV_HEAD, auditCsv, auditJson } from '#core/audit-lines';
import { CloudStoreError } from '#core/errors';
import { type Flags, subcommand, textFlag } from './flags.ts';
import type { WithSession } from './job-commands.ts';
import { EXIT, table } from './output.ts';

const PAGE = 1000;
const SHOWN = 50;

/** `audit`: who did what. */
export function addAudit(program: Command, withSession: WithSession, setExit: (code: number) => void): void {
  const audit = program.command('audit').description('Who did what, from where, by which door, with which verdict.');
  withFilters(subcommand(audit, 'list', `Show the newest records that fit, ${SHOWN} unless told.`))
    .option('--limit <n>', 'how many')
    .action((flags: Flags) =>
      withSession(flags, async ({ metadata, keyring }, output) => {
        const limit = numberOf(textFlag(flags, 'limit'));
        const found = await metadata.audit(keyring).page({ ...filtersOf(flags), limit });
        const rows = found.map((one) => {
          const { at, name, protocol, action, resource, outcome, address } = auditJson(one);
          return [at, name ?? '-', protocol, action, resource ?? '', outcome, address ?? ''];
        });
        output.data(found.map(auditJson), table([['TIME', 'WHO', 'DOOR', 'ACTION', 'WHAT', 'OUTCOME', 'FROM'], ...rows]));
      }),
    );
  withFilters(subcommand(audit, 'export', 'Write all records that fit to stdout, oldest first.'))
    .addOption(new Option('--format <format>', 'how').choices(['jsonl', 'csv']).default('jsonl'))
    .action((flags: Flags) =>
      withSession(flags, async ({ metadata, keyring }) => {
        const csv = textFlag(flags, 'format') === 'csv';
        const store = metadata.audit(keyring);
        if (csv) await write(AUDIT_CSV_HEAD);
        for (let after = 0; ; ) {
          const page = await store.from(after, PAGE, filtersOf(flags));
          await write(page.map((record) => (csv ? auditCsv(record) : `${JSON.stringify(auditJson(record))}\n`)).join(''));
          if (page.length < PAGE) return;
          after = page.at(-1)!.id;
        }
      }),
    );
  subcommand(audit, 'verify', 'Go through the whole chain: whether a record was changed, removed or slipped in.').action(
    (flags: Flags) =>
      withSession(flags, async ({ metadata, keyring }, output) => {
        const { verifyAudit } = await import('#metadata/audit-verify');
        const verdict = await verifyAudit(metadata.audit(keyring));
        const { records, broken } = verdict;
        const text =
          broken === null
            ? `${records} records, each as it was written.`
            : `Record ${broken.id}: ${broken.why}. ${records} before it are as they were written.`;
        output.data({ ok: broken === null, ...verdict }, text);
        if (broken !== null) setExit(EXIT.error);
      }),
  );
}

function withFilters(command: Command): Command {
  return command
    .option('--user <name>', 'who')
    .option('--action <action>', 'what, as the door calls it, e.g. PutBucketPolicy')
    .option('--door <protocol>', 's3, webdav, rest, web or cli')
    .addOption(new Option('--outcome <outcome>', 'how it ended').choices(AUDIT_OUTCOMES))
    .option('--address <address>', 'from where')
    .option('--resource <path>', 'what its path begins with')
    .option('--from <time>', 'not before; ISO 8601')
    .option('--to <time>', 'before; ISO 8601');
}

function filtersOf(flags: Flags): Omit<AuditQuery, 'before' | 'limit'> {
  const text = (flag: string, field: string): object => {
    const value = textFlag(flags, flag);
    return value === null ? {} : { [field]: value };
  };
  const outcome = textFlag(flags, 'outcome') as AuditOutcome | null; // one of the choices
  return {
    ...text('user', 'name'),
    ...text('action', 'action'),
    ...text('door', 'protocol'),
    ...text('address', 'address'),
    ...text('resource', 'resource'),
    ...(outcome === null ? {} : { outcome }),
    ...timeOf(flags, 'from'),
    ...timeOf(flags, 'to'),
  };
}

/** @throws invalid_argument */
function timeOf(flags: Flags, flag: 'from' | 'to'): { from?: number; to?: number } {
  const value = textFlag(flags, flag);
  if (value === null) return {};
  const ms = Date.parse(value);
  if (Number.isNaN(ms))
    throw new CloudStoreError('invalid_argument', `--${flag} takes a time like 2026-01-31 or 2026-01-31T12:00:00Z.`);
  return { [flag]: ms };
}

/** @throws invalid_argument */
function numberOf(text: string | null): number {
  const limit = Number(text ?? SHOWN);
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new CloudStoreError('invalid_argument', '--limit takes a whole number from 1 on.');
  return limit;
}

function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())));
}
