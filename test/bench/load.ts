import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

/** Runs a program to its end and gives what it printed. @throws when it fails */
export function run(program: string, args: string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout?.on('data', (chunk) => (out += chunk));
    child.stderr?.on('data', (chunk) => (err += chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${program} exited with ${code}: ${err}${out}`)),
    );
    if (input !== undefined) child.stdin?.end(input);
  });
}

/** Seconds that one curl needs; the body goes to nowhere. Fails on any status but 2xx. */
export async function curlSeconds(args: string[]): Promise<number> {
  const out = await run('curl', ['-sS', '--fail', '-o', '/dev/null', '-w', '%{time_total}', ...args]);
  return Number(out);
}

/** As `curlSeconds`, of several requests on one connection. */
export async function curlSecondsEach(requests: string[][]): Promise<number[]> {
  const args = requests.flatMap((request, n) => [
    ...(n === 0 ? [] : ['--next']),
    '-sS',
    '--fail',
    ...['-o', '/dev/null', '-w', '%{time_total}\\n'],
    ...request,
  ]);
  return (await run('curl', args)).trim().split('\n').map(Number);
}

export interface WrkResult {
  requestsPerSecond: number;
  requests: number;
  errors: number;
}

/** wrk over a list of request targets, each thread walking its own stride of the list, so that no PUT key repeats until the list is through. */
export async function wrk(
  base: string,
  targets: string[],
  options: {
    directory: string;
    connections: number;
    seconds: number;
    /** Of wrk; 2 by default. */
    threads?: number;
    method?: string;
    bodyBytes?: number;
    /** Bytes of chance instead of one letter: as little compressible as a photo. */
    random?: boolean;
    headers?: Record<string, string>;
  },
): Promise<WrkResult> {
  const list = join(options.directory, `targets-${performance.now()}.txt`);
  writeFileSync(list, `${targets.join('\n')}\n`);
  const script = join(options.directory, 'wrk.lua');
  const filling = join(options.directory, 'wrk.body');
  if (options.bodyBytes && options.random) writeFileSync(filling, randomBytes(options.bodyBytes));
  const body = options.random ? `io.open("${filling}", "rb"):read("*a")` : `string.rep("x", ${options.bodyBytes})`;
  writeFileSync(
    script,
    `
local targets, at, n = {}, 0, 0
local body = ${options.bodyBytes ? body : 'nil'}
local pieces = {}
-- No two bodies have a piece of 16 KiB in common: a store that keeps equal pieces once has no less to do.
if body then for i = 1, #body, 16384 do pieces[#pieces + 1] = string.sub(body, i + 16, i + 16383) end end
function setup(thread) thread:set("id", n); n = n + 1 end
function init(args)
  for line in io.lines("${list}") do targets[#targets + 1] = line end
  at = math.floor(id * #targets / ${options.threads ?? 2})
  ${Object.entries(options.headers ?? {})
    .map(([name, value]) => `wrk.headers["${name}"] = "${value}"`)
    .join('\n  ')}
end
local counter = 0
function request()
  at = at % #targets + 1
  counter = counter + 1
  local b = body
  if b then local stamp = string.format("%016d", counter + id * 1e12); b = stamp .. table.concat(pieces, stamp) end
  return wrk.format("${options.method ?? 'GET'}", targets[at], nil, b)
end
bad = 0
function response(status) if status < 200 or status > 299 then bad = bad + 1 end end
function done(summary) io.write(string.format("REQUESTS %d DURATION %d ERRORS %d\\n", summary.requests, summary.duration,
  summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout)) end
`,
  );
  const out = await run('wrk', [
    `-t${options.threads ?? 2}`,
    `-c${options.connections}`,
    `-d${options.seconds}s`,
    '--timeout',
    '30s',
    '-s',
    script,
    base,
  ]);
  const match = /REQUESTS (\d+) DURATION (\d+) ERRORS (\d+)/.exec(out);
  if (!match) throw new Error(`wrk said: ${out}`);
  return { requestsPerSecond: Number(match[1]) / (Number(match[2]) / 1e6), requests: Number(match[1]), errors: Number(match[3]) };
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

/** One core's MD5 limit, bytes a second, over 1 MiB buffers. */
export async function md5BytesPerSecond(): Promise<number> {
  const code = `const c=require('crypto');const b=Buffer.alloc(1<<20,7);const h=c.createHash('md5');const t=process.hrtime.bigint();
    for(let i=0;i<768;i++)h.update(b);h.digest();console.log(768*(1<<20)/(Number(process.hrtime.bigint()-t)/1e9))`;
  return Number(await run('node', ['-e', code]));
}

/** The head of an answer that has no body. */
export function answerTo(socket: Socket, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let head = '';
    const over = (error?: Error): void => {
      socket.off('data', onData).off('error', onEnd).off('close', onEnd);
      if (error === undefined) resolve(head);
      else reject(error);
    };
    const onEnd = (error?: unknown): void => over(error instanceof Error ? error : new Error('the connection ended'));
    const onData = (piece: Buffer): void => {
      head += piece.toString('latin1');
      if (head.endsWith('\r\n\r\n')) over();
    };
    socket.on('data', onData).on('error', onEnd).on('close', onEnd);
    socket.write(request);
  });
}
