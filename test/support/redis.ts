import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { findProgram } from './programs.ts';

const TRIES = 20;

/** Debian's, on a free port, or on one that it had before; keeps nothing. Whoever takes the port in between makes it begin again. */
export async function startRedis(
  directory: string,
  before?: number,
): Promise<{ url: string; port: number; process: ChildProcess }> {
  let said = '';
  for (let tries = 0; tries < TRIES; tries++) {
    const port = before ?? (await freePort());
    const child = spawn(
      findProgram('redis-server') ?? '',
      ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    said = '';
    for await (const chunk of child.stdout)
      if (/Ready to accept connections/.test((said += chunk))) return { url: `redis://127.0.0.1:${port}`, port, process: child };
    await sleep(100);
  }
  throw new Error(`Redis does not start: ${said}`);
}
