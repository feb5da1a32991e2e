import { crc32, deflateSync } from 'node:zlib';
import type { Answer, SendOptions } from '../support/requests.ts';

/** A request as the user, below the gateway's address. */
export type Call = (method: string, path: string, options?: SendOptions, as?: string) => Promise<Answer>;

export interface AppsPlace {
  user: string;
  /** Of a guest, who owns no files. */
  guest: string;
  /** Of another user, who does. */
  other: string;
  webUrl(): string;
}

export type AppsScene = ReturnType<typeof appsScene>;

/** Where Nextcloud's apps look, and how their answers are read. */
export function appsScene(call: Call, place: AppsPlace) {
  const { user } = place;
  const files = `/remote.php/dav/files/${user}`;
  const trash = `/remote.php/dav/trashbin/${user}/trash`;
  const hrefs = ({ body }: Answer) =>
    [...body.toString().matchAll(/<d:response><d:href>([^<]*)/g)].map((match) => match[1] ?? '');
  const value = (text: string, name: string) => new RegExp(`<(?:oc|nc|d):${name}>([^<]*)<`).exec(text)?.[1];
  const propfind = (names: string[]) =>
    `<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"><d:prop>${names.map((name) => `<${name}/>`).join('')}</d:prop></d:propfind>`;
  const of = (answer: Answer, href: string) =>
    answer.body
      .toString()
      .split('<d:response>')
      .find((part) => part.startsWith(`<d:href>${href}<`)) ?? '';
  const fileId = async (path: string) => {
    const body = propfind(['oc:fileid', 'nc:has-preview']);
    return Number(value((await call('PROPFIND', files + path, { headers: { depth: '0' }, body })).body.toString(), 'fileid'));
  };
  return { ...place, call, files, trash, hrefs, value, propfind, of, fileId };
}

/** A picture of one colour. */
export function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc((width * 3 + 1) * height));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
