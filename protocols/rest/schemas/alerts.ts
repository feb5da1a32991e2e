import { z } from 'zod';
import { ALERT_KINDS } from '#contracts/alerts';

const time = z.iso.datetime();
export const Alert = z
  .object({
    id: z.int(),
    kind: z.enum(ALERT_KINDS),
    subject: z.string(),
    text: z.string().meta({ description: 'What is so, and what to do.' }),
    raised: time,
    cleared: time.nullable().meta({ description: 'null: it is still so.' }),
    told: z.array(z.string()).meta({ description: 'By which ways somebody was told.' }),
  })
  .meta({ id: 'Alert' });
export const AlertList = z
  .object({
    items: z.array(Alert).meta({ description: 'Newest first.' }),
    ways: z
      .array(
        z.object({
          name: z.enum(['webhook', 'mail']),
          to: z.string().nullable().meta({ description: 'Who is told; null: nobody, because no setting says who.' }),
          settings: z.array(z.string()).meta({ description: 'Which ones say it, as they are called in the environment.' }),
        }),
      )
      .meta({ description: 'By what alerts can be told.' }),
  })
  .meta({ id: 'AlertList' });
export const AlertTest = z
  .object({
    results: z.array(z.object({ name: z.string(), error: z.string().nullable().meta({ description: 'null: it was taken.' }) })),
  })
  .meta({ id: 'AlertTest' });
