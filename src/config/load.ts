import { existsSync, readFileSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { SettingError, suggestion } from './setting-error.ts';
import {
  environmentName,
  redact,
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingName,
  type SettingValues,
} from './settings.ts';

/** Where the settings come from; all of it is an argument, so a test can turn it. */
export interface ConfigSources {
  /** Values of the command line's flags, by setting name. */
  flags: Partial<Record<SettingName, string>>;
  /** `--config` */
  file?: string | undefined;
  environment: Record<string, string | undefined>;
  workingDirectory: string;
  /** Where `data-dir` is when nobody says. */
  defaultDataDirectory: string;
  /** A further place of cloudstore.yaml, after the working directory. */
  configDirectory: string | null;
}

export interface Config {
  values: SettingValues & { 'data-dir': string };
  /** `flag --port`, `environment CLOUDSTORE_PORT`, a file's path, or `default`, by setting. */
  sources: Record<SettingName, string>;
  /** The files that secrets were read from, by setting. */
  files: Partial<Record<SettingName, string>>;
  /** The cloudstore.yaml that was read, or where the first one would be looked for. */
  file: string;
}

const CONFIG_FILE = 'cloudstore.yaml';

interface Given {
  value: unknown;
  source: string;
  /** How the owner named it, for error sentences. */
  label: string;
  /** The file that it was read from, of a secret. */
  path?: string;
}

/**
 * Flag, then environment, then file, then default. Reads secrets from the files that `CLOUDSTORE_<NAME>_FILE` names.
 * @throws SettingError for the first wrong thing, in one sentence
 */
export function loadConfig(from: ConfigSources): Config {
  const layers = [flagLayer(from), environmentLayer(from), fileLayer(from)];
  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  const files: Config['files'] = {};
  for (const name of SETTING_NAMES) {
    const given = layers.map((layer) => layer.get(name)).find((candidate) => candidate !== undefined);
    const definition: Setting<unknown> = SETTINGS[name];
    values[name] = given === undefined ? definition.default : checked(definition, given);
    sources[name] = given?.source ?? 'default';
    if (given?.path !== undefined) files[name] = given.path;
  }
  const file = configFile(from) ?? join(from.workingDirectory, CONFIG_FILE);
  const config = { values, sources, files, file } as Config; // every name was just set by its own schema
  const directory = config.values['data-dir'] as string | null;
  config.values['data-dir'] = resolve(from.workingDirectory, directory ?? from.defaultDataDirectory);
  assertNotBoth(config, 'master-key', 'master-passphrase');
  assertNotBoth(config, 'mirror-dir', 'mirror-url');
  const mirror = config.values['mirror-dir'];
  if (mirror !== null) config.values['mirror-dir'] = resolve(from.workingDirectory, mirror);
  // IPv4 too; the listeners fall back where IPv6 is off.
  if (config.values.lan === 'on' && sources.host === 'default') config.values.host = '::';
  assertTogether(config, 'tls-cert', 'tls-key');
  assertTogether(config, 'access-key-id', 'secret-access-key');
  return config;
}

/** For `config print`: every setting with its redacted value and where that came from. */
export function describeConfig(config: Config): { name: SettingName; value: unknown; source: string; environment: string }[] {
  return SETTING_NAMES.map((name) => ({
    name,
    value: redact(name, config.values[name]),
    source: config.sources[name],
    environment: environmentName(name),
  }));
}

function flagLayer({ flags }: ConfigSources): Map<SettingName, Given> {
  const layer = new Map<SettingName, Given>();
  for (const name of SETTING_NAMES) {
    const value = flags[name];
    if (value !== undefined) layer.set(name, { value, source: `flag --${name}`, label: `--${name}` });
  }
  return layer;
}

function environmentLayer({ environment, workingDirectory }: ConfigSources): Map<SettingName, Given> {
  const layer = new Map<SettingName, Given>();
  const byVariable = new Map(SETTING_NAMES.map((name) => [environmentName(name), name]));
  for (const [variable, value] of Object.entries(environment)) {
    // Kubernetes gives every container of a namespace with a service called "cloudstore" CLOUDSTORE_PORT=tcp://….
    if (!variable.startsWith('CLOUDSTORE_') || value === undefined || value === '' || value.startsWith('tcp://')) continue;
    const name = byVariable.get(variable);
    if (name !== undefined) {
      layer.set(name, { value, source: `environment ${variable}`, label: variable });
      continue;
    }
    const secretName = variable.endsWith('_FILE') ? byVariable.get(variable.slice(0, -'_FILE'.length)) : undefined;
    const definition: Setting<unknown> | null = secretName === undefined ? null : SETTINGS[secretName];
    if (secretName !== undefined && definition?.secret) {
      if (environment[environmentName(secretName)])
        throw new SettingError(`${variable} and ${environmentName(secretName)} are both set; remove one of them.`);
      const path = resolve(workingDirectory, value);
      layer.set(secretName, {
        value: readText(path, variable).replace(/\r?\n$/, ''),
        source: `file ${path} (${variable})`,
        label: variable,
        path,
      });
      continue;
    }
    if (isForeign(variable)) continue;
    throw new SettingError(`There is no setting ${variable}.${suggestion(variable, [...byVariable.keys()])}`);
  }
  return layer;
}

/** The tests' own variables, and what Kubernetes injects for services. */
function isForeign(variable: string): boolean {
  return variable.startsWith('CLOUDSTORE_TEST_') || /_SERVICE_/.test(variable) || /_PORT_/.test(variable);
}

function fileLayer(from: ConfigSources): Map<SettingName, Given> {
  const layer = new Map<SettingName, Given>();
  const path = configFile(from);
  if (path === null) return layer;
  let content: unknown;
  try {
    content = parse(readText(path, '--config')) ?? {};
  } catch (error) {
    if (error instanceof SettingError) throw error;
    throw new SettingError(`${path} is not valid YAML: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new SettingError(`${path} must hold lines such as "port: 9001".`);
  for (const [key, value] of Object.entries(content)) {
    const name = SETTING_NAMES.find((candidate) => candidate === key);
    if (name === undefined) throw new SettingError(`There is no setting "${key}" (${path}).${suggestion(key, SETTING_NAMES)}`);
    if (value === null) continue;
    const scalar = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
    layer.set(name, { value: scalar, source: path, label: `"${key}" in ${path}` });
  }
  return layer;
}

function configFile({ file, workingDirectory, configDirectory }: ConfigSources): string | null {
  if (file !== undefined) return isAbsolute(file) ? file : resolve(workingDirectory, file);
  const places = [workingDirectory, configDirectory].filter((place) => place !== null).map((place) => join(place, CONFIG_FILE));
  return places.find((place) => existsSync(place)) ?? null;
}

function readText(path: string, label: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    const why = code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : 'cannot be read';
    throw new SettingError(`${label} names ${basename(path) === path ? path : `the file ${path}`}, which ${why}.`);
  }
}

function checked(definition: Setting<unknown>, given: Given): unknown {
  const parsed = definition.schema.safeParse(given.value);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues[0]?.message ?? 'is not acceptable';
  const shown = definition.secret || typeof given.value !== 'string' ? '' : ` (it is "${given.value}")`;
  throw new SettingError(`${given.label} ${why.startsWith('must') ? why : 'is not acceptable'}${shown}.`);
}

function assertNotBoth(config: Config, a: SettingName, b: SettingName): void {
  if (config.values[a] === null || config.values[b] === null) return;
  throw new SettingError(`${environmentName(a)} and ${environmentName(b)} are both set; remove one of them.`);
}

function assertTogether(config: Config, a: SettingName, b: SettingName): void {
  if ((config.values[a] === null) === (config.values[b] === null)) return;
  const [present, absent] = config.values[a] === null ? [b, a] : [a, b];
  throw new SettingError(`${environmentName(present)} is set without ${environmentName(absent)}; set both or neither.`);
}
