import type { Dice } from './random.ts';
import { type SimulatedFile, simulatedFile } from './simulated-file.ts';

/** A file, or null: a directory. */
export type Node = SimulatedFile | null;

/** The directories of a simulated disk. A name that came or went is safe once its directory was synced, and not before. */
export interface SimulatedNames {
  /** undefined: nothing has this name. @throws ENOTDIR below a file */
  find(path: string): Node | undefined;
  list(path: string): string[];
  /** Every file, by its path. */
  files(): [string, SimulatedFile][];
  create(path: string): SimulatedFile;
  makeDirectory(path: string): void;
  remove(path: string): void;
  rename(from: string, to: string): void;
  sync(directory: string): void;
  losePower(dice: Dice): void;
}

interface Change {
  directory: string;
  path: string;
  /** undefined: the name goes. */
  node: Node | undefined;
  /** The other half of a rename: the old name never goes ahead of the new one's coming. */
  after: Change | null;
}

/** @param atomicRenames between directories too, as journals have it; else a power loss may leave both names of one file */
export function simulatedNames(atomicRenames: boolean): SimulatedNames {
  let seen = new Map<string, Node>([['/', null]]);
  const safe = new Map<string, Node>([['/', null]]);
  let changes: Change[] = [];

  function change(path: string, node: Node | undefined, after: Change | null = null): Change {
    if (node === undefined) seen.delete(path);
    else seen.set(path, node);
    const made = { directory: parentOf(path), path, node, after };
    changes.push(made);
    return made;
  }

  /** Makes some of the changes safe, in their order, and forgets them. */
  function settle(chosen: Set<Change>): void {
    for (const one of changes) {
      if (one.after === null) continue;
      if (chosen.has(one)) chosen.add(one.after);
      else if (atomicRenames && chosen.has(one.after)) chosen.add(one);
    }
    for (const one of changes) {
      if (!chosen.has(one)) continue;
      if (one.node === undefined) safe.delete(one.path);
      else safe.set(one.path, one.node);
    }
    changes = changes.filter((one) => !chosen.has(one));
  }

  const names: SimulatedNames = {
    find(path) {
      const above = path === '/' ? null : seen.get(parentOf(path));
      if (above === undefined) names.find(parentOf(path));
      else if (above !== null) throw failure('ENOTDIR', path);
      return seen.get(path);
    },
    list: (path) => [...seen.keys()].filter((name) => name !== '/' && parentOf(name) === path).map((name) => nameOf(name)),
    files: () => [...seen].flatMap(([path, node]) => (node === null ? [] : [[path, node] as [string, SimulatedFile]])),
    create(path) {
      const file = simulatedFile();
      change(path, file);
      return file;
    },
    makeDirectory(path) {
      if (seen.has(path)) return;
      names.makeDirectory(parentOf(path));
      change(path, null);
    },
    remove: (path) => void change(path, undefined),
    rename(from, to) {
      const node = seen.get(from);
      if (node === seen.get(to)) return; // two names of one file: nothing happens (POSIX)
      change(from, undefined, change(to, node));
    },
    sync: (directory) => settle(new Set(changes.filter((one) => one.directory === directory))),
    losePower(dice) {
      const odds = dice.pick([0, 0.5, 1]);
      // Of one name, nothing later without what came before it.
      const stopped = new Set<string>();
      const chosen = changes.filter(({ path }) => {
        if (!stopped.has(path) && !dice.chance(odds)) stopped.add(path);
        return !stopped.has(path);
      });
      settle(new Set(chosen));
      changes = [];
      // What lies in a directory that was never safe itself is gone with it.
      seen = new Map();
      for (const [path, node] of [...safe].sort(([a], [b]) => a.length - b.length)) {
        if (path === '/' || seen.get(parentOf(path)) === null) seen.set(path, node);
        else safe.delete(path);
      }
    },
  };
  return names;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** An error as Node has them: without a stack, which would cost more than all the rest of a call. */
export function failure(code: string, what: string): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = Object.assign(new Error(`${code}: ${what}`), { code });
  Error.stackTraceLimit = limit;
  return error;
}
