import { computed, signal } from '@preact/signals';
import { preferences } from '../preferences.ts';
import type { Catalog, MessageKey } from './catalog.ts';
import { en } from './en.ts';
import { collator, dates, numbers, relative } from './formatters.ts';
import { type Sentences, sentences } from './sentences.ts';

export type { MessageKey } from './catalog.ts';

/** A language of the page, and what it makes of the sentences that the gateway says. */
interface Language {
  catalog: Catalog;
  gateway: Sentences;
}

/** The gateway speaks English. */
const ENGLISH: Language = { catalog: en, gateway: sentences({}) };

/** A language is loaded when it is chosen; English is in the page. */
export const LANGUAGES: Record<string, { name: string; load: () => Promise<Language> }> = {
  en: { name: 'English', load: async () => ENGLISH },
  de: {
    name: 'Deutsch',
    load: async () => {
      const { de, gatewayDe } = await import('./de.ts');
      return { catalog: de, gateway: sentences(gatewayDe) };
    },
  },
};

const loaded = signal<Language & { language: string }>({ language: 'en', ...ENGLISH });
export const language = computed(() => loaded.value.language);
/** Dates are written as where the reader lives: English has more than one way. */
const region = computed(() => navigator.languages.find((tag) => tag.split('-')[0] === language.value) ?? language.value);
const plurals = computed(() => new Intl.PluralRules(language.value));

export async function useLanguage(wanted: string | null): Promise<void> {
  const name = wanted ?? navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES) ?? 'en';
  const found = LANGUAGES[name] ?? LANGUAGES.en;
  if (found === undefined) return;
  loaded.value = { language: name in LANGUAGES ? name : 'en', ...(await found.load()) };
  document.documentElement.lang = language.value;
}

export async function chooseLanguage(name: string): Promise<void> {
  preferences.set('language', name);
  await useLanguage(name);
}

/** The text of a key, with `{name}`s filled in. Values are text: nothing in them is markup. */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  const message = loaded.value.catalog[key];
  const text =
    typeof message === 'string' ? message : (message[plurals.value.select(Number(values.count ?? 0))] ?? message.other ?? '');
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? number(value) : value;
  });
}

/** A sentence of the gateway in the language of the page; null: it is not known there. */
export function translated(sentence: string): string | null {
  return loaded.value.gateway(sentence, longDate, number);
}

/** A sentence of the gateway in the language of the page, or as it came. */
export function fromGateway(sentence: string): string {
  return translated(sentence) ?? sentence;
}

/** Of what the gateway names, and we may know no text for. */
export function isText(key: string): key is MessageKey {
  return Object.hasOwn(en, key);
}

export function number(value: number): string {
  return numbers(language.value, {}).format(value);
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];

export function bytes(value: number): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < UNITS.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const digits = unit === 0 || scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2;
  return numbers(language.value, {
    style: 'unit',
    unit: UNITS[unit] ?? 'byte',
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumFractionDigits: digits,
  }).format(scaled);
}

/** A difference, with its sign. */
export function signedBytes(value: number): string {
  return `${value < 0 ? '−' : '+'}${bytes(Math.abs(value))}`;
}

/** A part is never said to be the whole: 99.97 % is 99.9 %. */
export function percent(share: number): string {
  const near = share > 0.99 && share < 1;
  const shown = near ? Math.floor(share * 1000) / 1000 : share;
  return numbers(language.value, { style: 'percent', maximumFractionDigits: near || share < 0.1 ? 1 : 0 }).format(shown);
}

/** Today's times as times, this year's without the year. */
export function shortDate(iso: string | undefined): string {
  if (iso === undefined) return '–';
  const date = new Date(iso);
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return format(date, { hour: 'numeric', minute: '2-digit' });
  if (date.getFullYear() === now.getFullYear()) return format(date, { day: 'numeric', month: 'short' });
  return format(date, { day: 'numeric', month: 'short', year: 'numeric' });
}

export function longDate(iso: string): string {
  return format(new Date(iso), { dateStyle: 'medium', timeStyle: 'medium' });
}

function format(date: Date, options: Intl.DateTimeFormatOptions): string {
  return dates(region.value, options).format(date);
}

/** How long something will take or took, in its two largest units. */
export function duration(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'day'],
    [Math.floor(seconds / 3600) % 24, 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [Math.floor(seconds) % 60, 'second'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  const shown = first < 0 ? parts.slice(3) : parts.slice(first, first + 2).filter(([value]) => value > 0);
  return shown
    .map(([value, unit]) => numbers(language.value, { style: 'unit', unit, unitDisplay: 'short' }).format(value))
    .join(' ');
}

/** “3 minutes ago”. */
export function ago(iso: string): string {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [60, 'second'],
    [3600, 'minute'],
    [86_400, 'hour'],
    [30 * 86_400, 'day'],
    [365 * 86_400, 'month'],
    [Number.POSITIVE_INFINITY, 'year'],
  ];
  let divisor = 1;
  for (const [limit, unit] of steps) {
    if (Math.abs(seconds) < limit)
      return relative(language.value, { numeric: 'auto' }).format(Math.round(seconds / divisor), unit);
    divisor = limit;
  }
  return iso;
}

/** Names as people order them: 2 before 10, case and accents last. */
export function compareNames(): (a: string, b: string) => number {
  return collator(language.value, { numeric: true, sensitivity: 'variant' }).compare;
}
