import { sendJson } from '../answer.ts';
import { isoTime } from '../represent.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';

export const systemRoutes = [
  route({
    method: 'get',
    path: '/system/info',
    operation: 'SystemInfo',
    summary: 'What this gateway is.',
    answers: { 200: { description: 'Name, version and clock.', schema: schema.SystemInfo } },
    async handle({ deps, res }) {
      sendJson(res, 200, { name: 'CloudStore', version: deps.version ?? '', time: isoTime(deps.clock.now()) });
    },
  }),
];
