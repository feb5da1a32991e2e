import { z } from 'zod';
import { GRANT_ROLES } from '#core/grant';

export const Shared = z
  .object({
    name: z.string().meta({ description: 'Of one user no two are the same.' }),
    bucket: z.string(),
    prefix: z.string().meta({ description: 'Empty: the whole bucket; else a folder.' }),
    role: z.enum(GRANT_ROLES),
    owner: z.string().nullable(),
    group: z.boolean().meta({ description: 'It came by a group.' }),
  })
  .meta({ id: 'Shared' });
export const SharedList = z
  .object({
    items: z.array(Shared),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
  })
  .meta({ id: 'SharedList' });
