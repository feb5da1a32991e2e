import { signal } from '@preact/signals';
import type { Begun } from './uploads/remembered.ts';

/** How somebody likes the page to look, and which uploads were begun; nothing secret. The one user of localStorage, which may be forbidden or full. */
interface Preferences {
  language: string | null;
  theme: 'system' | 'light' | 'dark';
  view: 'list' | 'grid';
  details: boolean;
  /** Uploads that can be gone on with: names and ids, no bytes. */
  begun: Begun[];
}

const DEFAULTS: Preferences = { language: null, theme: 'system', view: 'list', details: false, begun: [] };
const NAME = 'cloudstore-preferences';

function read(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(NAME) ?? '{}') as Partial<Preferences>) };
  } catch {
    return DEFAULTS;
  }
}

const current = signal(read());

export const preferences = {
  get value(): Preferences {
    return current.value;
  },
  set<K extends keyof Preferences>(name: K, value: Preferences[K]): void {
    current.value = { ...current.value, [name]: value };
    try {
      localStorage.setItem(NAME, JSON.stringify(current.value));
    } catch {
      // It holds for this tab then.
    }
  },
};

export function applyTheme(): void {
  const { theme } = current.value;
  if (theme === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.dataset.theme = theme;
}
