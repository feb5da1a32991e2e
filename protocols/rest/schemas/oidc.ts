import { z } from 'zod';

export const SingleSignOnState = z
  .object({
    provider: z
      .object({ name: z.string(), begin: z.string().meta({ description: 'A path that a browser goes to.' }) })
      .nullable(),
  })
  .meta({ id: 'SingleSignOnState' });
/** Providers add fields of their own. */
export const Callback = z.looseObject({
  code: z.string().max(4096).optional(),
  state: z.string().max(1024).optional(),
  error: z.string().max(1024).optional(),
});
export const Linked = z.object({ linked: z.boolean() }).meta({ id: 'LinkedOidc' });
export const LinkAt = z.object({ url: z.string() }).meta({ id: 'LinkAt' });
