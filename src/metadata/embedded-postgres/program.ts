import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Binaries } from './binaries.ts';
import type { ServerUser } from './server-user.ts';

/** How one of the server's programs is started. */
export interface ProgramOptions {
  binaries: Binaries;
  user: ServerUser;
  /** Directories that the arguments name by `at(index)`. */
  directories: string[];
  /** A file descriptor for stdout and stderr; absent: pipes. */
  output?: number;
  /** Survives Ctrl-C and the gateway: a session of its own. */
  detached?: boolean;
}

/**
 * Starts a program with its directories as open descriptors where the platform can name them (Linux), because the server's
 * user may not walk the path to them: every `mktemp -d` of root is a 0700 parent. It also keeps the socket's path short.
 */
export function startProgram(
  program: string,
  args: (at: (index: number) => string) => string[],
  options: ProgramOptions,
): ChildProcess {
  const byDescriptor = process.platform === 'linux';
  const descriptors = byDescriptor ? options.directories.map((path) => openSync(path, 'r')) : [];
  const at = (index: number): string => (byDescriptor ? `/proc/self/fd/${3 + index}` : (options.directories[index] as string));
  try {
    const output = options.output ?? 'pipe';
    return spawn(program, args(at), {
      stdio: [options.output === undefined ? 'pipe' : 'ignore', output, output, ...descriptors],
      cwd: '/',
      env: options.binaries.env,
      detached: options.detached ?? false,
      ...options.user.spawn,
    });
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

/** Runs a program to its end. `output` is stdout and stderr as they came. */
export function runProgram(
  program: string,
  args: (at: (index: number) => string) => string[],
  options: Omit<ProgramOptions, 'output' | 'detached'> & { input?: string },
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = startProgram(program, args, options);
    let output = '';
    const gather = (chunk: Buffer): void => {
      if (output.length < 100_000) output += chunk.toString();
    };
    child.stdout?.on('data', gather);
    child.stderr?.on('data', gather);
    child.stdin?.on('error', () => undefined); // a program that ended early says why in its output and code
    child.stdin?.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
