import { createHash, type Hash } from 'node:crypto';
import type { Content } from '#contracts/content';
import type { ContentRef } from '#core/content-ref';
import type { Bytes } from '#core/stream';

/** SHA-256 of uploads that come in pieces, made as their bytes go by: at their end hardly anything is read again. */
export interface RunningSums {
  /** Adds the pieces as they are read to what came before `offset`; `kept` says that they are stored. Nothing, where what came before went another way. */
  follow(id: string, offset: number): { through(body: Bytes): Bytes; kept(received: number): void };
  /** Of all bytes, which lie in these parts, in order; what did not come this way is read. */
  of(id: string, parts: readonly ContentRef[]): Promise<Buffer>;
  forget(id: string): void;
}

/** More are under way in no household; of others the bytes are read again. */
const KEPT_MAX = 256;

/** Of this gateway's own memory: another one, and this one after a start, reads what it has not seen. */
export function createRunningSums(content: Pick<Content, 'read'>): RunningSums {
  const sums = new Map<string, { at: number; hash: Hash }>();

  function keep(id: string, at: number, hash: Hash): void {
    sums.delete(id);
    sums.set(id, { at, hash });
    const [oldest] = sums.keys();
    if (sums.size > KEPT_MAX && oldest !== undefined) sums.delete(oldest);
  }

  return {
    follow(id, offset) {
      const before = sums.get(id);
      // What other gateways took meanwhile is read at the end; what came before it is good still.
      if (offset !== 0 && before?.at !== offset) return { through: (body) => body, kept() {} };
      // A copy: what breaks off in the middle is not stored.
      const hash = offset === 0 || before === undefined ? createHash('sha256') : before.hash.copy();
      return {
        async *through(body) {
          for await (const piece of body) {
            hash.update(piece);
            yield piece;
          }
        },
        kept: (received) => keep(id, received, hash),
      };
    },
    async of(id, parts) {
      const before = sums.get(id);
      const hash = before?.hash.copy() ?? createHash('sha256');
      let skipped = before?.at ?? 0;
      for (const part of parts) {
        const start = Math.min(skipped, part.size);
        skipped -= start;
        if (start === part.size) continue;
        for await (const piece of content.read(part, { start, end: part.size - 1 })) hash.update(piece);
      }
      return hash.digest();
    },
    forget: (id) => void sums.delete(id),
  };
}
