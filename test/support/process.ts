import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The checkout. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** What the npm scripts and the launcher run: types are stripped, its own warnings are off, the young heap is small, the old one is not collected for each few MiB, what was compiled is kept. */
export const NODE_ARGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=16',
  '--heap-growing-percent=50',
  `--import=${pathToFileURL(join(ROOT, 'bin', 'compile-cache.js'))}`,
];
export const MAIN = join(ROOT, 'src', 'main.ts');

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  input?: string;
  cwd?: string;
  uid?: number;
  gid?: number;
}

/** Runs a program to its end and gathers what it says. */
export async function runProcess(command: string, args: string[], options: RunOptions = {}): Promise<Finished> {
  const child = startProcess(command, args, options);
  const output = { stdout: '', stderr: '' };
  // By characters: a name may be cut in two between two pieces.
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (output.stderr += chunk));
  child.stdin?.on('error', () => undefined); // it may end without reading
  child.stdin?.end(options.input ?? '');
  const [code, signal] = await once(child, 'close');
  return { code, signal, ...output };
}

/** With the environment of the tests, less every setting of the machine's owner. */
export function startProcess(command: string, args: string[], { env = {}, cwd = ROOT, uid, gid }: RunOptions = {}): ChildProcess {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('CLOUDSTORE_') || name.startsWith('CLOUDSTORE_TEST_'),
  );
  return spawn(command, args, {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
}

/** The command line, in a process of its own. */
export function cloudstore(args: string[], options: RunOptions = {}): Promise<Finished> {
  return runProcess(process.execPath, [...NODE_ARGS, MAIN, ...args], options);
}
