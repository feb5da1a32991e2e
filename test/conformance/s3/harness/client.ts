import { frameChunks } from './chunked.ts';
import { encode, type Keys, type Signature, sha256, sign, stampOf } from './signer.ts';
import { type Answer, openWire, type Wire } from './wire.ts';
import { type Element, parse } from './xml.ts';

/** A request as it will be written, header by header. */
export interface Outgoing {
  method: string;
  /** Path and query. */
  target: string;
  headers: [string, string][];
  body: Buffer;
}

/** How the body is covered by the signature. Default `signed`. */
export type PayloadMode = 'signed' | 'unsigned' | 'chunks' | 'chunks-trailer' | 'unsigned-trailer';

export interface RequestOptions {
  /** Decoded; an array repeats the name; '' is sent as `name=`. A text is sent as it is. */
  query?: Record<string, string | number | readonly string[] | undefined> | string;
  /** undefined takes a header away. Values are sent as latin1 unless they hold more, then as UTF-8. */
  headers?: Record<string, string | number | readonly string[] | undefined>;
  body?: Buffer | string;
  payload?: PayloadMode;
  /** Of the chunked payloads. */
  chunkBytes?: number;
  /** Behind the last chunk. */
  trailers?: Record<string, string>;
  /** Default `header`. */
  auth?: 'header' | 'query' | 'none';
  keys?: Keys;
  /** The signing time. Default now. */
  at?: Date;
  expiresSeconds?: number;
  region?: string;
  service?: string;
  /** Which headers are signed; default all. */
  signedHeaders?: string[];
  /** Changes the request after it was signed. */
  tamper?: (request: Outgoing) => void;
  withinMs?: number;
}

export type S3Answer = Answer & { xml(): Element };

/** A black-box client of one endpoint, with nothing of the product in it. */
export interface S3Client {
  origin: string;
  region: string;
  keys: Keys;
  /** Signs and frames. `resource` is `/bucket/key` decoded; with `{raw}` it is sent as it is. */
  prepare(method: string, resource: string | { raw: string }, options?: RequestOptions): Outgoing;
  /** The signature that goes with the request last prepared (chunks are chained to it). */
  send(method: string, resource: string | { raw: string }, options?: RequestOptions): Promise<S3Answer>;
  /** Sends what was prepared, on a connection of its own. */
  transmit(request: Outgoing, withinMs?: number): Promise<S3Answer>;
  open(): Promise<Wire>;
  /** The same endpoint, as somebody else. */
  as(keys: Keys): S3Client;
}

const HASHES: Record<Exclude<PayloadMode, 'signed'>, string> = {
  unsigned: 'UNSIGNED-PAYLOAD',
  chunks: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'chunks-trailer': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'unsigned-trailer': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
};

