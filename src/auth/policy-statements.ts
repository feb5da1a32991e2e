import type { Rule, Verdict } from '#contracts/authorizer';
import { type Action, definitionOf } from '#core/actions';
import { isCloudStoreError } from '#core/errors';
import type { Principal, PrincipalId } from '#core/principal';
import { isBelow, reachesBelow, withAllBelow } from './policy-below.ts';
import { type Condition, compileCondition, type KeyValues } from './policy-conditions.ts';
import {
  malformed,
  type PolicyDocument,
  type PolicyKind,
  type PrincipalName,
  parsePolicy,
  readPolicy,
  type Statement,
} from './policy-document.ts';
import { isPublicStatement } from './policy-public.ts';
import { type Question, valuesOf, variablesOf } from './policy-question.ts';
import { compileTemplate, type Template, type Variables } from './policy-template.ts';

/** A policy ready to be asked. */
export interface CompiledPolicy {
  /** The statement that denies, or null. */
  denies(question: Question): Verdict | null;
  /** The statement that allows, or null. */
  allows(question: Question): Verdict | null;
  /** Whether some statement allows somebody who is not named, whatever else it asks. */
  public: boolean;
  /** Whether what is decided about the action may hang on the tags of the object that is there. */
  needsTags(action: Action): boolean;
  /** Whether a statement could allow this principal anything; `personally`: by its name. */
  reaches(principal: Principal | null, personally: boolean): boolean;
}

interface CompiledStatement {
  verdict: Verdict;
  principal(principal: Principal | null, personally?: boolean): boolean;
  resource(question: Question, variables: Variables): boolean;
  /** Of a folder with all below it: a Deny that could apply to something there, an Allow that applies to all. */
  below(question: Question, variables: Variables): boolean;
  conditions: readonly Condition[];
  /** Those that ask for nothing which each object below a folder has of its own. */
  ofFolders: readonly Condition[];
  tags: boolean;
}

/** What the names in a policy meant when it was put: a user of the same name that comes later is another one. */
export type ResolvedNames = Readonly<Record<string, PrincipalId>>;

/** @throws invalid_argument (details.policy) */
export function compileBucketPolicy(text: string, bucket: string, names: ResolvedNames): CompiledPolicy {
  return compile(parsePolicy(text, { bucket }), { bucket }, names);
}

/** A session policy, parsed. @throws invalid_argument (details.policy) */
export function compileSessionPolicy(document: object): CompiledPolicy {
  return compile(readPolicy(document, 'session'), 'session', {});
}

function compile(document: PolicyDocument, kind: PolicyKind, names: ResolvedNames): CompiledPolicy {
  const deny = new Map<Action, CompiledStatement[]>();
  const allow = new Map<Action, CompiledStatement[]>();
  const allowing: CompiledStatement[] = [];
  for (const [index, statement] of document.statements.entries()) {
    const compiled = compileStatement(statement, index, document.variables, kind, names);
    const table = statement.effect === 'Deny' ? deny : allow;
    if (statement.effect === 'Allow') allowing.push(compiled);
    for (const action of statement.actions) {
      const list = table.get(action);
      if (list === undefined) table.set(action, [compiled]);
      else list.push(compiled);
    }
  }
  const tagged = new Set<Action>();
  for (const table of [deny, allow])
    for (const [action, list] of table)
      if (list.some(({ tags }) => tags) && definitionOf(action).on === 'object') tagged.add(action);
  return {
    denies: (question) => first(deny.get(question.action), question),
    allows: (question) => first(allow.get(question.action), question),
    public: document.statements.some((statement) => isPublicStatement(statement)),
    needsTags: (action) => tagged.has(action),
    reaches: (principal, personally) => allowing.some((statement) => statement.principal(principal, personally)),
  };
}

function first(statements: readonly CompiledStatement[] | undefined, question: Question): Verdict | null {
  if (statements === undefined) return null;
  const values: KeyValues = valuesOf(question);
  const variables = variablesOf(values);
  const tree = isBelow(question);
  for (const { principal, resource, below, conditions, ofFolders, verdict } of statements) {
    if (!principal(question.who.principal) || !(tree ? below : resource)(question, variables)) continue;
    // Some object below may have the tags, or be the version, that a Deny asks for.
    const asked = tree && !verdict.allowed ? ofFolders : conditions;
    if (asked.every((condition) => condition(values, variables))) return verdict;
  }
  return null;
}

