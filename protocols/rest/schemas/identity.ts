import { z } from 'zod';
import { ACTIONS, type Action } from '#core/actions';
import { isCidr } from '#core/network';
import { bucketName } from '../schema.ts';

const time = z.iso.datetime();
const userName = z.string().min(1).max(64);
const password = z.string().min(1).max(1024);
const code = z.string().min(6).max(40).meta({ description: 'A one-time code, or a recovery code.' });
const role = z.enum(['admin', 'member', 'guest']);

/** What a browser makes of it is WebAuthn's own; it is checked by who knows it. */
const webauthn = z.record(z.string(), z.unknown());
export const WebAuthnOptions = webauthn.meta({
  id: 'WebAuthnOptions',
  description: "As the browser's parse…OptionsFromJSON takes it.",
});
export const PasskeyLogin = z
  .strictObject({
    response: webauthn.meta({ description: "The browser's PublicKeyCredential, as toJSON gives it." }),
    label: z.string().max(200).optional(),
  })
  .meta({ id: 'PasskeyLogin' });
export const NewPasskey = z
  .strictObject({
    response: webauthn.meta({ description: "The browser's PublicKeyCredential, as toJSON gives it." }),
    name: z.string().min(1).max(100),
  })
  .meta({ id: 'NewPasskey' });
export const Passkey = z
  .object({ id: z.string(), name: z.string(), created: time, lastUsed: time.nullable() })
  .meta({ id: 'Passkey' });
export const PasskeyList = z.object({ passkeys: z.array(Passkey), next: z.string().nullable() }).meta({ id: 'PasskeyList' });
const recoveryCodes = z
  .array(z.string())
  .meta({ description: 'Told once, when there were none before: each opens the door once in place of a code.' });
export const PasskeyAdded = z.object({ passkey: Passkey, recoveryCodes }).meta({ id: 'PasskeyAdded' });

export const SecondFactors = z
  .object({
    totp: z.boolean(),
    passkeys: z.int(),
    recoveryCodes: z.int().meta({ description: 'How many are left.' }),
    confirmed: z
      .boolean()
      .meta({ description: 'Who it is was said within the last minutes, so that keys and factors can be added.' }),
  })
  .meta({ id: 'SecondFactors' });
export const TotpSecret = z
  .object({
    secret: z.string().meta({ description: 'Base32, to be typed.' }),
    uri: z.string().meta({ description: 'otpauth://, to be shown as a picture.' }),
  })
  .meta({ id: 'TotpSecret' });
export const Code = z.strictObject({ code }).meta({ id: 'Code' });
export const RecoveryCodes = z.object({ recoveryCodes }).meta({ id: 'RecoveryCodes' });
export const Confirm = z
  .strictObject({ password, otp: code.optional().meta({ description: 'Where a second factor is on.' }) })
  .meta({ id: 'Confirm' });
export const ConfirmByPasskey = z
  .strictObject({ response: webauthn.meta({ description: "The browser's answer to `/auth/passkey/options`." }) })
  .meta({ id: 'ConfirmByPasskey' });
export const NewPassword = z.strictObject({ current: password, password }).meta({ id: 'NewPassword' });

export const Session = z
  .object({
    id: z.string(),
    label: z.string(),
    created: time,
    expires: time,
    lastUsed: time.meta({ description: 'When it was begun or its tokens renewed.' }),
    lastUsedFrom: z.string().nullable(),
    credential: z.string().nullable().meta({ description: 'The device or app password that it came by, and ends with.' }),
    current: z.boolean().meta({ description: 'The one of this request.' }),
  })
  .meta({ id: 'Session' });
export const SessionList = z.object({ sessions: z.array(Session), next: z.string().nullable() }).meta({ id: 'SessionList' });

const names = Object.keys(ACTIONS) as [Action, ...Action[]];
const prefix = z
  .string()
  .max(1024)
  .regex(/^$|^[^/].*\/$/s, 'a folder: it ends in a slash')
  .meta({ description: 'A folder; absent: the whole bucket.' });
