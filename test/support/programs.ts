import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Where a program lies; null when this machine has none. Debian keeps servers in sbin, which an ordinary user's PATH leaves out.
 * CLOUDSTORE_TEST_PROGRAMS=none: as on a machine that has none of them.
 */
export function findProgram(name: string): string | null {
  if (process.env.CLOUDSTORE_TEST_PROGRAMS === 'none') return null;
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const place of places.filter(Boolean)) {
    const path = join(place, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return null;
}

/**
 * Leaves a suite or test out, with a line that names the missing program; under CLOUDSTORE_TEST_REQUIRE_ALL=1 it fails instead.
 * In the body of a `describe`: `requireProgram('rclone')`. In a hook or test: `requireProgram(this, 'rclone')`.
 */
export function requireProgram(...names: [string, ...string[]]): void;
export function requireProgram(context: Mocha.Context, ...names: [string, ...string[]]): void;
export function requireProgram(first: Mocha.Context | string, ...rest: string[]): void {
  const names = typeof first === 'string' ? [first, ...rest] : rest;
  const context = typeof first === 'string' ? null : first;
  const check = (running: Mocha.Context): void => {
    const missing = names.filter((name) => findProgram(name) === null);
    if (missing.length > 0) leaveOut(running, `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not installed`);
  };
  if (context !== null) check(context);
  else
    before(function () {
      check(this);
    });
}

/** Skips for another reason that lies in the machine: not root, no such kernel feature. */
export function leaveOut(context: Mocha.Context, why: string): never {
  if (process.env.CLOUDSTORE_TEST_REQUIRE_ALL === '1') throw new Error(`${why}, and CLOUDSTORE_TEST_REQUIRE_ALL=1 asks for it`);
  console.log(`      skipped: ${why}`);
  return context.skip();
}
