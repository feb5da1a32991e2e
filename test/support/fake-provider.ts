import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeProvider {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Claims of the next log-in beside what belongs to it, and what is wrong about it. */
  next: {
    claims: Record<string, unknown>;
    wrong?: Partial<{ nonce: string; aud: string; iss: string; exp: number; nbf: number; key: 'another' }>;
  };
  /** Somebody logs in there, as the address asks: where the browser is sent back to. */
  approve(url: string): string;
  /** How often a code was exchanged, also in vain. */
  exchanges(): number;
  close(): Promise<void>;
}

/** An identity provider as OpenID Connect Core 1.0 §3.1 and RFC 7636 say: it checks what the gateway sends, and signs what a test wants. */
export async function startFakeProvider(): Promise<FakeProvider> {
  const [own, another] = [keyPair(), keyPair()];
  const codes = new Map<string, { nonce: string; challenge: string; redirect: string; next: FakeProvider['next'] }>();
  let exchanges = 0;
  const server = createServer((req, res) => void answer(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const self: FakeProvider = {
    issuer,
    clientId: 'cloudstore at home',
    clientSecret: 'a secret of the client',
    next: { claims: {} },
    approve(url) {
      const asked = new URL(url);
      const get = (name: string): string => asked.searchParams.get(name) ?? '';
      if (asked.pathname !== '/authorize' || get('client_id') !== self.clientId || get('response_type') !== 'code')
        throw new Error(`no such request: ${url}`);
      if (
        get('code_challenge_method') !== 'S256' ||
        get('nonce') === '' ||
        get('state') === '' ||
        !/\bopenid\b/.test(get('scope'))
      )
        throw new Error(`something is missing: ${url}`);
      const code = randomBytes(8).toString('hex');
      const redirect = get('redirect_uri');
      codes.set(code, { nonce: get('nonce'), challenge: get('code_challenge'), redirect, next: self.next });
      return `${redirect}?${new URLSearchParams({ code, state: get('state'), session_state: 'of its own' })}`;
    },
    exchanges: () => exchanges,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const json = (status: number, body: object): void =>
      void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (req.url === '/.well-known/openid-configuration')
      return json(200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        end_session_endpoint: `${issuer}/farewell`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    if (req.url === '/keys') return json(200, { keys: [own.jwk] });
    if (req.url !== '/token' || req.method !== 'POST') return json(404, {});
    exchanges++;
    let body = '';
    for await (const piece of req) body += piece;
    const given = new URLSearchParams(body);
    const found = codes.get(given.get('code') ?? '');
    codes.delete(given.get('code') ?? '');
    const form = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');
    const basic = `Basic ${Buffer.from(`${form(self.clientId)}:${form(self.clientSecret)}`).toString('base64')}`;
    const challenge = createHash('sha256')
      .update(given.get('code_verifier') ?? '')
      .digest('base64url');
    if (
      found === undefined ||
      req.headers.authorization !== basic ||
      challenge !== found.challenge ||
      given.get('redirect_uri') !== found.redirect
    )
      return json(400, { error: 'invalid_grant' });
    const { claims, wrong = {} } = found.next;
    const { key, ...other } = wrong;
    const now = Math.floor(Date.now() / 1000);
    const token = { iss: issuer, aud: self.clientId, iat: now, exp: now + 300, nonce: found.nonce, ...claims, ...other };
    json(200, { access_token: 'x', token_type: 'Bearer', id_token: jwt(token, key === 'another' ? another : own) });
  }
  return self;
}

function keyPair() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' } };
}

function jwt(claims: object, { privateKey }: ReturnType<typeof keyPair>): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', kid: 'one' })}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}
