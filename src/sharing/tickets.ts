import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Ticket } from '#contracts/links';
import type { LinkId } from '#core/link';

/**
 * What a visitor was already let through: `unlocked`, bound to the password of then, or `counted`, bound to the version whose download was counted.
 * Signed, and good for one link; nothing is kept about it.
 */
export interface Tickets {
  issue(kind: TicketKind, link: LinkId, bound: string, expires: number): Ticket;
  /** Whether one of them is good now. */
  good(tickets: readonly string[], kind: TicketKind, link: LinkId, bound: string, now: number): boolean;
}

export type TicketKind = 'unlocked' | 'counted';

/** Nobody has more at once; others would only be work. */
const LOOKED_AT_MAX = 128;

export function createTickets(key: () => Buffer): Tickets {
  const sign = (kind: TicketKind, link: LinkId, bound: string, expires: number): Buffer =>
    createHmac('sha256', key())
      .update(JSON.stringify([kind, link, bound, expires]))
      .digest();
  return {
    issue: (kind, link, bound, expires) => ({
      value: `${expires.toString(36)}.${sign(kind, link, bound, expires).toString('base64url')}`,
      expires,
    }),
    good(tickets, kind, link, bound, now) {
      return tickets.slice(0, LOOKED_AT_MAX).some((ticket) => {
        const match = /^([0-9a-z]{1,11})\.([\w-]{43})$/.exec(ticket);
        if (match === null) return false;
        const expires = Number.parseInt(match[1] ?? '', 36);
        return timingSafeEqual(sign(kind, link, bound, expires), Buffer.from(match[2] ?? '', 'base64url')) && expires > now;
      });
    },
  };
}
