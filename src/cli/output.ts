import { CloudStoreError, type ErrorCode } from '#core/errors';
import { SettingError } from '../config/setting-error.ts';

/** Exit codes of every command (product's outer face). */
export const EXIT = { ok: 0, error: 1, usage: 2, partial: 3, notFound: 4, auth: 12 } as const;

const EXIT_OF: Partial<Record<ErrorCode, number>> = {
  not_found: EXIT.notFound,
  bucket_not_found: EXIT.notFound,
  principal_not_found: EXIT.notFound,
  key_not_found: EXIT.notFound,
  version_not_found: EXIT.notFound,
  upload_not_found: EXIT.notFound,
  invalid_argument: EXIT.usage,
  invalid_bucket_name: EXIT.usage,
  invalid_key: EXIT.usage,
  unauthenticated: EXIT.auth,
  access_denied: EXIT.auth,
};

/** Data to stdout, one JSON document or lines; words about it to stderr. */
export interface Output {
  data(value: unknown, text: string): void;
  note(text: string): void;
}

export function createOutput(json: boolean, stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream): Output {
  return {
    data: (value, text) => void stdout.write(json ? `${JSON.stringify(value)}\n` : text === '' ? '' : `${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
  };
}

/** A table of left-aligned columns. */
export function table(rows: (string | number)[][]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, String(cell).length)), []);
  return rows
    .map((row) =>
      row
        .map((cell, i) => String(cell).padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/**
 * Words and exit code for a failure: one line for what we know how to say; anything else is a fault of ours and keeps its stack.
 */
export function describeFailure(error: unknown): { text: string; exitCode: number } {
  if (error instanceof SettingError) return { text: error.message, exitCode: EXIT.usage };
  if (error instanceof CloudStoreError) return { text: error.message, exitCode: EXIT_OF[error.code] ?? EXIT.error };
  return { text: error instanceof Error ? (error.stack ?? error.message) : String(error), exitCode: EXIT.error };
}

export function gib(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(0)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
