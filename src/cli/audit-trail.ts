import type { Command } from 'commander';
import type { Clock, Random } from '#core/clock';
import type { Flags } from './flags.ts';
import type { Session } from './session.ts';

/** Words of commands that change nothing. */
const LOOKS = new Set([
  'list',
  'removed',
  'show',
  'status',
  'usage',
  'verify',
  'export',
  'explain',
  'print',
  'check-storage',
  'doctor',
  'compare',
  'snapshot',
]);

const NOTED = Symbol('command');

/** A command as the audit calls it: its words, and what it was done to; options may hold secrets and stay out. */
export interface Commanded {
  words: string;
  names: string[];
}

export function commandedBy(flags: Flags): Commanded {
  const { [NOTED]: noted } = flags as { [NOTED]?: Commanded };
  return noted ?? { words: '', names: [] };
}

/** A command's flags go with it wherever it works; its name goes along. */
export function noteCommand(command: Command): void {
  const words: string[] = [];
  for (let at: Command | null = command; at !== null && at.parent !== null; at = at.parent) words.unshift(at.name());
  Object.assign(command.opts(), { [NOTED]: { words: words.join(' '), names: command.args } satisfies Commanded });
}

/** Writes down what the owner of the machine did at its command line. */
export async function recordCommand(
  { metadata, keyring }: Session,
  { words, names }: Commanded,
  failed: boolean,
  { clock, random }: { clock: Clock; random: Random },
): Promise<void> {
  if (LOOKS.has(words.split(' ').at(-1) ?? '')) return;
  await metadata.audit(keyring).append([
    {
      at: clock.now(),
      principal: null,
      name: null,
      credential: null,
      protocol: 'cli',
      action: words,
      resource: names.length === 0 ? null : names.join(' '),
      outcome: failed ? 'failed' : 'ok',
      status: failed ? 1 : 0,
      address: null,
      requestId: random(8).toString('hex').toUpperCase(),
      details: null,
    },
  ]);
}
