import { doubledField } from '#core/json-fields';

/** A request to STS, as far as it is understood; whatever would restrict and is not understood is refused. */
export type StsRequest =
  | { action: 'GetCallerIdentity' }
  | { action: 'GetSessionToken'; seconds: number; policy: null; policyChars: 0 }
  | { action: 'AssumeRole'; seconds: number; policy: object | null; policyChars: number; role: string; sessionName: string };

const STATUS = {
  AccessDenied: 403,
  ExpiredToken: 400,
  IncompleteSignature: 400,
  InternalFailure: 500,
  InvalidAction: 400,
  InvalidClientTokenId: 403,
  MalformedPolicyDocument: 400,
  MissingAuthenticationToken: 403,
  PackedPolicyTooLarge: 400,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  Throttling: 400,
  ValidationError: 400,
} as const;

/** One of AWS's errors of STS ("Common errors", and those of its actions). */
export class StsError extends Error {
  override readonly name = 'StsError';
  readonly code: keyof typeof STATUS;
  readonly status: number;

  constructor(code: keyof typeof STATUS, message: string) {
    super(message);
    this.code = code;
    this.status = STATUS[code];
  }
}

const VERSION = '2011-06-15';
const SECONDS_MIN = 900;
const ASSUME_ROLE = { default: 3_600, max: 12 * 3_600 };
const SESSION_TOKEN = { default: 12 * 3_600, max: 36 * 3_600 };
const POLICY_CHARS_MAX = 2_048;
/** Of a policy document that somebody sends; deeper than any that makes sense. */
const DEPTH_MAX = 16;
const POLICY_CHARS = /^[\t\n\r\u0020-\u00ff]+$/;

const KNOWN: Record<StsRequest['action'], readonly string[]> = {
  GetCallerIdentity: [],
  GetSessionToken: ['DurationSeconds'],
  // An external id protects roles that strangers assume; here nobody assumes another's.
  AssumeRole: ['RoleArn', 'RoleSessionName', 'DurationSeconds', 'Policy', 'ExternalId'],
};

/** @throws StsError */
export function readRequest(body: Buffer): StsRequest {
  const form = new URLSearchParams(body.toString('utf8'));
  const action = form.get('Action') ?? '';
  if (!isAction(action) || form.get('Version') !== VERSION) {
    throw new StsError(
      'InvalidAction',
      `Could not find operation ${action.slice(0, 100)} for version ${(form.get('Version') ?? '').slice(0, 20)}`,
    );
  }
  for (const name of form.keys()) {
    if (name === 'Action' || name === 'Version' || KNOWN[action].includes(name)) continue;
    throw new StsError('ValidationError', `The parameter ${name.slice(0, 100)} is not supported for ${action}.`);
  }
  switch (action) {
    case 'GetCallerIdentity':
      return { action };
    case 'GetSessionToken':
      return { action, seconds: secondsOf(form, SESSION_TOKEN), policy: null, policyChars: 0 };
    case 'AssumeRole': {
      const [, role] = /^arn:aws[\w-]*:iam::\d*:role\/([\w+=,.@/-]{1,512})$/.exec(form.get('RoleArn') ?? '') ?? [];
      if (role === undefined) throw new StsError('ValidationError', 'RoleArn is not the ARN of a role.');
      const sessionName = form.get('RoleSessionName') ?? '';
      if (!/^[\w+=,.@-]{2,64}$/.test(sessionName)) {
        throw new StsError('ValidationError', 'RoleSessionName has 2 to 64 letters, digits and any of _ + = , . @ -');
      }
      const text = form.get('Policy');
      return {
        action,
        seconds: secondsOf(form, ASSUME_ROLE),
        policy: text === null ? null : parsePolicy(text),
        policyChars: text?.length ?? 0,
        role,
        sessionName,
      };
    }
  }
}

function isAction(text: string): text is StsRequest['action'] {
  return Object.hasOwn(KNOWN, text);
}

function secondsOf(form: URLSearchParams, limits: { default: number; max: number }): number {
  const text = form.get('DurationSeconds');
  if (text === null) return limits.default;
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= SECONDS_MIN && seconds <= limits.max) return seconds;
  throw new StsError('ValidationError', `DurationSeconds is ${SECONDS_MIN} to ${limits.max}.`);
}

function parsePolicy(text: string): object {
  if (text.length > POLICY_CHARS_MAX)
    throw new StsError('PackedPolicyTooLarge', `A policy has at most ${POLICY_CHARS_MAX} characters.`);
  const malformed = new StsError('MalformedPolicyDocument', 'The policy is not a policy document.');
  if (!POLICY_CHARS.test(text)) throw malformed;
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    throw malformed;
  }
  if (typeof policy !== 'object' || policy === null || !('Statement' in policy) || depthOf(policy) > DEPTH_MAX) throw malformed;
  if (doubledField(text) !== null) throw malformed;
  return policy;
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
