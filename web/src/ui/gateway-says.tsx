import { language, translated } from '../i18n/index.ts';

/** A sentence of the gateway in the language of the page; what is not known there is marked as English, for whoever has it read aloud. */
export function GatewaySays({ text }: { text: string }) {
  const known = translated(text);
  const english = known === null && language.value !== 'en' && /\s/.test(text);
  return <span {...(english ? { lang: 'en' } : {})}>{known ?? text}</span>;
}
