import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** An answer as it came over the wire. Names of headers are lower case; of a doubled one the values are joined by a comma. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** Names and values as they stood there. */
  rawHeaders: [string, string][];
  body: Buffer;
  text: string;
  /** Status codes of the 1xx answers that came before. */
  interim: number[];
}

/** One connection that a test writes to byte by byte. */
export interface Wire {
  write(bytes: Buffer | string): void;
  /** The next final answer. @throws when the connection ends first, or nothing comes for `withinMs` */
  answer(method: string, withinMs?: number): Promise<Answer>;
  /** The status of the next 1xx answer, or of the final one if that comes first. */
  firstStatus(withinMs?: number): Promise<number>;
  /** What came and was not taken yet. */
  unread(): Buffer;
  /** Half-closes: the peer sees the end of our side. */
  end(): void;
  /** Resets the connection. */
  destroy(): void;
  /** Resolves when the peer has closed. */
  closed: Promise<void>;
}

const WITHIN_MS = 30_000;

/** Opens a connection to the host of `origin`, TLS where that says https. */
export async function openWire(origin: string): Promise<Wire> {
  const { protocol, hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const socket =
    protocol === 'https:'
      ? connectTls({ host, port: Number(port || 443), servername: host, rejectUnauthorized: false })
      : connect({ host, port: Number(port || 80) });
  socket.setNoDelay(true);
  let buffered: Buffer = Buffer.alloc(0);
  let ended = false;
  let broken: Error | null = null;
  let wake: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('data', (bytes: Buffer) => {
    buffered = buffered.length === 0 ? bytes : Buffer.concat([buffered, bytes]);
    wake();
  });
  const finish = (): void => {
    ended = true;
    wake();
  };
  socket.on('end', finish);
  socket.on('close', finish);
  socket.on('error', (error) => {
    broken = error;
    finish();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', resolve);
    socket.once('error', reject);
  });

  /** Waits until `take` gives something; `take` is told whether no more will come. */
  async function until<T>(take: (atEnd: boolean) => T | null, withinMs: number): Promise<T> {
    const timeout = AbortSignal.timeout(withinMs);
    for (;;) {
      const wasEnded = ended;
      const taken = take(wasEnded);
      if (taken !== null) return taken;
      if (wasEnded) throw new Error(`The connection ended in the middle of an answer${broken === null ? '' : `: ${broken}`}.`);
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        const late = (): void => reject(new Error(`No answer within ${withinMs} ms; ${buffered.length} bytes are here.`));
        if (timeout.aborted) late();
        else timeout.addEventListener('abort', late, { once: true });
      });
    }
  }

  interface Head {
    status: number;
    rawHeaders: [string, string][];
    headers: Record<string, string>;
  }
  let peeked: Head | null = null;

  async function head(withinMs: number): Promise<Head> {
    if (peeked !== null) {
      const known = peeked;
      peeked = null;
      return known;
    }
    return until(() => {
      const end = buffered.indexOf('\r\n\r\n');
      if (end < 0) return null;
      const [first = '', ...lines] = buffered.toString('latin1', 0, end).split('\r\n');
      buffered = buffered.subarray(end + 4);
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
      if (!(status >= 100)) throw new Error(`Not an answer: ${first.slice(0, 100)}`);
      const rawHeaders = lines.map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      });
      const headers: Record<string, string> = {};
      for (const [name, value] of rawHeaders) {
        const known = headers[name.toLowerCase()];
        headers[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`;
      }
      return { status, rawHeaders, headers };
    }, withinMs);
  }

  function takeBytes(size: number, withinMs: number): Promise<Buffer> {
    return until(() => {
      if (buffered.length < size) return null;
      const bytes = buffered.subarray(0, size);
      buffered = buffered.subarray(size);
      return bytes;
    }, withinMs);
  }

  function takeLine(withinMs: number): Promise<string> {
    return until(() => {
      const end = buffered.indexOf('\r\n');
      if (end < 0) return null;
      const line = buffered.toString('latin1', 0, end);
      buffered = buffered.subarray(end + 2);
      return line;
    }, withinMs);
  }

  async function body(method: string, { status, headers }: Head, withinMs: number): Promise<Buffer> {
    if (method === 'HEAD' || status === 204 || status === 304) return Buffer.alloc(0);
    if (headers['transfer-encoding']?.toLowerCase() === 'chunked') {
      const parts: Buffer[] = [];
      for (;;) {
        const size = Number.parseInt(await takeLine(withinMs), 16);
        if (size === 0) break;
        parts.push(await takeBytes(size, withinMs));
        await takeLine(withinMs);
      }
      while ((await takeLine(withinMs)) !== '');
      return Buffer.concat(parts);
    }
    if (headers['content-length'] !== undefined) return takeBytes(Number(headers['content-length']), withinMs);
    return until((atEnd) => (atEnd ? buffered : null), withinMs);
  }

  return {
    write: (bytes) => void socket.write(bytes),
    async answer(method, withinMs = WITHIN_MS) {
      const interim: number[] = [];
      for (;;) {
        const found = await head(withinMs);
        if (found.status < 200) {
          interim.push(found.status);
          continue;
        }
        const bytes = await body(method, found, withinMs);
        return { ...found, interim, body: bytes, text: bytes.toString() };
      }
    },
    async firstStatus(withinMs = WITHIN_MS) {
      const found = await head(withinMs);
      if (found.status >= 200) peeked = found;
      return found.status;
    },
    unread: () => buffered,
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    closed,
  };
}
