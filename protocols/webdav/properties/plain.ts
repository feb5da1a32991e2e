import type { FolderRow } from '#contracts/metadata-store';
import type { ShownObject } from '#core/object';
import type { XmlBytes } from '#http/xml-bytes';
import { hrefName, isUnreserved } from '../paths.ts';
import { DESKTOP_TIME_MAX, DESKTOP_TIME_MIN } from '../times.ts';
import type { PlainValue } from './property.ts';

/** What one `response` element is made of: what is the same for all plain files, and between that what differs. */
export type PlainPiece = string | PlainValue;

/** Gives the pieces, by a file of the listing that they are for. */
export type PlainShape = (any: ShownObject) => PlainPiece[];

/** Where dates are still written in four digits. */
const TIME_MAX = 253_402_300_800_000;

/** Most files: one that has all that a file usually has, and nothing that few have. */
export function isPlain({ properties, attributes, mtime, created, etagAt, etagEnd }: FolderRow): boolean {
  return (
    properties === null &&
    attributes.contentLanguage === undefined &&
    mtime >= DESKTOP_TIME_MIN &&
    mtime <= DESKTOP_TIME_MAX &&
    created > 0 &&
    created < TIME_MAX &&
    etagEnd > etagAt
  );
}

/** @param folderHref with its slash @param folderBytes of the key, before a file's name */
export function plainWriter(
  pieces: readonly PlainPiece[],
  folderHref: string,
  folderBytes: number,
): (to: XmlBytes, row: FolderRow) => void {
  const head = Buffer.from(`<d:response><d:href>${folderHref}`);
  const values: PlainValue[] = [];
  const texts = ['</d:href>'];
  for (const piece of pieces) {
    if (typeof piece === 'string') texts.push((texts.pop() ?? '') + piece);
    else {
      values.push(piece);
      texts.push('');
    }
  }
  const last = `${texts.pop() ?? ''}</d:response>\n`;
  const constants = [...texts, last].map((text) => Buffer.from(text));
  return (to, row) => {
    const nameAt = row.keyAt + folderBytes;
    to.add(head);
    if (isUnreserved(row.bytes, nameAt, row.keyEnd)) {
      to.reserve(row.keyEnd - nameAt);
      to.putPart(row.bytes, nameAt, row.keyEnd);
    } else to.write(hrefName(row.bytes.toString('utf8', nameAt, row.keyEnd)));
    to.add(constants[0] as Buffer);
    for (let i = 0; i < values.length; i++) {
      (values[i] as PlainValue)(to, row, nameAt);
      to.add(constants[i + 1] as Buffer);
    }
  };
}
