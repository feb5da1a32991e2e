import { de } from '../../web/src/i18n/de.ts';
import { en } from '../../web/src/i18n/en.ts';
import type { WebFile } from './web-house.ts';

type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>;
type Catalogs = Record<'en' | 'de', Record<string, Message>>;

/** What is wrong with the page's texts: compared with the sources that show them, and with each other. */
export function textFaults(files: WebFile[], catalogs: Catalogs = { en, de }): string[] {
  const source = files
    .filter(({ path }) => !path.startsWith('web/src/i18n/'))
    .map((file) => file.source)
    .join('\n');
  const out: string[] = [];
  for (const key of shownKeys(source)) if (!(key in catalogs.en)) out.push(`${key}: shown, but there is no text`);
  for (const key of Object.keys(catalogs.en)) if (!isNamed(key, source)) out.push(`${key}: nobody shows it`);
  for (const [key, message] of Object.entries(catalogs.en)) {
    if (typeof message !== 'string')
      lackingForms('en', message).forEach((form) => void out.push(`${key}: en lacks the plural form ${form}`));
    for (const [language, catalog] of Object.entries(catalogs)) {
      if (language !== 'en') out.push(...comparedFaults(key, message, language, catalog[key]));
    }
  }
  return out;
}

function comparedFaults(key: string, english: Message, language: string, other: Message | undefined): string[] {
  if (other === undefined) return [`${key}: ${language} lacks it`];
  if (typeof english !== typeof other) return [`${key}: ${language} has ${typeof other === 'string' ? 'no' : ''} plural forms`];
  if (typeof other !== 'string')
    return lackingForms(language, other).map((form) => `${key}: ${language} lacks the plural form ${form}`);
  return values(english) === values(other) ? [] : [`${key}: ${language} has other values than en`];
}

function lackingForms(language: string, message: Partial<Record<Intl.LDMLPluralRule, string>>): string[] {
  return new Intl.PluralRules(language).resolvedOptions().pluralCategories.filter((form) => message[form] === undefined);
}

function values(message: Message): string {
  return typeof message === 'string' ? [...new Set(message.match(/\{\w+\}/g) ?? [])].sort().join(' ') : '';
}

/** Keys that stand in a call of `t` itself. */
function shownKeys(source: string): Set<string> {
  return new Set([...source.matchAll(/\bt\(\s*'([^']+)'/g)].map(([, key]) => key ?? ''));
}

/** In quotes somewhere, or as one of the words that a template's hole can be. */
function isNamed(key: string, source: string): boolean {
  if (source.includes(`'${key}'`)) return true;
  const dot = key.lastIndexOf('.');
  return dot > 0 && source.includes(`\`${key.slice(0, dot)}.\${`);
}
