import type { en } from './en.ts';

/** A text, or one for each plural form of the language; `{count}` chooses among those. */
export type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type MessageKey = keyof typeof en;
export type Catalog = Record<MessageKey, Message>;
