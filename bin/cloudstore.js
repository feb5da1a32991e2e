#!/usr/bin/env node
/**
 * Starts CloudStore on the Node that came with it, whatever Node the host runs this file with: plain JavaScript of the host's
 * day. On POSIX the process becomes the gateway (execve) where the host's Node can do that; else signals are passed on.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = join(root, 'dist', 'src', 'main.js');
const main = existsSync(built) ? built : join(root, 'src', 'main.ts');
const node = findNode();
// Streams keep V8's young generation busy; bounded, 32 of them take 292 MiB and not 313. Half of this slows listings (docs/PERFORMANCE.md).
// The old generation may grow by half before it is collected: V8 let it grow by a few MiB, and buffers in flight count as its own.
const flags = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=16',
  '--heap-growing-percent=50',
  `--import=${new URL('compile-cache.js', import.meta.url)}`,
];
const args = [...flags, main, ...process.argv.slice(2)];

if (typeof process.execve === 'function' && process.platform !== 'win32') {
  process.removeAllListeners('warning');
  process.on('warning', () => {}); // execve is experimental and says so on stderr
  process.execve(node, [node, ...args], process.env);
} else {
  const child = spawn(node, args, { stdio: 'inherit' });
  // The terminal sends Ctrl-C to the whole group; a signal to this process alone must reach the gateway too. It counts repeated
  // ones as one.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`cloudstore: ${node} cannot be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

/** The pinned binary of this platform, else this Node if it is new enough. */
function findNode() {
  const binary = process.platform === 'win32' ? 'node.exe' : 'bin/node';
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const path = join(dirname(manifest), binary);
    if (existsSync(path)) return path;
  } catch {
    // Not for this platform, or installed without optional dependencies.
  }
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  console.error(`cloudstore: needs Node 24 or newer; this is ${process.version}, and the package ${name} is not installed.`);
  process.exit(1);
}
