/**
 * What a small GET by S3 costs beyond what node:http costs with no work: CPU of the process, by turns against a bare server on the same runtime.
 *   node test/bench/s3-layer.ts [--seconds=5] [--rounds=5] [--bytes=1024] [--clients=16]
 * Each round loads both with wrk, over presigned URLs of objects that lie in memory, and divides the CPU seconds that each used by its requests: less noisy
 * than the clock on the wall. The difference holds all of the gateway but its database: route, authenticate, parse, authorize, look up, answer, log, metrics.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { startGateway } from '../support/gateway.ts';
import { NODE_ARGS } from '../support/process.ts';
import { flag, target, url } from './common.ts';
import { cpuOf } from './cpu.ts';
import { median, wrk } from './load.ts';

const SECONDS = Number(flag('seconds') ?? 5);
const ROUNDS = Number(flag('rounds') ?? 5);
const BYTES = Number(flag('bytes') ?? 1024);
const CLIENTS = Number(flag('clients') ?? 16);
const KEYS = 64;
/** What issue and docs/PERFORMANCE.md hold it against, µs. */
const TARGET_US = 25;

const directory = mkdtempSync(join(tmpdir(), 'cloudstore-layer-'));
const gateway = await startGateway();
const bare = await startBare();
try {
  const keys = Array.from({ length: KEYS }, (_, i) => `layer/${i}`);
  for (const key of keys) {
    const answer = await fetch(url(gateway, 'PUT', key), { method: 'PUT', body: randomBytes(BYTES) });
    if (!answer.ok) throw new Error(`No PUT: ${answer.status}`);
  }
  const targets = keys.map((key) => target(url(gateway, 'GET', key)));
  const servers = {
    'node:http': { base: bare.url, pid: bare.pid, micros: [] as number[] },
    CloudStore: { base: gateway.s3Url, pid: gateway.pid, micros: [] as number[] },
  };
  const differences: number[] = [];
  // The first round warms both up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const server of Object.values(servers)) {
      const before = cpuOf(server.pid).own;
      const { requestsPerSecond, errors } = await wrk(server.base, targets, {
        directory,
        connections: CLIENTS,
        seconds: SECONDS,
      });
      if (errors > 0) throw new Error(`${errors} answers were no 2xx`);
      server.micros.push(((cpuOf(server.pid).own - before) / (requestsPerSecond * SECONDS)) * 1e6);
    }
    const [without = 0, with_ = 0] = Object.values(servers).map(({ micros }) => micros[round] ?? 0);
    if (round > 0) differences.push(with_ - without);
  }
  for (const [name, { micros }] of Object.entries(servers))
    console.log(`${name}: ${median(micros.slice(1)).toFixed(1)} µs of CPU a GET`);
  const found = median(differences);
  console.log(
    `S3 beyond node:http: ${found.toFixed(1)} µs of CPU a GET of ${BYTES} bytes, ${CLIENTS} clients; ${(found / TARGET_US).toFixed(2)} of ${TARGET_US} µs`,
  );
} finally {
  await gateway.stop();
  bare.child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}

/** Answers everything with the same bytes and as many headers as a GET of S3 has. */
async function startBare(): Promise<{ child: ChildProcess; pid: number; url: string }> {
  const port = await freePort();
  const script = join(directory, 'bare.mjs');
  writeFileSync(
    script,
    `import { createServer } from 'node:http';
const body = Buffer.alloc(${BYTES}, 7);
const head = ['content-type', 'application/octet-stream', 'content-length', String(body.length), 'etag', '"${'0'.repeat(32)}"', 'last-modified',
  'Thu, 01 Jan 2026 00:00:00 GMT', 'accept-ranges', 'bytes', 'x-amz-server-side-encryption', 'AES256', 'x-amz-request-id', '${'0'.repeat(16)}', 'x-amz-id-2', '${'0'.repeat(16)}'];
createServer((req, res) => { res.writeHead(200, head); res.end(body); }).listen(${port}, '127.0.0.1');`,
  );
  const child = spawn(process.execPath, [...NODE_ARGS, script], { stdio: 'ignore' });
  const base = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 200; i++) {
    if (
      await fetch(base)
        .then((answer) => answer.arrayBuffer())
        .catch(() => null)
    )
      return { child, pid: child.pid ?? 0, url: base };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('The bare server does not answer.');
}
