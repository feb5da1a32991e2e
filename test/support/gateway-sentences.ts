import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const WORDS = /[a-z][,:;)]? [({A-Za-z]/;
/** Whole sentences: what else stands there is for the log. */
const WHOLE = /^[A-Z].*\.$/s;
/** Why a record is damaged, where it stands in a call of `damaged`; also what a chunk is called in a sentence. */
const REASONS = /^(it|its|the disk|another chunk) |^A [a-z ]+ (cannot|failed)/;

/** Words of them are put into sentences, or stand for themselves. */
const SINGLE = /(?!)/;

/** What a document is refused with where its handler says no more. */
const REFUSALS =
  /^(Invalid (Argument|Request)$|The (policy is|tag provided|encryption request|request is not valid for|target bucket for logging))/;

/** Where the gateway's sentences for people stand, and which of the texts there are some. */
const SOURCES: Readonly<Record<string, RegExp>> = {
  'src/auth/explain-rule.ts': WORDS,
  'src/auth/policy-conditions.ts': WORDS,
  'src/auth/policy-document.ts': WORDS,
  'src/auth/policy-statements.ts': WORDS,
  'src/auth/policy-template.ts': WORDS,
  'protocols/s3/bucket-documents.ts': WORDS,
  'protocols/s3/errors.ts': REFUSALS,
  'protocols/s3/json-document.ts': WORDS,
  'protocols/s3/operations/bucket-cors.ts': WORDS,
  'protocols/s3/operations/bucket-lifecycle.ts': WORDS,
  'protocols/s3/operations/bucket-logging.ts': WORDS,
  'protocols/s3/operations/bucket-notification.ts': WORDS,
  'protocols/s3/operations/bucket-settings.ts': WORDS,
  'protocols/s3/operations/bucket-website.ts': WORDS,
  'protocols/s3/operations/object-lock.ts': WORDS,
  'protocols/s3/tag-set.ts': WORDS,
  'src/backup-run.ts': /^The last/,
  'src/blob/checks.ts': WORDS,
  'src/cli/doctor.ts': WORDS,
  'src/cli/offline/verify-backup.ts': WORDS,
  'src/cli/doctor-database.ts': WORDS,
  'src/cli/doctor-mirror.ts': WORDS,
  'src/cli/doctor-packs.ts': WORDS,
  'src/cli/doctor-snapshots.ts': WORDS,
  'src/cli/doctor-storage.ts': WORDS,
  'src/cli/doctor-stores.ts': WORDS,
  'src/config/settings.ts': /[a-z] [a-z].*\.$/s,
  'src/config/load.ts': SINGLE,
  'src/contracts/authorizer.ts': SINGLE,
  'src/core/grant.ts': SINGLE,
  'src/damage-watch.ts': WHOLE,
  'src/engine/inline.ts': REASONS,
  'src/engine/manifest.ts': REASONS,
  'src/engine/record-cipher.ts': REASONS,
  'src/engine/record-format.ts': REASONS,
  'src/engine/record-inspector.ts': REASONS,
  'src/engine/record-reader.ts': REASONS,
  'src/engine/repair.ts': WHOLE,
  'src/engine/scrub-packs.ts': WHOLE,
  'src/engine/scrub-rows.ts': WHOLE,
  'src/engine/verify-object.ts': WHOLE,
  'src/jobs/alerts.ts': WORDS,
  'src/jobs/killed-backup.ts': WORDS,
  'src/login-watch.ts': WHOLE,
  'src/metadata/audit-verify.ts': WORDS,
  'src/system-report.ts': WORDS,
};

/** Told to programs and logs, put in by a test store, or only joined to others. */
const UNSHOWN = new Set([
  'hello blob',
  'Amazon S3',
  '{} takes no document.',
  "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
  'bytes and more',
  'Not everybody could be told. {}',
  'The job verify takes a bucket and a key.',
  '{} is {}.',
]);

/** What jobs count. */
const COUNTED = ['src/jobs', 'src/engine', 'src/events', 'src'];

/** What the gateway says to people (`shown`), and every text that stands in the same files (`all`); `{}` is where it puts something in. */
export function gatewaySentences(root: string): { shown: string[]; all: Set<string> } {
  const shown = new Set<string>();
  const all = new Set<string>();
  for (const [path, which] of Object.entries(SOURCES))
    for (const text of textsAndNames(readFileSync(join(root, path), 'utf8'))) {
      all.add(text);
      if (which.test(text) && !UNSHOWN.has(text)) shown.add(text);
    }
  for (const unit of unitsOf(root)) {
    all.add(unit);
    shown.add(unit);
  }
  return { shown: [...shown], all };
}

/** What is wrong with a translation of them. */
export function sentenceFaults({ shown, all }: ReturnType<typeof gatewaySentences>, catalog: Record<string, string>): string[] {
  const out: string[] = [];
  for (const text of shown) if (catalog[text] === undefined) out.push(`${text}: lacks`);
  for (const [key, text] of Object.entries(catalog)) {
    if (!all.has(key)) out.push(`${key}: the gateway does not say it`);
    const holes = key.split('{}').length - 1;
    const named = [...text.matchAll(/\{(\d*)\}/g)].map(([, number]) => Number(number)).sort();
    if (named.join() !== Array.from({ length: holes }, (_, index) => index + 1).join()) out.push(`${key}: has other values`);
  }
  return out;
}

function unitsOf(root: string): string[] {
  return COUNTED.flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: directory !== 'src', encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => [...readFileSync(join(root, directory, name), 'utf8').matchAll(/\bunit: '(\w+)'/g)])
      .map(([, unit]) => unit ?? ''),
  );
}

