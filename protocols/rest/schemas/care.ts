import { z } from 'zod';

export const Findings = z
  .object({
    ok: z.boolean().meta({ description: 'Nothing failed.' }),
    findings: z.array(
      z.object({
        name: z.string(),
        status: z.enum(['ok', 'warn', 'fail']),
        detail: z.string(),
        advice: z.string().nullable().meta({ description: 'What to do about it.' }),
      }),
    ),
    about: z
      .object({
        dataDirectory: z.string(),
        masterKey: z.object({ from: z.enum(['file', 'setting', 'passphrase']), path: z.string().nullable() }),
      })
      .meta({ description: 'What commands in a terminal of the machine are given.' }),
  })
  .meta({ id: 'Findings' });
