import type { ShownEntry } from '#core/object';
import type { Renderer } from './properties/render.ts';

const YEAR_1 = -62_135_596_800_000;
const YEAR_9999 = 253_402_300_799_999;

/** Seconds since the epoch, before it with a minus, from some clients with a fraction; in ms. null: they cannot be read, or no date of HTTP says them. */
export function parseSeconds(text: string): number | null {
  return /^-?\d{1,12}(\.\d{1,20})?$/.test(text) ? written(Math.round(Number(text) * 1000) + 0) : null;
}

/** As `parseSeconds`, or a date. */
export function parseTime(text: string): number | null {
  return parseSeconds(text) ?? (/^-?[\d.]+$/.test(text) ? null : written(Date.parse(text)));
}

function written(ms: number): number | null {
  return ms >= YEAR_1 && ms <= YEAR_9999 ? ms : null;
}

/** Files of other times are rendered one by one, for who takes them at their ends only. */
export const DESKTOP_TIME_MIN = 1000;
export const DESKTOP_TIME_MAX = 0xff_ff_ff_fe * 1000;
const DESKTOP = /\bmirall\//;

/**
 * The desktop's client fetches no file whose time is the epoch or before, or does not fit 32 bits ("Cannot sync due to invalid modification time",
 * and "has invalid modified time reported by server" of a GET; 3.7.3 at least): it is told the nearest that it takes.
 */
export function isDesktop(agent: string | undefined): boolean {
  return agent !== undefined && DESKTOP.test(agent);
}

export function withDesktopTimes(renderer: Renderer): Renderer {
  return {
    ...renderer,
    response: (entry, displayName, href, context) => renderer.response(timed(entry), displayName, href, context),
  };
}

function timed(entry: ShownEntry): ShownEntry {
  if (entry.kind !== 'object') return entry;
  const mtime = desktopTime(entry.mtime);
  return mtime === entry.mtime ? entry : { ...entry, mtime };
}

export function desktopTime(mtime: number): number {
  return Math.min(Math.max(mtime, DESKTOP_TIME_MIN), DESKTOP_TIME_MAX);
}
