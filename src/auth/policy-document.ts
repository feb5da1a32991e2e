import { ACTIONS, type Action, definitionOf } from '#core/actions';
import { CloudStoreError } from '#core/errors';
import { doubledField } from '#core/json-fields';
import { operatorOf } from './policy-conditions.ts';
import { createMatcher, tokensOf } from './policy-pattern.ts';
import { conditionKey, LIST_KEYS } from './policy-question.ts';

/** AWS's limit of a bucket policy. */
export const POLICY_BYTES_MAX = 20 * 1024;

/** A policy document whose every word is known. */
export interface PolicyDocument {
  /** Policies of 2012 have variables. */
  variables: boolean;
  statements: readonly Statement[];
}

export interface Statement {
  sid: string | null;
  effect: 'Allow' | 'Deny';
  /** null in a session policy, which is about whoever has it. */
  principals: { not: boolean; names: readonly PrincipalName[] } | null;
  /** What the statement's actions are, of ours. */
  actions: ReadonlySet<Action>;
  /** Patterns, behind `arn:aws:s3:::`. */
  resources: { not: boolean; patterns: readonly string[] };
  conditions: readonly { operator: string; key: string; values: readonly string[] }[];
}

export type PrincipalName =
  | { kind: 'everybody' }
  /** As in an ARN: by the user's name. */
  | { kind: 'name'; name: string }
  | { kind: 'id'; id: number }
  /** A service or a federated identity: none of ours. */
  | { kind: 'foreign' };

/** What a document is about: one bucket, or everything that the holder of a temporary key may. */
export type PolicyKind = { bucket: string } | 'session';

/** @throws invalid_argument (details.policy), with AWS's words */
export function parsePolicy(text: string, kind: PolicyKind): PolicyDocument {
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX) malformed('Policy exceeds the maximum allowed document size.');
  let value: unknown;
  try {
    if (text.charCodeAt(0) !== 0x7b) throw new SyntaxError();
    value = JSON.parse(text);
  } catch {
    malformed("Policies must be valid JSON and the first byte must be '{'");
  }
  const twice = doubledField(text);
  if (twice !== null) malformed(`Duplicate field ${twice.slice(0, 100)}`);
  return readPolicy(value, kind);
}

/** A document that was JSON already. @throws invalid_argument (details.policy) */
export function readPolicy(value: unknown, kind: PolicyKind): PolicyDocument {
  const fields = objectOf(value, 'Policy');
  only(fields, ['Version', 'Id', 'Statement']);
  const version = fields.Version ?? '2008-10-17';
  if (version !== '2012-10-17' && version !== '2008-10-17') malformed('The policy must contain a valid version string');
  if (fields.Id !== undefined && typeof fields.Id !== 'string') malformed('The policy Id must be a string');
  if (fields.Statement === undefined) malformed('Missing required field Statement');
  const statements = Array.isArray(fields.Statement) ? fields.Statement : [fields.Statement];
  if (statements.length === 0) malformed('Could not parse the policy: Statement is empty!');
  const variables = version === '2012-10-17';
  const parsed = statements.map((statement) => readStatement(statement, kind));
  const sids = parsed.flatMap(({ sid }) => (sid === null || sid === '' ? [] : [sid]));
  if (new Set(sids).size < sids.length) malformed('Statement IDs (SID) in a single policy must be unique.');
  return { variables, statements: parsed };
}

function readStatement(value: unknown, kind: PolicyKind): Statement {
  const fields = objectOf(value, 'Statement');
  only(fields, ['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition']);
  const { Sid: sid = null, Effect: effect } = fields;
  if (sid !== null && typeof sid !== 'string') malformed('The Sid must be a string');
  if (effect === undefined) malformed('Missing required field Effect');
  if (effect !== 'Allow' && effect !== 'Deny') malformed(`Invalid effect: ${String(effect).slice(0, 100)}`);
  const principals = readPrincipals(fields, effect, kind);
  const actions = readActions(fields);
  const resources = readResources(fields, kind);
  const conditions = readConditions(fields.Condition);
  assertTogether(actions, resources, conditions, kind);
  return { sid, effect, principals, actions, resources, conditions };
}

function readPrincipals(fields: Fields, effect: 'Allow' | 'Deny', kind: PolicyKind): Statement['principals'] {
  const not = fields.NotPrincipal !== undefined;
  const given = fields.NotPrincipal ?? fields.Principal;
  if (kind === 'session') {
    if (given !== undefined) malformed('Policy document should not specify a principal.');
    return null;
  }
  if (given === undefined) malformed('Missing required field Principal');
  if (not && fields.Principal !== undefined) malformed('Statement/policy cannot have both Principal and NotPrincipal');
  if (not && effect === 'Allow') malformed('Allow with NotPrincipal is not allowed.');
  if (given === '*') return { not, names: [{ kind: 'everybody' }] };
  const names: PrincipalName[] = [];
  for (const [type, value] of Object.entries(objectOf(given, 'Principal'))) {
    for (const name of strings(value, 'Invalid principal in policy')) names.push(principalName(type, name));
  }
  if (names.length === 0) malformed('Invalid principal in policy');
  return { not, names };
}

function principalName(type: string, name: string): PrincipalName {
  if (type === 'Service' || type === 'Federated') return { kind: 'foreign' };
  if (type === 'CanonicalUser' && /^[0-9a-f]{64}$/.test(name)) return idOf(name, 16);
  if (type !== 'AWS') return malformed('Invalid principal in policy');
  if (name === '*') return { kind: 'everybody' };
  const account = /^(?:arn:aws:iam::)?(\d{12})(?::root)?$/.exec(name)?.[1];
  if (account !== undefined && (name === account || name.startsWith('arn:'))) return idOf(account, 10);
  const user = /^arn:aws:iam::(?:\d{12})?:user\/(?:[^*?\s]*\/)?([^*?\s/]+)$/.exec(name)?.[1];
  if (user === undefined) malformed('Invalid principal in policy');
  return { kind: 'name', name: user };
}