const cidr = z.string().max(50).refine(isCidr, 'an address or CIDR').meta({ description: 'CIDR, like 192.168.0.0/16.' });
export const Scope = z
  .strictObject({
    actions: z.array(z.enum(names)).min(1).max(100).optional(),
    places: z
      .array(z.strictObject({ bucket: bucketName, prefix: prefix.optional() }))
      .min(1)
      .max(100)
      .optional(),
    networks: z.array(cidr).min(1).max(100).optional(),
  })
  .meta({ id: 'Scope', description: 'What a credential may at most. What is absent is not reduced.' });

const kind = z.enum(['s3', 'app-password', 'device']);
export const NewCredential = z
  .strictObject({
    kind,
    name: z.string().min(1).max(100),
    scope: Scope.optional(),
    expires: time.optional(),
    user: userName.optional().meta({ description: 'For another user; for admins.' }),
  })
  .meta({ id: 'NewCredential' });
export const Credential = z
  .object({
    id: z.string(),
    kind,
    name: z.string().nullable(),
    scope: Scope.nullable(),
    created: time,
    expires: time.nullable(),
    lastUsed: time.nullable().meta({ description: 'To the minute.' }),
    lastUsedFrom: z.string().nullable(),
  })
  .meta({ id: 'Credential' });
export const CredentialMade = Credential.extend({
  accessKeyId: z.string().optional(),
  secretAccessKey: z.string().optional(),
  password: z.string().optional().meta({ description: 'For Basic authentication with the name of the user.' }),
}).meta({ id: 'CredentialMade', description: 'Secrets are told here and never again.' });
export const CredentialList = z
  .object({ credentials: z.array(Credential), next: z.string().nullable() })
  .meta({ id: 'CredentialList' });

export const User = z
  .object({
    id: z.int(),
    name: z.string(),
    role,
    disabled: z.boolean(),
    secondFactor: z.boolean(),
    quotaBytes: z.int().nullable(),
    quotaObjects: z.int().nullable(),
    created: time,
  })
  .meta({ id: 'User' });
export const UserList = z.object({ users: z.array(User), next: z.string().nullable() }).meta({ id: 'UserList' });
const quotaBytes = z.int().min(0).nullable().meta({ description: 'null: no limit.' });
export const NewUser = z
  .strictObject({
    name: userName,
    role: role.default('member'),
    password: password.optional().meta({ description: 'Absent: one is made and told.' }),
    quotaBytes: quotaBytes.optional(),
  })
  .meta({ id: 'NewUser' });
export const UserMade = User.extend({ password: z.string().optional(), bucket: z.string().optional() }).meta({ id: 'UserMade' });
export const UserPatch = z
  .strictObject({
    role: role.optional(),
    disabled: z.boolean().optional(),
    quotaBytes: quotaBytes.optional(),
    quotaObjects: quotaBytes.optional(),
  })
  .meta({ id: 'UserPatch' });
export const RemoveUserQuery = z.strictObject({
  heir: userName.optional().meta({ description: 'Who gets its buckets; default: the caller.' }),
});
export const Reset = z
  .strictObject({
    password: password.optional(),
    credentials: z.boolean().default(false).meta({ description: 'Keys, app passwords and devices go too.' }),
    factors: z.boolean().default(true).meta({ description: 'The second factor and passkeys go too.' }),
  })
  .meta({ id: 'Reset' });
export const ResetDone = z.object({ password: z.string().optional() }).meta({ id: 'ResetDone' });

export const Group = z.object({ name: z.string(), members: z.array(z.string()), created: time }).meta({ id: 'Group' });
export const GroupList = z.object({ groups: z.array(Group), next: z.string().nullable() }).meta({ id: 'GroupList' });
const members = z.array(userName).max(1000);
export const NewGroup = z.strictObject({ name: userName, members: members.default([]) }).meta({ id: 'NewGroup' });
export const GroupPatch = z
  .strictObject({ name: userName.optional(), add: members.optional(), remove: members.optional() })
  .meta({ id: 'GroupPatch' });

export const PageQuery = z.strictObject({
  cursor: z.string().max(200).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 1000, '1 to 1000')
    .optional(),
});
export const CredentialQuery = PageQuery.extend({
  user: userName.optional().meta({ description: 'Of another user; for admins.' }),
});
