const DAY_MS = 86_400_000;
const TWO_DIGITS: readonly string[] = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));

/** Times of a listing, ms since the epoch, as text. */
export interface DateWriter {
  /** IMF-fixdate, in whole seconds (RFC 9110 §5.6.7). */
  imf(ms: number): string;
  /** RFC 3339 in whole seconds, with `Z`. */
  isoSeconds(ms: number): string;
  /** RFC 3339 with milliseconds and `Z`. */
  iso(ms: number): string;
}

/**
 * Writes what `Date` would, but asks it once a day of the calendar: the entries of a listing have a few days between them, and
 * a `Date` for each of ten thousand costs more than the rest of their XML. For one answer: it remembers the day before.
 */
export function createDateWriter(): DateWriter {
  let day = Number.NaN;
  let iso = '';
  let imf = '';
  let second = Number.NaN;
  let time = '';
  /** Sets the day's two prefixes and gives the milliseconds since it began. */
  const into = (ms: number): number => {
    const wanted = Math.floor(ms / DAY_MS);
    if (wanted !== day) {
      const date = new Date(wanted * DAY_MS);
      iso = date.toISOString().slice(0, -'00:00:00.000Z'.length);
      imf = date.toUTCString().slice(0, -'00:00:00 GMT'.length);
      day = wanted;
    }
    return Math.floor(ms) - wanted * DAY_MS;
  };
  /** An entry's own times are often the same second, and its neighbour's too. */
  const timeIn = (since: number): string => {
    const wanted = Math.floor(since / 1000);
    if (wanted !== second) {
      second = wanted;
      time = timeOfDay(wanted);
    }
    return time;
  };
  return {
    imf(ms) {
      const since = into(ms);
      return `${imf}${timeIn(since)} GMT`;
    },
    isoSeconds(ms) {
      const since = into(ms);
      return `${iso}${timeIn(since)}Z`;
    },
    iso(ms) {
      const since = into(ms);
      return `${iso}${timeIn(since)}.${String(since % 1000).padStart(3, '0')}Z`;
    },
  };
}

function timeOfDay(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${TWO_DIGITS[Math.floor(minutes / 60)]}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[seconds % 60]}`;
}