/** Names of members too: what was looked at is called by them. */
function textsAndNames(source: string): string[] {
  return [...textsOf(source), ...[...source.matchAll(/\b(\w+): /g)].map(([, name]) => name ?? '')];
}

/** Every text in a source: what stands in quotes, and templates with `{}` for what is put in. */
export function textsOf(source: string): string[] {
  const out: string[] = [];
  let at = 0;
  const quoted = (quote: string): void => {
    let text = '';
    for (at++; at < source.length && source[at] !== quote; at++) text += source[at] === '\\' ? source[++at] : source[at];
    at++;
    out.push(text);
  };
  const template = (): void => {
    let text = '';
    for (at++; at < source.length && source[at] !== '`'; ) {
      if (source.startsWith('${', at)) {
        at += 2;
        code('}');
        text += '{}';
      } else {
        if (source[at] === '\\') at++;
        text += source[at++];
      }
    }
    at++;
    out.push(text);
  };
  /** Where a value may begin, a slash begins a pattern, and quotes in it are none. */
  const pattern = (): void => {
    let listed = false;
    for (at++; at < source.length && (listed || source[at] !== '/'); at++) {
      if (source[at] === '\\') at++;
      else if (source[at] === '[') listed = true;
      else if (source[at] === ']') listed = false;
    }
    at++;
  };
  const skip = (to: string): void => {
    const end = source.indexOf(to, at);
    at = end < 0 ? source.length : end + to.length;
  };
  function code(end: string): void {
    let depth = 0;
    while (at < source.length) {
      const char = source[at] ?? '';
      if (source.startsWith('//', at)) skip('\n');
      else if (source.startsWith('/*', at)) skip('*/');
      else if (char === '/' && /(^|[(,=:[!&|?{};]|=>)\s*$/.test(source.slice(Math.max(0, at - 200), at))) pattern();
      else if (char === "'" || char === '"') quoted(char);
      else if (char === '`') template();
      else {
        at++;
        if (char === end && depth === 0) return;
        if (char === '{') depth++;
        if (char === '}') depth--;
      }
    }
  }
  code('');
  return out;
}
