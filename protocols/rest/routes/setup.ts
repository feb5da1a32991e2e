import { sendJson, sendNothing } from '../answer.ts';
import { identityOf, labelOf } from '../identity.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';
import { FirstPassword, SetupState, SetupToken } from '../schemas/setup.ts';
import { begun } from './auth.ts';

/** The first hour: what the page's wizard asks. */
export const setupRoutes = [
  route({
    method: 'get',
    path: '/setup',
    operation: 'SetupState',
    actions: { none: 'a page must know which greeting to show before anybody is somebody' },
    summary: 'Whether the gateway waits for its first admin.',
    open: true,
    answers: { 200: { description: 'Once false, it stays so.', schema: SetupState } },
    async handle(x) {
      sendJson(x.res, 200, { waiting: await identityOf(x).setup.waiting() });
    },
  }),
  route({
    method: 'post',
    path: '/auth/setup',
    operation: 'BeginSetup',
    actions: { none: 'the token is the right' },
    summary: 'Begins a session of the admin by the set-up token, once.',
    open: true,
    body: SetupToken,
    answers: { 200: { description: 'As a log-in.', schema: schema.Tokens } },
    async handle(x, { body: { token, label } }) {
      await begun(x, await identityOf(x).setup.begin(token, x.cx.remoteAddress, labelOf(x, label)));
    },
  }),
  route({
    method: 'post',
    path: '/setup/password',
    operation: 'ChooseFirstPassword',
    actions: { none: 'one’s own password, as long as it is the generated one' },
    summary: "The first admin's own password in place of the generated one; the other sessions end.",
    body: FirstPassword,
    answers: { 204: { description: 'From now on it is that.' } },
    async handle(x, { body: { password } }) {
      await identityOf(x).setup.choosePassword(x.who, password);
      sendNothing(x.res);
    },
  }),
  route({
    method: 'post',
    path: '/setup/end',
    operation: 'EndSetup',
    actions: ['admin'],
    summary: 'Ends the set-up, done or left: the token opens nothing more. For admins.',
    answers: { 204: { description: 'It is over.' } },
    async handle(x) {
      await identityOf(x).setup.end(x.who);
      sendNothing(x.res);
    },
  }),
];
