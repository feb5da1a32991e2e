/** ms since the epoch of a time as ISO 8601 writes it, else NaN. One without a zone is UTC wherever the gateway runs: Date.parse takes the machine's own. */
export function parseIsoTime(text: string): number {
  return Date.parse(/T[\d:.]+$/.test(text) ? `${text}Z` : text);
}
