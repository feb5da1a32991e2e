import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Body, bytesOfBody, digestOf } from './bodies.ts';
import type { Collected } from './collecting.ts';
import type { When } from './crash-point.ts';

/** What the program is told: how to come up, what to do, and when to die. */
export interface Round {
  connection: object & ({ url: string } | { socketDirectory: string; port: number; user: string; database: string });
  dataDirectory: string;
  masterKey: string;
  principal: number;
  bucket: number;
  keys: string[];
  seed: number;
  operations: number;
  /** Which call, from 1; 0: none. */
  crashAt: number;
  when: When;
  /** Coming up counts too. */
  fromStart: boolean;
  /** History goes at once, and collection and compaction run all along; bodies are few, so that what goes comes again. */
  collects?: boolean;
  /** A pattern: only calls of such names count. */
  of?: string;
}

/** What it found when it came up: digests of the objects' bytes by key. */
export interface State {
  objects: Record<string, string>;
  folders: string[];
  journal: { head: number; dense: boolean };
  /** What the bucket is said to use. */
  used: { objects: number; bytes: number };
}

export interface Begun {
  kind: string;
  changes: Record<string, Body | null>;
}

export interface Outcome {
  /** null: it died before it could say. */
  state: State | null;
  begun: Map<string, Begun>;
  acknowledged: Begun[];
  refused: Set<string>;
  /** null: it was killed. */
  calls: number | null;
  /** Of a round that collects and was not killed. */
  collected: Collected | null;
}

/** What must be there after a kill: the acknowledged, and of each operation that was under way all or nothing. */
export interface Expected {
  live: Map<string, Body>;
  pending: Begun[];
}

/**
 * Runs the program to its end. What it finds when it comes up goes to `settled`, whose answer, what each key holds now, it works on.
 * @throws when it ends in any other way than by its own end or SIGKILL, and what `settled` throws
 */
export async function runRound(round: Round, settled: (state: State) => Promise<Map<string, Body>>): Promise<Outcome> {
  const program = fileURLToPath(import.meta.resolve('./workload.ts'));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, JSON.stringify(round)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdin.on('error', () => undefined); // it may be dead by then
  const closed = once(child, 'close');
  const outcome: Outcome = { state: null, begun: new Map(), acknowledged: [], refused: new Set(), calls: null, collected: null };
  let broken: unknown = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = parsed(line);
    if (said === null) break; // killed in the middle of a line
    if (said.state !== undefined) {
      outcome.state = said.state as State;
      try {
        child.stdin.end(`${JSON.stringify([...(await settled(outcome.state))])}\n`);
      } catch (error) {
        broken = error;
        child.kill('SIGKILL');
        break;
      }
    }
    if (said.calls !== undefined) outcome.calls = said.calls;
    if (said.collected !== undefined) outcome.collected = said.collected;
    if (said.begin !== undefined) outcome.begun.set(said.begin, { kind: said.kind, changes: said.changes });
    const name: string | undefined = said.acknowledged ?? said.refused;
    if (name === undefined) continue;
    const operation = outcome.begun.get(name);
    if (said.acknowledged !== undefined && operation !== undefined) outcome.acknowledged.push(operation);
    if (said.refused !== undefined) outcome.refused.add(name);
    outcome.begun.delete(name);
  }
  const [code, signal] = await closed;
  if (broken !== null) throw broken;
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`The program failed (${code}, ${signal}): ${stderr}`);
  return outcome;
}

function parsed(line: string) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/**
 * Holds a state against what must be there, and settles what was open.
 * @throws with a sentence for the first broken promise
 */
export function settle(expected: Expected, state: State): Map<string, Body> {
  const open = new Set(expected.pending.flatMap(({ changes }) => Object.keys(changes)));
  const live = new Map(expected.live);
  for (const [key, body] of expected.live) {
    if (open.has(key)) continue;
    if (state.objects[key] === undefined) throw new Error(`${key} was acknowledged and is lost`);
    if (state.objects[key] !== digest(body)) throw new Error(`${key} has other bytes than were acknowledged`);
  }
  for (const { kind, changes } of expected.pending) {
    const keys = Object.keys(changes);
    const isAs = (wanted: (key: string) => Body | null | undefined): boolean =>
      keys.every((key) => {
        const body = wanted(key) ?? null;
        return body === null ? state.objects[key] === undefined : state.objects[key] === digest(body);
      });
    if (isAs((key) => changes[key])) {
      for (const key of keys) {
        const body = changes[key] ?? null;
        if (body === null) live.delete(key);
        else live.set(key, body);
      }
    } else if (!isAs((key) => expected.live.get(key))) {
      throw new Error(`An unacknowledged ${kind} of ${keys.join(', ')} is neither done nor undone`);
    }
  }
  for (const key of Object.keys(state.objects))
    if (!live.has(key)) throw new Error(`${key} is there, though nothing acknowledged it`);
  const folders = new Set(
    [...live.keys()].flatMap((key) => [...key.matchAll(/\//g)].map(({ index }) => key.slice(0, index + 1))),
  );
  const wrong = [...folders].filter((path) => !state.folders.includes(path));
  if (wrong.length > 0 || state.folders.length !== folders.size) {
    throw new Error(`Folders ${state.folders.join(' ')} do not fit the keys, which need ${[...folders].join(' ')}`);
  }
  const bytes = [...live.values()].reduce((sum, body) => sum + bytesOfBody(body).length, 0);
  if (state.used.objects !== live.size || state.used.bytes !== bytes)
    throw new Error(`The bucket is said to use ${JSON.stringify(state.used)}, and uses ${live.size} objects of ${bytes} bytes`);
  if (!state.journal.dense) throw new Error('The journal has a hole');
  return live;
}

const digests = new Map<Body, string>();

function digest(body: Body): string {
  const known = digests.get(body) ?? digestOf(bytesOfBody(body));
  digests.set(body, known);
  return known;
}