function compileStatement(
  statement: Statement,
  index: number,
  variables: boolean,
  kind: PolicyKind,
  names: ResolvedNames,
): CompiledStatement {
  try {
    const { effect, sid } = statement;
    const rule: Rule = { kind: 'policy', effect, statement: index, sid };
    const resource = resourceTest(statement.resources, variables, kind);
    const conditions = statement.conditions.map(({ operator, key, values }) => ({
      holds: compileCondition(operator, key, values, variables),
      onTags: key.startsWith('s3:existingobjecttag/'),
      onVersion: key === 's3:versionid',
    }));
    return {
      verdict: { allowed: effect === 'Allow', rule },
      principal: principalTest(statement.principals, names),
      resource,
      below: effect === 'Deny' ? somewhereBelow(statement, resource, variables) : everywhereBelow(statement, variables, kind),
      conditions: conditions.map(({ holds }) => holds),
      ofFolders: conditions.filter(({ onTags, onVersion }) => !onTags && !onVersion).map(({ holds }) => holds),
      tags: conditions.some(({ onTags }) => onTags),
    };
  } catch (error) {
    if (isCloudStoreError(error) || !(error instanceof SyntaxError)) throw error;
    return malformed(`Invalid value in statement ${index + 1}: ${error.message}`);
  }
}

function principalTest(given: Statement['principals'], names: ResolvedNames): CompiledStatement['principal'] {
  if (given === null) return () => true;
  const ids = new Set<PrincipalId>();
  for (const name of given.names) {
    const id = idOf(name, names);
    if (id !== undefined) ids.add(id);
  }
  const everybody = given.names.some(({ kind }) => kind === 'everybody');
  const named = (principal: Principal | null): boolean => principal !== null && ids.has(principal.id);
  if (given.not) return (principal) => !everybody && !named(principal);
  return (principal, personally = false) => (everybody && !personally) || named(principal);
}

function idOf(name: PrincipalName, names: ResolvedNames): PrincipalId | undefined {
  if (name.kind === 'id') return name.id;
  return name.kind === 'name' && Object.hasOwn(names, name.name) ? names[name.name] : undefined;
}

function somewhereBelow(
  { resources }: Statement,
  folder: CompiledStatement['resource'],
  variables: boolean,
): CompiledStatement['below'] {
  const reaches = reachesBelow(resources, variables);
  return (question, given) => folder(question, given) || reaches(question);
}

function everywhereBelow({ resources }: Statement, variables: boolean, kind: PolicyKind): CompiledStatement['below'] {
  const covers = resourceTest(withAllBelow(resources), variables, kind);
  if (!resources.not) return covers;
  const excepted = reachesBelow({ ...resources, not: false }, variables);
  return (question, given) => covers(question, given) && !excepted(question);
}

/** Objects are `bucket/key`, buckets `bucket`, also one that is to be made, whose name is the key. A pattern that begins with this very bucket is compared with the key alone. */
function resourceTest(
  { not, patterns }: Statement['resources'],
  variables: boolean,
  kind: PolicyKind,
): CompiledStatement['resource'] {
  const own = kind === 'session' ? null : `${kind.bucket}/`;
  const keys: Template[] = [];
  const whole: Template[] = [];
  for (const pattern of patterns) {
    if (own !== null && pattern.startsWith(own)) keys.push(compileTemplate(pattern.slice(own.length), variables));
    else whole.push(compileTemplate(pattern, variables));
  }
  return ({ action, bucket, key }, given) => {
    const { on } = definitionOf(action);
    const object = on === 'object';
    const name = bucket?.name ?? (key === '' ? '*' : key);
    const named =
      (object && keys.some((pattern) => pattern.matcher(given)?.(key) === true)) ||
      (whole.length > 0 && whole.some((pattern) => pattern.matcher(given)?.(object ? `${name}/${key}` : name) === true));
    return named !== not;
  };
}