function idOf(digits: string, radix: number): PrincipalName {
  const id = Number.parseInt(digits, radix);
  if (!Number.isSafeInteger(id)) malformed('Invalid principal in policy');
  return { kind: 'id', id };
}

const NAMES: ReadonlyMap<string, Action[]> = Map.groupBy(Object.keys(ACTIONS) as Action[], (action) =>
  definitionOf(action).s3.toLowerCase(),
);
/** Actions of AWS that nothing here asks for: a policy may name them. */
const OTHERS = [
  'GetObjectTorrent',
  'GetObjectVersionTorrent',
  'GetObjectVersionForReplication',
  'ReplicateObject',
  'ReplicateDelete',
  'ReplicateTags',
  'InitiateReplication',
  'ObjectOwnerOverrideToBucketOwner',
  'RestoreObject',
  'DeleteBucketOwnershipControls',
  'GetBucketAbac',
  'PutBucketAbac',
  'GetBucketMetadataTableConfiguration',
  'UpdateObjectEncryption',
].map((name) => `s3:${name.toLowerCase()}`);

function readActions(fields: Fields): ReadonlySet<Action> {
  const not = fields.NotAction !== undefined;
  const given = fields.NotAction ?? fields.Action;
  if (given === undefined) malformed('Missing required field Action');
  if (not && fields.Action !== undefined) malformed('Statement/policy cannot have both Action and NotAction');
  const named = new Set<Action>();
  for (const pattern of strings(given, 'Policy has invalid action')) {
    const matches = createMatcher(tokensOf(pattern.toLowerCase()));
    let known = OTHERS.some(matches);
    for (const [name, actions] of NAMES) {
      if (!matches(name)) continue;
      known = true;
      for (const action of actions) named.add(action);
    }
    if (!known) malformed('Policy has invalid action');
  }
  return not ? new Set((Object.keys(ACTIONS) as Action[]).filter((action) => !named.has(action))) : named;
}

const ARN = 'arn:aws:s3:::';

function readResources(fields: Fields, kind: PolicyKind): Statement['resources'] {
  const not = fields.NotResource !== undefined;
  const given = fields.NotResource ?? fields.Resource;
  if (given === undefined) malformed('Missing required field Resource');
  if (not && fields.Resource !== undefined) malformed('Statement/policy cannot have both Resource and NotResource');
  const patterns = strings(given, 'Policy has invalid resource').map((resource) => {
    if (resource === '*' && kind === 'session') return '*';
    const pattern = resource.startsWith(ARN) ? resource.slice(ARN.length) : '';
    if (pattern === '') malformed('Policy has invalid resource');
    if (kind !== 'session' && !isOfBucket(pattern, kind.bucket)) malformed('Policy has invalid resource');
    return pattern;
  });
  return { not, patterns };
}

/** A policy is about its own bucket only. */
function isOfBucket(pattern: string, bucket: string): boolean {
  const name = pattern.split('/', 1)[0] ?? '';
  return createMatcher(tokensOf(name))(bucket) || name.includes('*');
}

function readConditions(value: unknown): Statement['conditions'] {
  if (value === undefined) return [];
  const conditions: { operator: string; key: string; values: string[] }[] = [];
  for (const [operator, keys] of Object.entries(objectOf(value, 'Condition'))) {
    if (operatorOf(operator) === null) malformed(`Invalid Condition type : ${operator.slice(0, 100)}`);
    for (const [name, given] of Object.entries(objectOf(keys, 'Condition'))) {
      const key = conditionKey(name);
      if (key === null) malformed('Policy has an invalid condition key');
      conditions.push({ operator, key, values: scalars(given) });
    }
  }
  return conditions;
}

/** AWS refuses what can never hold. */
function assertTogether(
  actions: ReadonlySet<Action>,
  resources: Statement['resources'],
  conditions: Statement['conditions'],
  kind: PolicyKind,
): void {
  const list = [...actions];
  if (kind !== 'session' && !resources.not && list.length > 0) {
    const objects = resources.patterns.some((pattern) => pattern.includes('/') || pattern.includes('*'));
    const buckets = resources.patterns.some((pattern) => !pattern.includes('/') || /^[^/]*\*/.test(pattern));
    const applies = list.some((action) => (definitionOf(action).on === 'object' ? objects : buckets));
    if (!applies) malformed('Action does not apply to any resource(s) in statement');
  }
  const lists = actions.size === 0 || list.some((action) => action.startsWith('list'));
  if (!lists && conditions.some(({ key }) => LIST_KEYS.has(key))) {
    malformed('Conditions do not apply to combination of actions and resources in statement');
  }
}

type Fields = Record<string, unknown>;

function objectOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) malformed(`${what} must be an object`);
  return value as Fields;
}

function only(fields: Fields, names: readonly string[]): void {
  for (const name of Object.keys(fields)) if (!names.includes(name)) malformed(`Unknown field ${name.slice(0, 100)}`);
}

function strings(value: unknown, message: string): string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 || !list.every((one) => typeof one === 'string' && one !== '')) malformed(message);
  return list;
}

function scalars(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  const known = list.every((one) => typeof one === 'string' || typeof one === 'boolean' || typeof one === 'number');
  if (!known) malformed('Invalid value in Condition');
  return list.map(String);
}

export function malformed(message: string): never {
  throw new CloudStoreError('invalid_argument', message, { details: { policy: true } });
}
