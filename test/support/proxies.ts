import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { ROOT, startProcess } from './process.ts';
import { findProgram } from './programs.ts';

/** A real reverse proxy with TLS, by the configuration that docs/PROXIES.md tells people to use. */
export interface ReverseProxy {
  /** What is behind it: `https://localhost:port`, without a slash at the end. */
  web: string;
  s3: string;
  stop(): Promise<void>;
}

export const PROXIES = ['nginx', 'caddy', 'haproxy'] as const;
/** In the path of what the proxy answers itself, by 403: the gateway never sees that, unless it is smuggled past it. */
export const HIDDEN = 'hidden';
export type ProxyKind = (typeof PROXIES)[number];

/** Ports of the proxy may be chosen before the gateway is there, which wants to know its own address. */
export interface Behind {
  webPort: number;
  s3Port: number;
}

export async function startProxy(kind: ProxyKind, ports: Behind, gateway: Behind): Promise<ReverseProxy> {
  const directory = mkdtempSync(join(tmpdir(), `cloudstore-${kind}-`));
  const [certificate, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,DNS:*.localhost'];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync(findProgram('openssl') ?? 'openssl', [...made, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  });
  const text = documented(kind)
    .replaceAll('127.0.0.1:9001', `127.0.0.1:${gateway.webPort}`)
    .replaceAll('127.0.0.1:9000', `127.0.0.1:${gateway.s3Port}`);
  const child = { nginx, caddy, haproxy }[kind](directory, text, ports, certificate, key);
  const log: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => log.push(bytes));
  const abandon = (): void => void child.kill('SIGTERM');
  process.once('exit', abandon);
  const ended = once(child, 'exit').finally(() => process.off('exit', abandon));
  for (const port of [ports.webPort, ports.s3Port]) {
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`${kind} did not start:\n${Buffer.concat(log)}`);
      await sleep(50);
    }
  }
  return {
    web: `https://localhost:${ports.webPort}`,
    s3: `https://localhost:${ports.s3Port}`,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export async function choosePorts(): Promise<Behind> {
  return { webPort: await freePort(), s3Port: await freePort() };
}

/** The block of the page that is in the language of the proxy. */
function documented(kind: ProxyKind): string {
  const page = readFileSync(join(ROOT, 'docs', 'PROXIES.md'), 'utf8');
  const block = new RegExp(`\`\`\`${kind === 'caddy' ? 'caddyfile' : kind}\\n([^]*?)\`\`\``).exec(page)?.[1];
  if (block === undefined) throw new Error(`docs/PROXIES.md has nothing for ${kind}`);
  return block;
}

function nginx(directory: string, text: string, ports: Behind, certificate: string, key: string): ChildProcess {
  const listens = [ports.webPort, ports.s3Port];
  const servers = text
    .replace(/listen 443 ssl;/g, () => `listen 127.0.0.1:${listens.shift()} ssl;`)
    .replace(/(ssl_certificate +)\S+;/g, `$1${certificate};`)
    .replace(/(ssl_certificate_key +)\S+;/g, `$1${key};`)
    .replace(/client_max_body_size 0;/g, `$& location ~ ${HIDDEN} { return 403; }`);
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  for (const place of places) mkdirSync(join(directory, place), { mode: 0o777 });
  const config = `
${process.getuid?.() === 0 ? 'user root;' : ''} worker_processes 1; daemon off; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
events { worker_connections 256; }
http {
  access_log off; ${places.map((place) => `${place}_temp_path ${directory}/${place};`).join(' ')}
${servers}
}`;
  writeFileSync(join(directory, 'nginx.conf'), config);
  return startProcess(findProgram('nginx') ?? 'nginx', ['-p', directory, '-c', join(directory, 'nginx.conf')]);
}

function caddy(directory: string, text: string, ports: Behind, certificate: string, key: string): ChildProcess {
  const refusing = `@hidden path *${HIDDEN}*\n  respond @hidden 403`;
  const sites = text
    .replace(/^cloud\.example\.org \{/m, `https://localhost:${ports.webPort} {\n  tls ${certificate} ${key}\n  ${refusing}`)
    .replace(/^s3\.example\.org \{/m, `https://localhost:${ports.s3Port} {\n  tls ${certificate} ${key}\n  ${refusing}`);
  const path = join(directory, 'Caddyfile');
  writeFileSync(path, `{\n  admin off\n  auto_https off\n  default_bind 127.0.0.1\n}\n\n${sites}`);
  const env = { HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
  return startProcess('caddy', ['run', '--config', path, '--adapter', 'caddyfile'], { env });
}

function haproxy(directory: string, text: string, ports: Behind, certificate: string, key: string): ChildProcess {
  const both = join(directory, 'both.pem');
  writeFileSync(both, Buffer.concat([readFileSync(certificate), readFileSync(key)]), { mode: 0o600 });
  const bind = (port: number): string => `  bind 127.0.0.1:${port} ssl crt ${both}`;
  const config = text
    .replace(
      /^ {2}bind .*$/m,
      `${bind(ports.webPort)}\n${bind(ports.s3Port)}\n  http-request deny deny_status 403 if { path_sub ${HIDDEN} }`,
    )
    .replace(/\{ hdr\(host\).*\}/, `{ dst_port ${ports.s3Port} }`);
  writeFileSync(join(directory, 'haproxy.cfg'), config);
  return startProcess(findProgram('haproxy') ?? 'haproxy', ['-db', '-f', join(directory, 'haproxy.cfg')]);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}
