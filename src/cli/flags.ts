import { type Command, Option } from 'commander';
import { processSources } from '../config/environment.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { SettingError } from '../config/setting-error.ts';
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName } from '../config/settings.ts';
import { createOutput, type Output } from './output.ts';

/** What commander hands to an action. */
export type Flags = Record<string, unknown>;

/** A command with the flags that all have. */
export function subcommand(parent: Command, usage: string, description: string): Command {
  return withSettings(parent.command(usage).description(description)).option('--json', 'print one JSON document');
}

/** Every setting is a flag, except secrets, which the process list would show; URLs with a password are allowed for trying out. */
export function withSettings(command: Command): Command {
  command.option('--config <file>', 'settings file; default: cloudstore.yaml in the working directory');
  for (const name of SETTING_NAMES) {
    const setting: Setting<unknown> = SETTINGS[name];
    if (setting.secret && !setting.url) continue;
    if (name === 'lan') continue; // serve has it, as a flag without a value
    if (name === 'access-key-id' && command.parent?.name() !== 'cloudstore') continue; // user add and key add have their own
    const option = new Option(`--${name} <value>`, setting.description);
    command.addOption(command.name() === 'serve' || name === 'data-dir' ? option : option.hideHelp());
  }
  return command;
}

export function configOf(flags: Flags): Config {
  const given: Partial<Record<SettingName, string>> = {};
  for (const name of SETTING_NAMES) {
    const value = flags[camelCase(name)];
    if (typeof value === 'string') given[name] = value;
  }
  if (flags.lan === true) {
    if (given.host !== undefined) throw new SettingError('--lan and --host say different things; give one of them.');
    given.lan = 'on';
  }
  return loadConfig({ ...processSources(), flags: given, file: textFlag(flags, 'config') ?? undefined });
}

export function outputOf(flags: Flags): Output {
  return createOutput(flags.json === true, process.stdout, process.stderr);
}

/** @throws SettingError for half a key */
export function givenKey(flags: Flags): { accessKeyId: string; secretAccessKey: string } | null {
  const [accessKeyId, secretAccessKey] = [textFlag(flags, 'accessKeyId'), textFlag(flags, 'secretAccessKey')];
  if (accessKeyId === null && secretAccessKey === null) return null;
  if (accessKeyId === null || secretAccessKey === null)
    throw new SettingError('--access-key-id and --secret-access-key go together.');
  return {
    accessKeyId: checkedText('access-key-id', accessKeyId),
    secretAccessKey: checkedText('secret-access-key', secretAccessKey),
  };
}

function checkedText(name: 'access-key-id' | 'secret-access-key', value: string): string {
  const parsed = SETTINGS[name].schema.safeParse(value);
  if (!parsed.success) throw new SettingError(`--${name} ${parsed.error.issues[0]?.message}.`);
  return value;
}

/** One trailing newline is dropped, as `echo` adds one. null: none is given. @throws SettingError for an empty one */
export async function givenPassword(flags: Flags): Promise<string | null> {
  if (flags.passwordStdin !== true) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const password = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (password === '') throw new SettingError('The password on stdin is empty.');
  return password;
}

export function textFlag(flags: Flags, name: string): string | null {
  const value = flags[name];
  return typeof value === 'string' ? value : null;
}

/** Ms since the epoch. @throws SettingError */
export function timeFlag(flags: Flags, name: string): number | null {
  const text = textFlag(flags, name);
  if (text === null) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new SettingError(`--${name} ${text} is no time; write it as 2026-11-25T18:00:00Z.`);
  return ms;
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
