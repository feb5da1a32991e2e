import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/care.ts';

/** What looks after an installation when somebody asks for it. */
export const careRoutes = [
  route({
    method: 'get',
    path: '/system/doctor',
    operation: 'Examine',
    short: 'one for each kind of trouble that is looked for',
    actions: ['admin'],
    summary: 'Looks at the installation as `cloudstore doctor` does, and says what to do about each thing. For admins.',
    answers: { 200: { description: 'In the order in which a start would stumble.', schema: schema.Findings } },
    async handle({ deps, res, who }) {
      const { dataDirectory, masterKey } = forAdmins(who, deps.backups).about();
      const findings = await forAdmins(who, deps.examiner).examine();
      const ok = findings.every(({ status }) => status !== 'fail');
      sendJson(res, 200, {
        ok,
        findings: findings.map(({ advice = null, ...rest }) => ({ ...rest, advice })),
        about: { dataDirectory, masterKey: { from: masterKey.from, path: masterKey.from === 'file' ? masterKey.path : null } },
      });
    },
  }),
];
