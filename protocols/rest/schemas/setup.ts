import { z } from 'zod';

export const SetupState = z
  .object({ waiting: z.boolean().meta({ description: 'Nobody has taken over the admin that the first start made.' }) })
  .meta({ id: 'SetupState' });

export const SetupToken = z
  .strictObject({
    token: z.string().min(1).max(200).meta({ description: 'Printed by the first start.' }),
    label: z.string().max(200).optional(),
  })
  .meta({ id: 'SetupToken' });

export const FirstPassword = z.strictObject({ password: z.string().min(1).max(1024) }).meta({ id: 'FirstPassword' });
