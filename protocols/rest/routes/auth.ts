import { CloudStoreError } from '#core/errors';
import { sendJson, sendNothing } from '../answer.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';

const LABEL_CHARS_MAX = 200;

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
    async handle({ deps, req, res, cx }, { body }) {
      const label = body.label ?? (req.headers['user-agent'] ?? '').slice(0, LABEL_CHARS_MAX);
      sendJson(res, 200, await deps.authenticator.login(body.user, body.password, cx.remoteAddress, label));
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
    async handle({ deps, res }, { body }) {
      sendJson(res, 200, await deps.authenticator.refresh(body.refreshToken));
    },
  }),
  route({
    method: 'post',
    path: '/auth/logout',
    operation: 'Logout',
    actions: ['account.read'],
    summary: 'Ends the session of the access token.',
    answers: { 204: { description: 'Ended.' } },
    async handle({ deps, res, token }) {
      if (token === null) throw new CloudStoreError('invalid_argument', 'Only the session of an access token can be ended.');
      await deps.authenticator.logout(token);
      sendNothing(res);
    },
  }),
  route({
    method: 'get',
    path: '/me',
    operation: 'Me',
    actions: ['account.read'],
    summary: 'Who is logged in.',
    answers: { 200: { description: 'The user.', schema: schema.Me } },
    async handle({ res, who }) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'An access token is required.');
      const { id, name, role } = who.principal;
      sendJson(res, 200, { id, name, role });
    },
  }),
];
