import type { SendBuffers } from '#http/send-buffers';
import { CLOSE, OPEN } from './multistatus.ts';

/** What a listing says otherwise of one href: its `response`, or that there is none. */
export interface ListingChange {
  href: string;
  response: string | null;
  /** Where one of these is listed, it can neither come nor go without them: they are shown by whether it is there. null: it can in no case. */
  beside: readonly string[] | null;
}

/** Looking for many in much takes longer than to list it again. */
const LOOKED_AT_MAX = 64 << 20;
const START = '<d:response><d:href>';

interface Place {
  block: number;
  start: number;
  end: number;
}

/**
 * A listing that was sent, with what has changed since; what comes new goes to its end. The first block is never one of those that were given.
 * Nothing else in it looks like the beginning of a `response`: text is escaped, and elements of dead properties declare their namespaces (xml-element.ts).
 * @param self the folder's own `response`, the first
 * @returns what is not one of those that were given is lent; null: it must be listed
 */
export function patchListing(
  blocks: readonly Buffer[],
  self: string,
  changes: readonly ListingChange[],
  buffers: Pick<SendBuffers, 'lend'>,
): readonly Buffer[] | null {
  const [first, last] = [blocks[0], blocks.at(-1)];
  const bytes = blocks.reduce((sum, { length }) => sum + length, 0);
  if (first === undefined || last === undefined || bytes * changes.length > LOOKED_AT_MAX) return null;
  const edits: (Place & { text: string })[] = [
    { block: 0, start: OPEN.length, end: endOfResponse(first, OPEN.length), text: self },
  ];
  let coming = '';
  for (const { href, response, beside } of changes) {
    const at = placeOf(blocks, href);
    const comesOrGoes = (at === null) !== (response === null);
    if (comesOrGoes && (beside === null || beside.some((other) => placeOf(blocks, other) !== null))) return null;
    if (at === null) coming += response ?? '';
    else edits.push({ ...at, text: response ?? '' });
  }
  const end = last.length - CLOSE.length;
  if (coming !== '') edits.push({ block: blocks.length - 1, start: end, end, text: coming });
  return blocks.map((block, index) =>
    edited(
      block,
      edits.filter((edit) => edit.block === index),
      buffers,
    ),
  );
}

function edited(block: Buffer, edits: (Place & { text: string })[], { lend }: Pick<SendBuffers, 'lend'>): Buffer {
  if (edits.length === 0) return block;
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { start, end, text } of edits.sort((a, b) => a.start - b.start)) {
    pieces.push(block.subarray(from, start), Buffer.from(text));
    from = end;
  }
  pieces.push(block.subarray(from));
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const whole = lend(length);
  let at = 0;
  for (const piece of pieces) at += piece.copy(whole, at);
  return whole;
}

function placeOf(blocks: readonly Buffer[], href: string): Place | null {
  const head = `${START}${href}</d:href>`;
  for (const [block, text] of blocks.entries()) {
    const start = text.indexOf(head);
    if (start >= 0) return { block, start, end: endOfResponse(text, start) };
  }
  return null;
}

/** Where the `response` ends that begins there: at the next, or where the block does. */
function endOfResponse(block: Buffer, start: number): number {
  const next = block.indexOf(START, start + START.length);
  if (next >= 0) return next;
  return block.toString('latin1', block.length - CLOSE.length) === CLOSE ? block.length - CLOSE.length : block.length;
}
