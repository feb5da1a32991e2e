import { sendJson, sendNothing } from '../answer.ts';
import { identityOf, nameAt, pageOf, siteOf } from '../identity.ts';
import { passkeyJson, sessionJson } from '../represent-identity.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/identity.ts';
import { askForFactor } from './auth.ts';

/** What is one's own: sessions, password, second factors. */
export const meRoutes = [
  route({
    method: 'get',
    path: '/me/sessions',
    operation: 'ListSessions',
    actions: ['account.read'],
    summary: "The caller's sessions.",
    query: schema.PageQuery,
    answers: { 200: { description: 'Oldest first.', schema: schema.SessionList } },
    async handle(x, { query }) {
      const { page, next } = pageOf(await identityOf(x).users.sessions(x.who), ({ id }) => id, query);
      sendJson(x.res, 200, { sessions: page.map((one) => sessionJson(one, x.who)), next });
    },
  }),
  route({
    method: 'delete',
    path: '/me/sessions',
    operation: 'EndSessions',
    changes: { none: 'it ends what has no other state' },
    actions: ['account.write'],
    summary: 'Ends every session of the caller but this one.',
    answers: { 204: { description: 'Ended, on every protocol within a second.' } },
    async handle(x) {
      await identityOf(x).users.endSessions(x.who, { exceptOwn: true });
      sendNothing(x.res);
    },
  }),
  route({
    method: 'delete',
    path: '/me/sessions/{id}',
    operation: 'EndSession',
    changes: { none: 'it ends what has no other state' },
    actions: ['account.write'],
    summary: 'Ends one session.',
    answers: { 204: { description: 'Ended.' } },
    async handle(x) {
      await identityOf(x).users.endSession(x.who, nameAt(x, 2));
      sendNothing(x.res);
    },
  }),
  route({
    method: 'post',
    path: '/me/password',
    operation: 'ChangePassword',
    actions: ['account.write'],
    summary: 'Changes the password; every other session ends.',
    body: schema.NewPassword,
    answers: { 204: { description: 'Changed.' } },
    async handle(x, { body }) {
      await identityOf(x).users.changePassword(x.who, body.current, body.password, x.cx.remoteAddress);
      sendNothing(x.res);
    },
  }),
  route({
    method: 'post',
    path: '/me/confirm',
    operation: 'LoginAgain',
    actions: ['account.write'],
    summary: 'Says who one is once more: for ten minutes keys, passkeys and one-time codes can be added with this session.',
    body: schema.Confirm,
    answers: { 204: { description: 'Believed.' } },
    async handle(x, { body: { password, otp } }) {
      await identityOf(x).secondFactors.confirm(x.who, password, otp, x.cx.remoteAddress).catch(askForFactor);
      sendNothing(x.res);
    },
  }),
  route({
    method: 'post',
    path: '/me/confirm/passkey',
    operation: 'LoginAgainByPasskey',
    actions: ['account.write'],
    summary: 'The same by a passkey, whose challenge `/auth/passkey/options` gives.',
    body: schema.ConfirmByPasskey,
    answers: { 204: { description: 'Believed.' } },
    async handle(x, { body }) {
      await identityOf(x).secondFactors.confirmByPasskey(x.who, siteOf(x), body.response, x.cx.remoteAddress);
      sendNothing(x.res);
    },
  }),
  route({
    method: 'get',
    path: '/me/second-factors',
    operation: 'SecondFactors',
    actions: ['account.read'],
    summary: 'Which second factors are on.',
    answers: { 200: { description: 'What there is.', schema: schema.SecondFactors } },
    async handle(x) {
      sendJson(x.res, 200, await identityOf(x).secondFactors.status(x.who));
    },
  }),
  route({
    method: 'post',
    path: '/me/totp',
    operation: 'BeginTotp',
    actions: ['account.write'],
    summary: 'Makes a secret for an authenticator app; it counts once it is confirmed.',
    answers: { 200: { description: 'The secret.', schema: schema.TotpSecret } },
    async handle(x) {
      sendJson(x.res, 200, await identityOf(x).secondFactors.beginTotp(x.who));
    },
  }),
  route({
    method: 'post',
    path: '/me/totp/confirm',
    operation: 'ConfirmTotp',
    actions: ['account.write'],
    summary: 'Turns one-time codes on. From then on no door takes the bare password.',
    body: schema.Code,
    answers: { 200: { description: 'Recovery codes.', schema: schema.RecoveryCodes } },
    async handle(x, { body }) {
      sendJson(x.res, 200, await identityOf(x).secondFactors.confirmTotp(x.who, body.code, x.cx.remoteAddress));
    },
  }),
  route({
    method: 'delete',
    path: '/me/totp',
    operation: 'RemoveTotp',
    changes: { none: 'it ends what has no other state' },
    actions: ['account.write'],
    summary: 'Turns one-time codes off.',
    body: schema.Code,
    answers: { 204: { description: 'Off.' } },
    async handle(x, { body }) {
      await identityOf(x).secondFactors.removeTotp(x.who, body.code, x.cx.remoteAddress);
      sendNothing(x.res);
    },
  }),
  route({
    method: 'post',
    path: '/me/recovery-codes',
    operation: 'RenewRecoveryCodes',
    actions: ['account.write'],
    summary: 'New recovery codes, in place of those that are left.',
    body: schema.Code,
    answers: { 200: { description: 'Recovery codes.', schema: schema.RecoveryCodes } },
    async handle(x, { body }) {
      sendJson(x.res, 200, await identityOf(x).secondFactors.renewRecoveryCodes(x.who, body.code, x.cx.remoteAddress));
    },
  }),
  route({
    method: 'get',
    path: '/me/passkeys',
    operation: 'ListPasskeys',
    actions: ['account.read'],
    summary: "The caller's passkeys.",
    query: schema.PageQuery,
    answers: { 200: { description: 'Oldest first.', schema: schema.PasskeyList } },
    async handle(x, { query }) {
      const { page, next } = pageOf(await identityOf(x).secondFactors.passkeys(x.who), ({ id }) => id, query);
      sendJson(x.res, 200, { passkeys: page.map(passkeyJson), next });
    },
  }),
  route({
    method: 'post',
    path: '/me/passkeys/options',
    operation: 'BeginPasskey',
    actions: ['account.write'],
    summary: 'What the browser needs to make a passkey.',
    answers: {
      200: { description: 'Options with a challenge that works once, for five minutes.', schema: schema.WebAuthnOptions },
    },
    async handle(x) {
      sendJson(x.res, 200, await identityOf(x).secondFactors.beginPasskey(x.who, siteOf(x)));
    },
  }),
  route({
    method: 'post',
    path: '/me/passkeys',
    operation: 'AddPasskey',
    actions: ['account.write'],
    summary: 'Adds the passkey that the browser made. From then on no door takes the bare password.',
    body: schema.NewPasskey,
    answers: { 201: { description: 'Added.', schema: schema.PasskeyAdded } },
    async handle(x, { body }) {
      const { passkey, recoveryCodes } = await identityOf(x).secondFactors.addPasskey(x.who, siteOf(x), body.response, body.name);
      sendJson(x.res, 201, { passkey: passkeyJson(passkey), recoveryCodes });
    },
  }),
  route({
    method: 'delete',
    path: '/me/passkeys/{id}',
    operation: 'RemovePasskey',
    changes: { none: 'it ends what has no other state' },
    actions: ['account.write'],
    summary: 'Removes a passkey.',
    answers: { 204: { description: 'Removed.' } },
    async handle(x) {
      await identityOf(x).secondFactors.removePasskey(x.who, nameAt(x, 2));
      sendNothing(x.res);
    },
  }),
];
