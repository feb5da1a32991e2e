import { homedir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConfigSources } from './load.ts';

/** What the process was started in: the one place that reads the environment. */
export function processSources(): Omit<ConfigSources, 'flags' | 'file'> {
  const environment = process.env;
  const installed = isInstalled();
  return {
    environment,
    workingDirectory: process.cwd(),
    defaultDataDirectory: installed ? dataHome(environment) : join(packageRoot(), 'data'),
    configDirectory: installed ? join(environment.XDG_CONFIG_HOME || join(homedir(), '.config'), 'cloudstore') : null,
  };
}

/** The checkout, or the published package (`dist/` has the same tree below it). */
export function packageRoot(): string {
  const above = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  return above.endsWith(`${sep}dist`) ? dirname(above) : above;
}

function isInstalled(): boolean {
  return packageRoot().split(sep).includes('node_modules');
}

/** The XDG data folder, and its likes of other systems. */
function dataHome(environment: Record<string, string | undefined>): string {
  if (environment.XDG_DATA_HOME) return join(environment.XDG_DATA_HOME, 'cloudstore');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'CloudStore');
  if (process.platform === 'win32') return join(environment.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'CloudStore');
  return join(homedir(), '.local', 'share', 'cloudstore');
}
