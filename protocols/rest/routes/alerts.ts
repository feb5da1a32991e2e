import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import { isoTime } from '../represent.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/alerts.ts';

const SHOWN_MAX = 200;

export const alertRoutes = [
  route({
    method: 'get',
    path: '/alerts',
    operation: 'ListAlerts',
    short: 'there is one of each kind and thing that is wrong',
    actions: ['admin'],
    summary: 'What the owner should know, and was told by mail or webhook where the settings say so. For admins.',
    answers: { 200: { description: 'The newest 200.', schema: schema.AlertList } },
    async handle({ deps, res, who }) {
      const desk = forAdmins(who, deps.alerts);
      const items = (await desk.list(SHOWN_MAX)).map(({ raised, cleared, ...alert }) => ({
        ...alert,
        raised: isoTime(raised),
        cleared: cleared === null ? null : isoTime(cleared),
      }));
      sendJson(res, 200, { items, ways: desk.ways() });
    },
  }),
  route({
    method: 'post',
    path: '/alerts/test',
    operation: 'TestAlerts',
    actions: ['admin'],
    summary: 'Tells something harmless by every way that the settings name. For admins.',
    answers: { 200: { description: 'What each way made of it; none: the settings name none.', schema: schema.AlertTest } },
    async handle({ deps, res, who, cx }) {
      sendJson(res, 200, { results: await forAdmins(who, deps.alerts).test(cx.signal) });
    },
  }),
];
