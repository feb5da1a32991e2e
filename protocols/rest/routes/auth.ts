import type { TokenPair } from '#contracts/authenticator';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { sendJson, sendNothing } from '../answer.ts';
import { clearCookies, refreshTokenOf, sendTokens } from '../cookies.ts';
import type { Exchange } from '../exchange.ts';
import { identityOf, labelOf, siteOf } from '../identity.ts';
import { RestError } from '../problems.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';
import * as identity from '../schemas/identity.ts';

export const authRoutes = [
  route({
    method: 'post',
    path: '/auth/login',
    operation: 'Login',
    actions: { none: 'it says who one is' },
    summary: 'Begins a session.',
    open: true,
    body: schema.Login,
    answers: { 200: { description: 'A short-lived access token and a refresh token.', schema: schema.Tokens } },
    async handle(x, { body: { user, password, label, otp } }) {
      const { deps, cx } = x;
      const login = deps.authenticator.login(user, password, cx.remoteAddress, labelOf(x, label), otp);
      await begun(x, await login.catch(askForFactor));
    },
  }),
  route({
    method: 'post',
    path: '/auth/passkey/options',
    operation: 'BeginPasskeyLogin',
    actions: { none: 'it says who one is' },
    summary: 'What the browser needs to log in with a passkey. Names no user.',
    open: true,
    answers: {
      200: { description: 'Options with a challenge that works once, for five minutes.', schema: identity.WebAuthnOptions },
    },
    async handle(x) {
      sendJson(x.res, 200, await identityOf(x).secondFactors.beginPasskeyLogin(siteOf(x), x.cx.remoteAddress));
    },
  }),
  route({
    method: 'post',
    path: '/auth/passkey/login',
    operation: 'LoginByPasskey',
    actions: { none: 'it says who one is' },
    summary: 'Begins a session by a passkey alone: it is both factors.',
    open: true,
    body: identity.PasskeyLogin,
    answers: { 200: { description: 'Tokens.', schema: schema.Tokens } },
    async handle(x, { body }) {
      const { secondFactors } = identityOf(x);
      const tokens = secondFactors.loginByPasskey(siteOf(x), body.response, x.cx.remoteAddress, labelOf(x, body.label));
      await begun(x, await tokens);
    },
  }),
  route({
    method: 'post',
    path: '/auth/refresh',
    operation: 'Refresh',
    actions: { none: 'the refresh token is the right' },
    summary: 'Exchanges a refresh token, which works once; a second use ends the session.',
    open: true,
    body: schema.Refresh,
    answers: { 200: { description: 'New tokens.', schema: schema.Tokens } },
    async handle(x, { body }) {
      const { authenticator } = x.deps;
      const token = refreshTokenOf(x, body.refreshToken);
      const { remoteAddress } = x.cx;
      const shared = body.refreshToken === undefined;
      sendTokens(x, shared ? await authenticator.renew(token, remoteAddress) : await authenticator.refresh(token, remoteAddress));
    },
  }),
  route({
    method: 'post',
    path: '/auth/logout',
    operation: 'Logout',
    actions: { none: 'it ends what one came with' },
    summary: 'Ends the session of the access token.',
    answers: { 204: { description: 'Ended.' } },
    async handle(x) {
      if (x.token === null) throw new CloudStoreError('invalid_argument', 'Only the session of an access token can be ended.');
      await x.deps.authenticator.logout(x.token);
      clearCookies(x);
      sendNothing(x.res);
    },
  }),
  route({
    method: 'get',
    path: '/me',
    operation: 'Me',
    actions: { none: 'it says who one is' },
    summary: 'Who is logged in.',
    answers: { 200: { description: 'The user.', schema: schema.Me } },
    async handle({ res, who }) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'An access token is required.');
      const { id, name, role } = who.principal;
      sendJson(res, 200, { id, name, role });
    },
  }),
];

/** The password was right, and is not enough. */
export function askForFactor(error: unknown): never {
  if (!isCloudStoreError(error, 'unauthenticated') || error.details.secondFactor === undefined) throw error;
  throw new RestError('second_factor_required', error.message, { details: { secondFactor: error.details.secondFactor } });
}

/** Who it is stands in the log and the audit, but only now: what was typed as a name may be a password. */
export async function begun(x: Exchange, tokens: TokenPair): Promise<void> {
  const principal = await x.deps.authenticator.accessToken(tokens.accessToken);
  x.cx.principal = principal;
  x.cx.user = principal.name;
  sendTokens(x, tokens);
}
