import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';

/** nginx as the yardstick: one worker or several, one port a way of serving the same folder. */
export interface Nginx {
  /** `sendfile off; output_buffers 4 1m`: its best for one large stream on loopback. */
  best: string;
  /** As packaged: `sendfile on`. */
  plain: string;
  /** `dav_methods PUT` with the dav-ext module for PROPFIND. */
  dav: string;
  /** The folder it serves. */
  root: string;
  pid: number;
  stop(): Promise<void>;
}

export async function startNginx(directory: string, workers = 1): Promise<Nginx> {
  const root = join(directory, 'www');
  for (const name of [root, join(directory, 'body')]) mkdirSync(name, { recursive: true, mode: 0o777 });
  const [best, plain, dav] = [await freePort(), await freePort(), await freePort()];
  const config = `
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
user root; worker_processes ${workers}; daemon off; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_max_body_size 0; client_body_temp_path ${directory}/body; keepalive_requests 1000000; tcp_nopush on;
  proxy_temp_path ${directory}/p; fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  server { listen 127.0.0.1:${best}; root ${root}; sendfile off; output_buffers 4 1m; }
  server { listen 127.0.0.1:${plain}; root ${root}; sendfile on; }
  server { listen 127.0.0.1:${dav}; root ${root}; sendfile on; dav_methods PUT DELETE MKCOL; dav_ext_methods PROPFIND OPTIONS; }
}`;
  writeFileSync(join(directory, 'nginx.conf'), config);
  const child: ChildProcess = spawn('nginx', ['-p', directory, '-c', join(directory, 'nginx.conf')], { stdio: 'inherit' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await sleep(500);
  if (child.exitCode !== null) throw new Error('nginx did not start');
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  return {
    best: url(best),
    plain: url(plain),
    dav: url(dav),
    root,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
