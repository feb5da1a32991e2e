import { z } from 'zod';
import { ACL_PERMISSIONS, CANNED_ACLS } from '#core/acl';
import { ACTIONS, type Action } from '#core/actions';
import { OBJECT_OWNERSHIPS } from '#core/bucket-access';
import { GRANT_ROLES } from '#core/grant';

/** Rights over the wire. */
const kind = z.enum(['user', 'group']);
const role = z.enum(GRANT_ROLES);

export const AccessGrant = z
  .object({
    kind,
    name: z.string().meta({ description: "The user's or group's name." }),
    role,
    key: z.string().meta({ description: 'The folder that it was given on; empty: the bucket.' }),
    inherited: z.boolean().meta({ description: 'It was given on a folder above.' }),
  })
  .meta({ id: 'AccessGrant' });
export const AccessList = z
  .object({
    items: z.array(AccessGrant),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
  })
  .meta({ id: 'AccessList' });

export const NewGrant = z.strictObject({ kind, name: z.string().min(1).max(200), role }).meta({ id: 'NewGrant' });
export const GrantQuery = z.strictObject({ kind, name: z.string().min(1).max(200) });

export const ExplainQuestion = z
  .strictObject({
    user: z
      .string()
      .min(1)
      .max(200)
      .nullable()
      .optional()
      .meta({ description: 'By default the caller; null: nobody, without credentials.' }),
    action: z.enum(Object.keys(ACTIONS) as [Action, ...Action[]]),
    bucket: z.string().optional(),
    key: z.string().optional(),
    address: z
      .union([z.ipv4(), z.ipv6()])
      .optional()
      .meta({ description: 'From where it would be asked; by default from where this request comes.' }),
  })
  .meta({ id: 'ExplainQuestion' });
export const Explanation = z
  .object({
    allowed: z.boolean(),
    because: z.string().meta({ description: 'The rule that decided, as a sentence.' }),
    rule: z.looseObject({ kind: z.string() }),
  })
  .meta({ id: 'Explanation' });

/** A bucket's documents of access, S3's in JSON. */
export const Policy = z.looseObject({}).meta({ id: 'BucketPolicy', description: "A policy in AWS's language." });
const grantee = z.union([
  z.strictObject({ kind: z.literal('user'), id: z.int().min(1) }),
  z.strictObject({ kind: z.enum(['everybody', 'authenticated', 'logs']) }),
]);
const grants = z.array(z.strictObject({ grantee, permission: z.enum(ACL_PERMISSIONS) })).max(100);
export const NewAcl = z.union([z.strictObject({ canned: z.enum(CANNED_ACLS) }), z.strictObject({ grants })]);
export const PublicAccessBlock = z.strictObject({
  blockPublicAcls: z.boolean(),
  ignorePublicAcls: z.boolean(),
  blockPublicPolicy: z.boolean(),
  restrictPublicBuckets: z.boolean(),
});
export const OwnershipControls = z.strictObject({ objectOwnership: z.enum(OBJECT_OWNERSHIPS) });
export const ConfigDocument = z.record(z.string(), z.unknown()).meta({
  id: 'ConfigDocument',
  description:
    'policy, acl, publicAccessBlock or ownershipControls; or versioning, objectLock, lifecycle, cors, tagging, notification, website, logging or encryption, which are as the AWS command line takes them.',
});
