import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { answer, XML_TYPE } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { NEXTCLOUD, OWNCLOUD } from './owncloud.ts';
import { XML_HEAD } from './xml-element.ts';

/** The prefixes are sabre's: Nextcloud's app for iOS looks for `d:response` and `oc:id` as words (NextcloudKit, NKDataFileXML.swift). */
export const OPEN = `${XML_HEAD}<d:multistatus xmlns:d="DAV:" xmlns:oc="${OWNCLOUD}" xmlns:nc="${NEXTCLOUD}">\n`;
export const CLOSE = '</d:multistatus>\n';
/** A larger answer is streamed, in blocks of about this many characters. */
const BLOCK_CHARACTERS = 262_144;

/** Waits only when this much is on its way, so that the next block is made while the client takes this one. */
const IN_FLIGHT_BYTES_MAX = 1_048_576;

export async function write(res: ServerResponse, bytes: Buffer | string, signal: AbortSignal, sent?: () => void): Promise<void> {
  const flowing = res.write(bytes, sent);
  if (!flowing && res.writableLength > IN_FLIGHT_BYTES_MAX) await once(res, 'drain', { signal });
}

/** A 207 whose parts come one after another: a small one goes out whole with its length, a large one as fast as the client reads. */
export interface Multistatus {
  add(response: string): Promise<void>;
  end(): Promise<void>;
}

export function openMultistatus({ res, cx }: Exchange, headers: Record<string, string> = {}): Multistatus {
  let block = OPEN;
  const leave = async (): Promise<void> => {
    if (!res.headersSent) res.writeHead(207, { 'Content-Type': XML_TYPE, ...headers });
    const text = block;
    block = '';
    await write(res, text, cx.signal);
  };
  return {
    async add(response) {
      block += response;
      if (block.length >= BLOCK_CHARACTERS) await leave();
    },
    async end() {
      block += CLOSE;
      if (!res.headersSent) return answer(res, 207, headers, block);
      await leave();
      res.end();
    },
  };
}
