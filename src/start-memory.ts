import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives back what only the start needed: modules and the database's answers grow V8's young generation to its bound, where it stays until something presses
 * (V8's `last-resort` collection, some 60 ms; a regular one leaves the young generation as it is). For the moment before anybody was told that they may come.
 */
export function giveBackStartMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') collect({ type: 'major', flavor: 'last-resort' });
}
