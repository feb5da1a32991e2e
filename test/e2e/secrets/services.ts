import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createWebServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type FakeProvider, startFakeProvider } from '../../support/fake-provider.ts';
import { freePort } from '../../support/free-port.ts';
import { mailServer } from '../../support/mail-server.ts';

export interface Services {
  /** By setting: what the gateway is told of them. */
  env: Record<string, string>;
  /** The same of services that no gateway can start with here, for commands. */
  others: Record<string, string>;
  secrets: Record<string, string>;
  provider: FakeProvider;
  /** Of an S3-compatible store that lets nobody in. */
  storeUrl: string;
  mails: string[];
  /** What came to the webhook and to the store: head and body, not the address, which is what opens a webhook. */
  posted: string[];
  stored: string[];
  /** What was said to log in somewhere, as it came. */
  logins: string[];
  close(): Promise<void>;
}

const DENIED = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';

/**
 * Everything that a gateway has a password for, as far as it must be there for the password to be used, and for most of them to refuse it: what goes wrong is what
 * is told of.
 */
export async function openServices(): Promise<Services> {
  const canary = (of: string): string => `canaryof${of}${randomBytes(8).toString('hex')}`;
  const secrets = {
    'the password of the mail server': canary('mail'),
    'the password of Redis': canary('redis'),
    'the password of the database': canary('database'),
    'the key of the store': canary('store'),
    'the key of the mirror': canary('mirror'),
    'the address of a webhook': canary('hook'),
    'the secret of webhooks': canary('webhooks'),
    'the secret at the provider': canary('provider'),
  };
  const mails: string[] = [];
  const posted: string[] = [];
  const stored: string[] = [];
  const logins: string[] = [];
  const provider = await startFakeProvider();
  provider.clientSecret = secrets['the secret at the provider'];
  let away = 1;
  const web = createWebServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => (body += chunk));
    req.on('end', () => {
      const { host: _, ...headers } = req.headers;
      const hook = req.url?.startsWith('/hooks/') === true;
      (hook ? posted : stored).push(`${JSON.stringify(headers)}\n${body}`);
      if (!hook) return void res.writeHead(403, { 'content-type': 'application/xml' }).end(DENIED);
      // Away for the first test, so that there is something to tell of.
      res.writeHead(body.includes('"kind":"test"') && away-- > 0 ? 503 : 204).end();
    });
  });
  const mail = mailServer(mails, logins);
  const redis = createServer((socket) => refuseRedis(socket, logins));
  const database = createServer((socket) => refuseDatabase(socket, logins));
  const servers: Server[] = [web, mail, redis, database];
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
  const at = (server: Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const port = await freePort();
  const store = (key: string, bucket: string): string =>
    `s3://AKIDOFNOBODY:${key}@${bucket}/own?endpoint=${encodeURIComponent(`http://${at(web)}`)}&region=us-east-1`;
  return {
    env: {
      CLOUDSTORE_PORT: String(port),
      CLOUDSTORE_PUBLIC_URL: `http://127.0.0.1:${port}`,
      CLOUDSTORE_SMTP_URL: `smtp://mailer:${secrets['the password of the mail server']}@${at(mail)}?ignoreTLS=true`,
      CLOUDSTORE_ALERT_MAIL: 'owner@example.org',
      CLOUDSTORE_REDIS_URL: `redis://:${secrets['the password of Redis']}@${at(redis)}`,
      CLOUDSTORE_MIRROR_URL: store(secrets['the key of the mirror'], 'second-copies'),
      CLOUDSTORE_WEBHOOKS: `ops=http://${at(web)}/hooks/${secrets['the address of a webhook']}`,
      CLOUDSTORE_WEBHOOK_SECRET: secrets['the secret of webhooks'],
      CLOUDSTORE_WEBHOOK_PRIVATE: 'on',
      CLOUDSTORE_ALERT_WEBHOOK: 'ops',
      CLOUDSTORE_OIDC_ISSUER: provider.issuer,
      CLOUDSTORE_OIDC_CLIENT_ID: provider.clientId,
      CLOUDSTORE_OIDC_CLIENT_SECRET: secrets['the secret at the provider'],
      CLOUDSTORE_OIDC_CREATE: 'guest',
    },
    others: {
      CLOUDSTORE_DATABASE_URL: `postgres://cloudstore:${secrets['the password of the database']}@${at(database)}/cloud`,
      CLOUDSTORE_CHUNKS_URL: store(secrets['the key of the store'], 'packs'),
    },
    secrets,
    provider,
    storeUrl: `http://${at(web)}`,
    ...{ mails, posted, stored, logins },
    async close() {
      for (const server of servers) server.close();
      web.closeAllConnections();
      await provider.close();
    },
  };
}

/** RESP: each command is an array, and each is answered. */
function refuseRedis(socket: Socket, logins: string[]): void {
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    const commands = chunk.toString('latin1').match(/(?<![^\n])\*\d+\r\n/g) ?? [];
    if (/auth/i.test(chunk.toString('latin1'))) logins.push(chunk.toString('latin1'));
    socket.write('-WRONGPASS invalid username-password pair or user is disabled.\r\n'.repeat(commands.length));
  });
}

/** Postgres' protocol 3: asks for the password as it is, and takes none. */
function refuseDatabase(socket: Socket, logins: string[]): void {
  let asked = false;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    if (!asked) {
      asked = true;
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      return;
    }
    logins.push(chunk.toString('latin1'));
    const fields = Buffer.from('SFATAL\0C28P01\0Mpassword authentication failed for user "cloudstore"\0\0', 'latin1');
    const head = Buffer.from([0x45, 0, 0, 0, 0]);
    head.writeUInt32BE(fields.length + 4, 1);
    socket.end(Buffer.concat([head, fields]));
  });
}
