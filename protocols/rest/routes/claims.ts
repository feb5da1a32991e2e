import type { ClaimRecord } from '#contracts/claim-store';
import { CloudStoreError } from '#core/errors';
import { sendJson, sendNothing } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { identityOf, nameAt, siteOf } from '../identity.ts';
import { isoTime } from '../represent.ts';
import { bucketNames, credentialJson, scopeOf } from '../represent-identity.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/claims.ts';

/** How a device gets its own credential by a picture that carries no secret, and what became of those that came. */
export const claimRoutes = [
  route({
    method: 'post',
    path: '/claims',
    operation: 'CreateClaim',
    actions: ['account.write'],
    summary: 'Makes a claim: a token that a device exchanges for a credential of its own, once, within ten minutes.',
    body: schema.NewClaim,
    answers: { 201: { description: 'Made. Its token is told once.', schema: schema.ClaimMade } },
    async handle(x, { body: { kind, name, scope, expires } }) {
      const { claim, token } = await identityOf(x).claims.make(x.who, {
        kind,
        name,
        scope: await scopeOf(x, scope),
        networks: scope?.networks ?? null,
        credentialExpires: expires === undefined ? null : Date.parse(expires),
      });
      sendJson(x.res, 201, { ...claimJson(x, claim, await bucketNames(x)), token });
    },
  }),
  route({
    method: 'get',
    path: '/claims',
    operation: 'ListClaims',
    short: 'of one day, of one user',
    actions: ['account.read'],
    summary: "The caller's claims of the last day; never their tokens.",
    answers: { 200: { description: 'Newest first.', schema: schema.ClaimList } },
    async handle(x) {
      const names = await bucketNames(x);
      sendJson(x.res, 200, {
        claims: (await identityOf(x).claims.list(x.who)).map((claim) => claimJson(x, claim, names)),
      });
    },
  }),
  route({
    method: 'get',
    path: '/claims/{id}',
    operation: 'GetClaim',
    actions: ['account.read'],
    summary: 'Whether a claim still waits for its device.',
    answers: { 200: { description: 'The claim.', schema: schema.Claim } },
    async handle(x) {
      sendJson(x.res, 200, claimJson(x, await identityOf(x).claims.get(x.who, nameAt(x, 1)), await bucketNames(x)));
    },
  }),
  route({
    method: 'delete',
    path: '/claims/{id}',
    operation: 'RemoveClaim',
    changes: { none: 'it ends what has no other state' },
    actions: ['account.write'],
    summary: 'Takes a claim back. A credential that was made of it is removed as every other.',
    answers: { 204: { description: 'Its token opens nothing.' } },
    async handle(x) {
      await identityOf(x).claims.remove(x.who, nameAt(x, 1));
      sendNothing(x.res);
    },
  }),
  route({
    method: 'post',
    path: '/claims/redeem',
    operation: 'RedeemClaim',
    actions: { none: 'the token is the right' },
    summary: 'Exchanges the token of a claim for the credential that it promises. Whoever comes first gets it, once.',
    open: true,
    body: schema.Redemption,
    answers: { 201: { description: 'The credential. Its secret is told once.', schema: schema.Redeemed } },
    async handle(x, { body: { token } }) {
      const { credential, secret, user } = await identityOf(x).claims.redeem(token, x.cx.remoteAddress);
      // Who it is stands in the log and the audit from here on.
      x.cx.principal = { id: user.id, name: user.name, role: user.role };
      x.cx.user = user.name;
      const { port = null, domain = null } = x.deps.s3Reach ?? {};
      const { origin } = siteOf(x);
      sendJson(x.res, 201, {
        ...credentialJson(credential, await bucketNames({ ...x, who: { ...x.who, principal: x.cx.principal } })),
        user: user.name,
        password: secret,
        ...(credential.kind === 'device' ? { accessKeyId: credential.id, secretAccessKey: secret } : {}),
        server: origin,
        webdav: `${origin}/dav/`,
        s3: { port, domain },
      });
    },
  }),
  route({
    method: 'get',
    path: '/me/attempts',
    operation: 'ListAttempts',
    short: 'twenty are kept',
    actions: ['account.read'],
    summary: 'What was refused in the last minutes of requests in the name of the caller, and why.',
    answers: { 200: { description: 'Newest first.', schema: schema.AttemptList } },
    async handle({ deps, res, who, cx }) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
      const attempts = (await deps.attempts?.list(who.principal.id, cx.remoteAddress)) ?? [];
      sendJson(res, 200, { attempts: attempts.map((one) => ({ ...one, at: isoTime(one.at) })) });
    },
  }),
];

function claimJson({ deps }: Exchange, claim: ClaimRecord, names: ReadonlyMap<number, string>) {
  const { id, kind, created, expires, redeemed, redeemedFrom, credential } = claim;
  // A scope is told as that of the credential to come.
  const { scope, name } = credentialJson({ ...claim, policies: null, parent: null, lastUsed: null, lastUsedFrom: null }, names);
  return {
    ...{ id, kind, name, scope, redeemedFrom, credential },
    state: redeemed !== null ? 'redeemed' : expires > deps.clock.now() ? 'waiting' : 'over',
    created: isoTime(created),
    expires: isoTime(expires),
    redeemed: redeemed === null ? null : isoTime(redeemed),
  };
}
