/** The languages that pages of the gateway itself are written in. */
export type Language = 'en' | 'de';

/** The one that `Accept-Language` would rather have (RFC 9110 §12.5.4); English where it names neither. */
export function languageOf(header: string | undefined): Language {
  let chosen: Language = 'en';
  let best = 0;
  for (const range of (header ?? '').slice(0, 200).split(',')) {
    const [, name = '', quality = '1'] = /^\s*(en|de)(?:-[\w-]*)?\s*(?:;\s*q=([\d.]+))?\s*$/i.exec(range) ?? [];
    if (name === '' || !(Number(quality) > best)) continue;
    best = Number(quality);
    chosen = name.toLowerCase() === 'de' ? 'de' : 'en';
  }
  return chosen;
}
