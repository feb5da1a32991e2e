import type { SingleSignOn } from '#contracts/single-sign-on';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { sendJson, sendNothing } from '../answer.ts';
import { pendingOf, setPending, setTokens } from '../cookies.ts';
import type { Exchange } from '../exchange.ts';
import { labelOf } from '../identity.ts';
import { problemOf } from '../problems.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/oidc.ts';

const BEGIN = '/api/v1/auth/oidc/begin';

/** Log-in by an identity provider, where the settings name one. The browser goes there and comes back by itself: what it is sent is links, not JSON. */
export const oidcRoutes = [
  route({
    method: 'get',
    path: '/auth/oidc',
    operation: 'SingleSignOn',
    actions: { none: 'whether there is such a log-in' },
    summary: 'Whether one can log in by an identity provider, and where that begins.',
    open: true,
    answers: { 200: { description: 'The provider, or null.', schema: schema.SingleSignOnState } },
    async handle({ deps, res }) {
      const sso = deps.singleSignOn;
      sendJson(res, 200, { provider: sso === undefined ? null : { name: sso.name, begin: BEGIN } });
    },
  }),
  route({
    method: 'get',
    path: '/auth/oidc/begin',
    operation: 'BeginOidc',
    actions: { none: 'it says who one is' },
    summary: 'Sends a browser to the identity provider.',
    open: true,
    answers: { 303: { description: 'To the provider.' } },
    async handle(x) {
      const { url, pending } = await ssoOf(x).begin(null, x.cx.remoteAddress);
      setPending(x, pending);
      goTo(x, url);
    },
  }),
  route({
    method: 'get',
    path: '/auth/oidc/callback',
    operation: 'LoginByOidc',
    actions: { none: 'it says who one is' },
    summary: 'Where the provider sends the browser back to: begins a session in cookies, or links the account.',
    open: true,
    query: schema.Callback,
    answers: { 303: { description: 'To the page.' } },
    async handle(x) {
      const query = (x.req.url ?? '').split('?').slice(1).join('?');
      const pending = pendingOf(x);
      setPending(x, null);
      try {
        const { tokens } = await ssoOf(x).end(query, pending, x.cx.remoteAddress, labelOf(x, undefined));
        if (tokens !== null) {
          const principal = await x.deps.authenticator.accessToken(tokens.accessToken);
          x.cx.principal = principal;
          x.cx.user = principal.name;
          setTokens(x, tokens);
        }
        goTo(x, '/');
      } catch (error) {
        if (!isCloudStoreError(error)) throw error;
        sendPage(x, error);
      }
    },
  }),
  route({
    method: 'get',
    path: '/auth/oidc/farewell',
    operation: 'FarewellOidc',
    actions: { none: 'it ends what one has elsewhere' },
    summary: 'Sends a browser to where its session at the provider ends; that of here is ended by a log-out.',
    open: true,
    answers: { 303: { description: 'To the provider, or to the page.' } },
    async handle(x) {
      goTo(x, (await ssoOf(x).farewell()) ?? '/');
    },
  }),
  route({
    method: 'get',
    path: '/me/oidc',
    operation: 'LinkedOidc',
    actions: ['account.read'],
    summary: 'Whether an account of the provider opens this one.',
    answers: { 200: { description: 'Whether.', schema: schema.Linked } },
    async handle(x) {
      sendJson(x.res, 200, { linked: await ssoOf(x).linked(x.who) });
    },
  }),
  route({
    method: 'post',
    path: '/me/oidc',
    operation: 'LinkOidc',
    actions: ['account.write'],
    summary: 'Begins to link an account of the provider: the browser that gets this answer goes to the address in it.',
    answers: { 200: { description: 'Where to.', schema: schema.LinkAt } },
    async handle(x) {
      const { url, pending } = await ssoOf(x).begin(x.who, x.cx.remoteAddress);
      setPending(x, pending);
      sendJson(x.res, 200, { url });
    },
  }),
  route({
    method: 'delete',
    path: '/me/oidc',
    operation: 'UnlinkOidc',
    changes: { none: 'it ends what has no other state' },
    actions: ['account.write'],
    summary: 'The account of the provider opens this one no more.',
    answers: { 204: { description: 'Unlinked.' } },
    async handle(x) {
      await ssoOf(x).unlink(x.who);
      sendNothing(x.res);
    },
  }),
];

/** @throws not_found where the settings name no provider */
function ssoOf({ deps }: Exchange): SingleSignOn {
  if (deps.singleSignOn === undefined) throw new CloudStoreError('not_found', 'This gateway has no identity provider.');
  return deps.singleSignOn;
}

function goTo({ res }: Exchange, url: string): void {
  res.writeHead(303, { Location: url, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer', 'Content-Length': 0 }).end();
}

/** To a person: the sentences are ours, with nothing in them that came from elsewhere. */
function sendPage({ res }: Exchange, error: CloudStoreError): void {
  const { status, headers } = problemOf(error);
  const page = `<!doctype html><meta charset="utf-8"><title>CloudStore</title><p>${error.message}</p><p><a href="/">CloudStore</a></p>\n`;
  res
    .writeHead(status, {
      ...headers,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(page),
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    })
    .end(page);
}
