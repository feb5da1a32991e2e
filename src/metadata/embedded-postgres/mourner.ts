import { spawn } from 'node:child_process';

/**
 * Ends a server when this process is no more, however it died: a shell of a session of its own waits for the end of a pipe that only we hold, and then tells the
 * server to stop (SIGINT: fast shutdown), if that process still works in the cluster. For servers that nobody would look for otherwise.
 * @returns what is called when the server has ended by other means
 */
export function endWithUs(pid: number, cluster: string): () => void {
  // Windows has no such shell, and a pid there is looked up by other means.
  if (process.platform === 'win32') return () => undefined;
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', String(pid), cluster], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: {},
    detached: true,
  });
  child.on('error', () => undefined); // without a shell the server is found by the next run, as ever
  child.stdin.on('error', () => undefined); // it ended first
  child.unref();
  return () => child.kill('SIGKILL');
}

/** Where there is no /proc, the pid alone has to do. */
const SCRIPT = 'read _; if [ ! -d /proc/self ] || [ "/proc/$1/cwd" -ef "$2" ]; then kill -INT "$1"; fi';
