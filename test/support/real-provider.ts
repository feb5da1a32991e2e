import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { type Answer, send } from './requests.ts';

export interface RealProvider {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Where browsers come back to, known once the gateway has a port. */
  serve(redirectUri: string): void;
  /** Whoever logs in next, and what is known of it. */
  next: { sub: string; [claim: string]: unknown };
  /** As a browser: follows from the gateway's address to the one that leads back. */
  browse(url: string): Promise<string>;
  /** Signs with another key from now on, and forgets the one before. */
  rotate(): void;
  /** What the clients' requests asked for, oldest first. */
  seen: string[];
  close(): Promise<void>;
}

/** panva's oidc-provider, certified by the OpenID Foundation, with a page that lets in whoever a test wants. PKCE is asked of every client. */
export async function startRealProvider(): Promise<RealProvider> {
  let provider: Provider | null = null;
  let redirect = '';
  const server = createServer((req, res) => void answer(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const self: RealProvider = {
    issuer,
    clientId: 'cloudstore',
    clientSecret: 'of the client: +%/&=',
    next: { sub: 'nobody' },
    seen: [],
    serve(redirectUri) {
      redirect = redirectUri;
      self.rotate();
    },
    rotate() {
      provider = open();
    },
    async browse(url) {
      const cookies = new Map<string, string>();
      for (let at = url; ; ) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const got: Answer = await send('GET', at, { headers: { cookie } });
        for (const one of got.headers['set-cookie'] ?? []) {
          const [name = '', value = ''] = one.split(';', 1)[0]!.split('=');
          cookies.set(name, value);
        }
        const { location } = got.headers;
        if (location === undefined) throw new Error(`${at} leads nowhere: ${got.status} ${got.body}`);
        at = new URL(location, at).href;
        if (at.startsWith(redirect)) return at;
      }
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };

  function open(): Provider {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const kid = randomBytes(4).toString('hex');
    return new Provider(issuer, {
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] },
      clients: [{ client_id: self.clientId, client_secret: self.clientSecret, redirect_uris: [redirect] }],
      cookies: { keys: ['of the tests'] },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username', 'groups'] },
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false } },
      ttl: { Session: 60, Interaction: 60, Grant: 60, AccessToken: 60, IdToken: 60 },
      interactions: { url: () => '/enter' },
      findAccount: (_: unknown, sub: string) => {
        const known = self.next;
        return { accountId: sub, claims: () => ({ ...known, sub }) };
      },
    });
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    self.seen.push(`${req.method} ${req.url}`);
    if (provider === null) return void res.writeHead(503).end();
    if (req.url !== '/enter') return provider.callback()(req, res);
    const { params } = await provider.interactionDetails(req, res);
    const { sub: accountId } = self.next;
    const grant = new provider.Grant({ accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    await provider.interactionFinished(req, res, { login: { accountId }, consent: { grantId: await grant.save() } });
  }

  return self;
}
