import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeCluster } from './cluster-template.ts';
import { MAIN, NODE_ARGS, startProcess } from './process.ts';

/** A real gateway in a process of its own. */
export interface TestGateway {
  s3Url: string;
  webUrl: string;
  /** Ends in `/dav/`. */
  webdavUrl: string;
  restUrl: string;
  user: string;
  password: string;
  accessKeyId: string;
  secretAccessKey: string;
  bucket: string;
  dataDir: string;
  pid: number;
  /** Milliseconds from the start of the process to its ready line. */
  readyAfterMs: number;
  process: ChildProcess;
  /** All that it has written so far. */
  output(): { stdout: string; stderr: string };
  /** SIGTERM, and waits for the drain; the data goes too unless `keepData`. Gives the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, the database's server too; the data stays for the next start. */
  kill(options?: { database?: boolean }): Promise<void>;
}

export interface TestGatewayOptions {
  env?: Record<string, string>;
  /** An existing one; it stays after `stop` as with `keepData`. */
  dataDir?: string;
  keepData?: boolean;
  args?: string[];
  uid?: number;
  gid?: number;
  /** Another program than `node src/main.ts serve`. */
  command?: [string, ...string[]];
  readyMsMax?: number;
}

/** Starts a gateway on free ports and waits for its ready line. @throws with all it wrote when it ends first */
export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'cloudstore-test-'));
  const embedded = options.env?.CLOUDSTORE_DATABASE_URL === undefined;
  if (options.dataDir === undefined && options.command === undefined && options.uid === undefined && embedded)
    await placeCluster(dataDir);
  const keepData = options.keepData ?? options.dataDir !== undefined;
  const [command, ...args] = options.command ?? [process.execPath, ...NODE_ARGS, MAIN, 'serve'];
  const begun = performance.now();
  const child = startProcess(command, [...args, ...(options.args ?? [])], {
    env: {
      CLOUDSTORE_DATA_DIR: dataDir,
      CLOUDSTORE_PORT: '0',
      CLOUDSTORE_S3_PORT: '0',
      CLOUDSTORE_LOG_LEVEL: 'warn',
      ...options.env,
    },
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (output.stderr = (output.stderr + chunk).slice(-200_000)));
  // A test run that dies must not leave its gateway behind; the gateway then ends its database.
  const abandon = (): void => void child.kill('SIGTERM');
  process.once('exit', abandon);
  const ended = once(child, 'exit').finally(() => process.off('exit', abandon));
  const closed = once(child, 'close');
  const remove = (): void => {
    if (!keepData) rmSync(dataDir, { recursive: true, force: true });
  };

  const line = await waitForReady(child, output, options.readyMsMax ?? 60_000);
  if (line === null) {
    child.kill('SIGKILL');
    remove();
    throw new Error(`The gateway did not become ready (exit code ${child.exitCode}).\n${output.stdout}\n${output.stderr}`);
  }
  const readyAfterMs = performance.now() - begun;
  const [web, webdav, s3, rest] = ['web', 'webdav', 's3', 'rest'].map(
    (name) => new RegExp(` ${name} (\\S+)`).exec(line)?.[1] ?? '',
  );
  const secrets = existsSync(join(dataDir, 'first-run.json'))
    ? JSON.parse(readFileSync(join(dataDir, 'first-run.json'), 'utf8'))
    : {};
  return {
    s3Url: s3 ?? '',
    webUrl: web ?? '',
    webdavUrl: webdav ?? '',
    restUrl: rest ?? '',
    user: secrets.user,
    password: secrets.password,
    accessKeyId: secrets.accessKeyId,
    secretAccessKey: secrets.secretAccessKey,
    bucket: secrets.bucket,
    dataDir,
    pid: child.pid ?? 0,
    readyAfterMs,
    process: child,
    output: () => output,
    async stop() {
      child.kill('SIGTERM');
      await closed; // with all that it has said
      remove();
      return child.exitCode;
    },
    async kill({ database = true } = {}) {
      const server = postmasterPid(dataDir);
      child.kill('SIGKILL');
      if (database && server !== null) killQuietly(server);
      await ended;
    },
  };
}

/** The embedded database's server of a data directory; null when none runs. */
export function postmasterPid(dataDir: string): number | null {
  const path = join(dataDir, 'postgres', 'postmaster.pid');
  return existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : null;
}

/** The ready line; null when the process ends or the time is up first. */
function waitForReady(child: ChildProcess, output: { stdout: string }, withinMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const finish = (line: string | null): void => {
      clearTimeout(timer);
      child.stdout?.off('data', look);
      child.off('close', end);
      child.off('error', end);
      resolve(line);
    };
    const look = (): void => {
      const line = /^CloudStore is ready.*\n/m.exec(output.stdout)?.[0];
      if (line !== undefined) finish(line);
    };
    const end = (): void => finish(null);
    const timer = setTimeout(end, withinMs);
    child.stdout?.on('data', look);
    child.once('close', end);
    child.once('error', end);
  });
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
