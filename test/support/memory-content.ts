import { createHash } from 'node:crypto';
import type { Content, Staged, WriteOptions } from '#contracts/content';
import type { ContentRef } from '#core/content-ref';
import type { DigestName, Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import type { Bytes } from '#core/stream';

const PIECE_BYTES = 256 << 10;

/** A content store whose references hold their bytes, per domain: enough to show what the rooms above do with them. */
export function memoryContent(): Content {
  const bodies = new Map<string, Buffer>();

  function stage(bytes: Buffer, domain: number, digests: Digests): Staged {
    const hash = createHash('sha256').update(`${domain} `).update(bytes).digest();
    bodies.set(`${domain} ${hash.toString('hex')}`, bytes);
    const content: ContentRef = { kind: 'chunk', domain, size: bytes.length, id: hash };
    const place = { store: 0, pack: 'ff'.repeat(16), offset: 80, length: bytes.length + 112 };
    const chunks = [{ id: hash, size: bytes.length, ...place }];
    return { content, size: bytes.length, digests, contentHash: hash, chunks, leaves: [], release: () => undefined };
  }

  function bytesBehind(content: ContentRef): Buffer {
    if (content.kind === 'manifest' && content.size === 0) return Buffer.alloc(0);
    const bytes = content.kind === 'chunk' ? bodies.get(`${content.domain} ${content.id.toString('hex')}`) : undefined;
    if (bytes === undefined) throw new CloudStoreError('corrupt', 'Unknown content.');
    return bytes;
  }

  return {
    async write(body: Bytes, options: WriteOptions) {
      const parts: Uint8Array[] = [];
      for await (const part of body) {
        if (options.signal?.aborted) throw new CloudStoreError('aborted', 'Aborted.');
        parts.push(Buffer.from(part));
      }
      const bytes = Buffer.concat(parts);
      if (options.size !== undefined && options.size !== bytes.length) throw new CloudStoreError('incomplete_body', 'Length.');
      const expect = (typeof options.expect === 'function' ? options.expect() : options.expect) ?? {};
      const digests: Digests = {};
      for (const name of new Set([...(options.digests ?? []), ...(Object.keys(expect) as DigestName[])])) {
        digests[name] = createHash(name).update(bytes).digest();
        if (expect[name] !== undefined && !digests[name].equals(expect[name])) {
          const [expected, computed] = [expect[name].toString('base64'), digests[name].toString('base64')];
          throw new CloudStoreError('checksum_mismatch', 'Checksum.', { details: { algorithm: name, expected, computed } });
        }
      }
      return stage(bytes, options.domain, digests);
    },
    async *read(content, range) {
      const bytes = bytesBehind(content);
      const { start, end } = range ?? { start: 0, end: bytes.length - 1 };
      for (let at = start; at <= end; at += PIECE_BYTES)
        yield Buffer.from(bytes.subarray(at, Math.min(end + 1, at + PIECE_BYTES)));
    },
    peek: (content) => (content.size <= 64 * 1024 ? bytesBehind(content) : null),
    async concat(parts, domain) {
      return stage(Buffer.concat(parts.map(bytesBehind)), domain, {});
    },
    async verify(content) {
      bytesBehind(content);
    },
  };
}

export interface CountedContent extends Content {
  /** Claims that nobody has released. */
  claims(): number;
  /** Bodies that were stored. */
  written(): number;
}

/** Watches whether whoever stores content also lets go of it. */
export function countClaims(inner: Content): CountedContent {
  let claims = 0;
  let written = 0;
  const watched = (staged: Staged): Staged => {
    let released = false;
    claims++;
    return {
      ...staged,
      release() {
        if (!released) claims--;
        released = true;
        staged.release();
      },
    };
  };
  return {
    claims: () => claims,
    written: () => written,
    async write(body, options) {
      const staged = await inner.write(body, options);
      written++;
      return watched(staged);
    },
    concat: async (parts, domain) => watched(await inner.concat(parts, domain)),
    read: (content, range, signal) => inner.read(content, range, signal),
    peek: (content) => inner.peek(content),
    verify: (content, signal) => inner.verify(content, signal),
  };
}
