import { CloudStoreError } from '#core/errors';
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
    actions: ['admin'],
    summary: 'What the owner should know, and was told by mail or webhook where the settings say so.',
    answers: { 200: { description: 'The newest 200.', schema: schema.AlertList } },
    async handle({ deps, res }) {
      if (deps.alerts === undefined) throw new CloudStoreError('not_implemented', 'This gateway raises no alerts.');
      const items = (await deps.alerts.list(SHOWN_MAX)).map(({ raised, cleared, ...alert }) => ({
        ...alert,
        raised: isoTime(raised),
        cleared: cleared === null ? null : isoTime(cleared),
      }));
      sendJson(res, 200, { items });
    },
  }),
];