export function createClient(origin: string, keys: Keys, region = 'us-east-1'): S3Client {
  const host = new URL(origin).host;

  function prepare(method: string, resource: string | { raw: string }, options: RequestOptions = {}): Outgoing {
    const path = typeof resource === 'string' ? encode(resource, true) : resource.raw;
    const plain = Buffer.from(options.body ?? '');
    const mode = options.payload ?? 'signed';
    const chunked = mode !== 'signed' && mode !== 'unsigned';
    const by = options.keys ?? keys;
    const at = options.at ?? new Date();
    const scope = {
      at,
      region: options.region ?? region,
      ...(options.service === undefined ? {} : { service: options.service }),
    };
    const auth = options.auth ?? 'header';
    const payloadHash =
      auth === 'query' && mode === 'signed' ? 'UNSIGNED-PAYLOAD' : mode === 'signed' ? sha256(plain) : HASHES[mode];

    const headers: [string, string][] = [['Host', host]];
    const given = Object.entries(options.headers ?? {});
    for (const [name, value] of given) {
      for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value]) headers.push([name, String(one)]);
    }
    const has = (name: string): boolean => given.some(([one]) => one.toLowerCase() === name);
    if (auth === 'header') {
      if (!has('x-amz-content-sha256')) headers.push(['x-amz-content-sha256', payloadHash]);
      if (!has('x-amz-date') && !has('date')) headers.push(['x-amz-date', stampOf(at)]);
      if (by.sessionToken !== undefined) headers.push(['x-amz-security-token', by.sessionToken]);
    }
    const trailers = options.trailers === undefined ? null : Object.entries(options.trailers);
    if (chunked) {
      if (!has('content-encoding')) headers.push(['Content-Encoding', 'aws-chunked']);
      if (!has('x-amz-decoded-content-length')) headers.push(['x-amz-decoded-content-length', String(plain.length)]);
      if (trailers !== null && trailers.length > 0 && !has('x-amz-trailer'))
        headers.push(['x-amz-trailer', trailers.map(([name]) => name).join(',')]);
    }

    let query = queryText(options.query);
    const signable = (): Parameters<typeof sign>[0] => ({
      method,
      path,
      query,
      headers: headers.map(([name, value]) => [name, latin1(value)] as const),
      payloadHash: headers.find(([name]) => name.toLowerCase() === 'x-amz-content-sha256')?.[1] ?? payloadHash,
    });
    let signature: Signature | null = null;
    if (auth === 'header') {
      signature = sign(signable(), by, scope, options.signedHeaders);
      const { signedHeaders, scope: credential } = signature;
      headers.push([
        'Authorization',
        `AWS4-HMAC-SHA256 Credential=${by.accessKeyId}/${credential}, SignedHeaders=${signedHeaders}, Signature=${signature.signature}`,
      ]);
    } else if (auth === 'query') {
      const names = options.signedHeaders ?? headers.map(([name]) => name.toLowerCase()).sort();
      const stamp = stampOf(at);
      const more: [string, string][] = [
        ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
        ['X-Amz-Credential', `${by.accessKeyId}/${stamp.slice(0, 8)}/${scope.region}/${options.service ?? 's3'}/aws4_request`],
        ['X-Amz-Date', stamp],
        ['X-Amz-Expires', String(options.expiresSeconds ?? 300)],
        ...(by.sessionToken === undefined ? [] : [['X-Amz-Security-Token', by.sessionToken] as [string, string]]),
        ['X-Amz-SignedHeaders', names.join(';')],
      ];
      query = [query, ...more.map(([name, value]) => `${name}=${encode(value)}`)].filter((part) => part !== '').join('&');
      signature = sign(signable(), by, scope, names);
      query += `&X-Amz-Signature=${signature.signature}`;
    }
    const body = chunked
      ? frameChunks(plain, {
          chunkBytes: options.chunkBytes ?? 65_536,
          signature: mode === 'unsigned-trailer' ? null : signature,
          trailers: mode === 'chunks' ? null : (trailers ?? []),
        })
      : plain;
    // Added unsigned, as many clients do.
    if (!has('content-length') && !has('transfer-encoding') && (body.length > 0 || method === 'PUT' || method === 'POST'))
      headers.push(['Content-Length', String(body.length)]);
    const outgoing: Outgoing = { method, target: query === '' ? path : `${path}?${query}`, headers, body };
    options.tamper?.(outgoing);
    return outgoing;
  }

  async function transmit(request: Outgoing, withinMs?: number): Promise<S3Answer> {
    const wire = await openWire(origin);
    try {
      wire.write(headOf({ ...request, headers: [...request.headers, ['Connection', 'close']] }));
      wire.write(request.body);
      const answer = await wire.answer(request.method, withinMs);
      return { ...answer, xml: () => parse(answer.text) };
    } finally {
      wire.destroy();
    }
  }

  return {
    origin,
    region,
    keys,
    prepare,
    transmit,
    send: (method, resource, options) => transmit(prepare(method, resource, options), options?.withinMs),
    open: () => openWire(origin),
    as: (other) => createClient(origin, other, region),
  };
}

/** Request line and headers as bytes. */
export function headOf({ method, target, headers }: Outgoing): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${latin1(value)}\r\n`).join('');
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`, 'latin1');
}

/** UTF-8 bytes as latin1 characters where the text holds more than latin1 does. */
function latin1(text: string): string {
  return /[^\x00-\xff]/.test(text) ? Buffer.from(text).toString('latin1') : text;
}

function queryText(query: RequestOptions['query']): string {
  if (query === undefined || typeof query === 'string') return query ?? '';
  return Object.entries(query)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : value === undefined ? [] : [value]).map((one) => [name, String(one)]),
    )
    .map(([name = '', value = '']) => `${encode(name)}=${encode(value)}`)
    .join('&');
}
