import type { Client } from './client.ts';
import { problemOf, unreachable } from './problem.ts';

export interface Piece {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Blob;
  signal: AbortSignal;
  onSent(bytes: number): void;
}

export type Answer = Pick<Response, 'headers' | 'status'>;

/** Sends a body and tells how far it has come, where the platform lets it. */
export interface Sender {
  /** Whether `onSent` is called while a body is on its way. */
  readonly seen: boolean;
  send(piece: Piece): Promise<Answer>;
}

interface Xhr {
  upload: { onprogress: ((event: { loaded: number }) => void) | null };
  status: number;
  responseText: string;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getAllResponseHeaders(): string;
  send(body: Blob): void;
  abort(): void;
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
}

/** A browser's XMLHttpRequest tells of what was sent, which its fetch does not. */
export function senderOf(client: Client): Sender {
  const Xhr = (globalThis as { XMLHttpRequest?: new () => Xhr }).XMLHttpRequest;
  if (Xhr === undefined) {
    return {
      seen: false,
      send: ({ method, path, headers, body, signal }) => client.request(method, path, { headers, body, signal }),
    };
  }
  const once = (piece: Piece, token: string | null): Promise<Response> =>
    new Promise((resolve, reject) => {
      const xhr = new Xhr();
      xhr.open(piece.method, `${client.baseUrl}${piece.path}`);
      for (const [name, value] of Object.entries(piece.headers)) xhr.setRequestHeader(name, value);
      if (token !== null) xhr.setRequestHeader('Authorization', `Bearer ${token}`);
      const onAbort = (): void => xhr.abort();
      piece.signal.addEventListener('abort', onAbort, { once: true });
      const end = (): void => piece.signal.removeEventListener('abort', onAbort);
      xhr.upload.onprogress = ({ loaded }) => piece.onSent(loaded);
      xhr.onload = () => {
        end();
        const body = [204, 205, 304].includes(xhr.status) ? null : xhr.responseText;
        resolve(new Response(body, { status: xhr.status, headers: headersOf(xhr.getAllResponseHeaders()) }));
      };
      xhr.onerror = () => {
        end();
        reject(unreachable(new Error('the connection failed')));
      };
      xhr.onabort = () => {
        end();
        reject(piece.signal.reason);
      };
      if (piece.signal.aborted) reject(piece.signal.reason);
      else xhr.send(piece.body);
    });
  return {
    seen: true,
    async send(piece) {
      const token = await client.session.token();
      let response = await once(piece, token);
      if (response.status === 401 && token !== null) response = await once(piece, await client.session.renew(token));
      if (!response.ok) throw await problemOf(response);
      return response;
    },
  };
}

function headersOf(text: string): [string, string][] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.includes(':'))
    .map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]);
}
