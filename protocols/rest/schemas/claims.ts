import { z } from 'zod';
import { Credential, Scope } from './identity.ts';

const time = z.iso.datetime();
const kind = z.enum(['app-password', 'device']);

export const NewClaim = z
  .strictObject({
    kind: kind.default('device'),
    name: z.string().min(1).max(100),
    scope: Scope.optional(),
    expires: time.optional().meta({ description: 'When the credential is to end; absent: when it is taken back.' }),
  })
  .meta({ id: 'NewClaim' });

export const Claim = z
  .object({
    id: z.string(),
    kind,
    name: z.string(),
    scope: Scope.nullable(),
    state: z.enum(['waiting', 'redeemed', 'over']),
    created: time,
    expires: time.meta({ description: 'Until when it can be redeemed.' }),
    redeemed: time.nullable(),
    redeemedFrom: z.string().nullable(),
    credential: z.string().nullable().meta({ description: 'What was made of it: removed as every credential.' }),
  })
  .meta({ id: 'Claim', description: 'A promise of one credential, to whoever shows its token first.' });

export const ClaimMade = Claim.extend({
  token: z.string().meta({ description: 'For the device, once; told here and never again.' }),
}).meta({ id: 'ClaimMade' });

export const ClaimList = z.object({ claims: z.array(Claim) }).meta({ id: 'ClaimList' });

export const Redemption = z.strictObject({ token: z.string().min(1).max(200) }).meta({ id: 'Redemption' });

export const Redeemed = Credential.extend({
  user: z.string(),
  password: z.string().meta({ description: 'For Basic authentication with the name of the user.' }),
  accessKeyId: z.string().optional().meta({ description: 'Of a device, for S3.' }),
  secretAccessKey: z.string().optional(),
  server: z.string().meta({ description: 'The origin under which the gateway was called, or that its settings name.' }),
  webdav: z.string(),
  s3: z.object({ port: z.int().nullable(), domain: z.string().nullable() }),
}).meta({ id: 'Redeemed', description: 'The secret is told here and never again.' });

export const AttemptList = z
  .object({
    attempts: z.array(
      z.object({
        at: time,
        why: z.enum([
          'password',
          'name',
          'secret',
          'clock',
          'port',
          'expired',
          'network',
          'scope',
          'limited',
          'missing',
          'address',
        ]),
        door: z.string(),
        address: z.string(),
        credential: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'AttemptList' });
