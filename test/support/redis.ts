import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { findProgram } from './programs.ts';

/** Debian's, on a free port; keeps nothing. */
export async function startRedis(directory: string): Promise<{ url: string; process: ChildProcess }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  const child = spawn(
    findProgram('redis-server') ?? '',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  for await (const chunk of child.stdout) if (/Ready to accept connections/.test((said += chunk))) break;
  return { url: `redis://127.0.0.1:${port}`, process: child };
}
