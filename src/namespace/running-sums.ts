import { createHash, type Hash } from 'node:crypto';
import type { Content } from '#contracts/content';
import type { ContentRef } from '#core/content-ref';
import { type Bytes, consume } from '#core/stream';

/** Two sums of the same bytes. */
export interface Sums {
  sha256: Buffer;
  /** SHA-256 of the SHA-256 sums of each 8 MiB, of which the last may be shorter: what a browser makes ten times faster. */
  blocks: Buffer;
}

/** Sums of uploads that come in pieces, made as their bytes go by: at their end hardly anything is read again. */
export interface RunningSums {
  /** What comes from `offset` on is added to what came before it, as it is read; not, where that went another way. */
  follow(id: string, offset: number): FollowedSums;
  /** Of all bytes, which lie in these parts, in order; what did not come this way is read. */
  of(id: string, parts: readonly ContentRef[]): Promise<Sums>;
  forget(id: string): void;
}

/** Bodies one after the other. */
export interface FollowedSums {
  through(body: Bytes): Bytes;
  /** After what was read so far: to be called with how much there is, once it is stored. */
  mark(): (received: number) => void;
}

const BLOCK_BYTES = 8 << 20;
/** More are under way in no household; of others the bytes are read again. */
const KEPT_MAX = 256;

interface Running {
  add(bytes: Uint8Array): void;
  copy(): Running;
  sums(): Sums;
}

/** Of this gateway's own memory: another one, and this one after a start, reads what it has not seen. */
export function createRunningSums(content: Pick<Content, 'read'>): RunningSums {
  const kept = new Map<string, { at: number; running: Running }>();

  function keep(id: string, at: number, running: Running): void {
    kept.delete(id);
    kept.set(id, { at, running });
    const [oldest] = kept.keys();
    if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
  }

  return {
    follow(id, offset) {
      const before = kept.get(id);
      // What others took meanwhile is read at the end; what came before it is good still.
      if (offset !== 0 && before?.at !== offset) return { through: (body) => body, mark: () => () => {} };
      // A copy: what breaks off in the middle is not stored.
      const running = offset === 0 || before === undefined ? createRunning() : before.running.copy();
      return {
        async *through(body) {
          for await (const piece of body) {
            running.add(piece);
            yield piece;
          }
        },
        mark() {
          const marked = running.copy();
          return (received) => keep(id, received, marked);
        },
      };
    },
    async of(id, parts) {
      const before = kept.get(id);
      const running = before?.running.copy() ?? createRunning();
      let skipped = before?.at ?? 0;
      for (const part of parts) {
        const start = Math.min(skipped, part.size);
        skipped -= start;
        if (start === part.size) continue;
        await consume(content.read(part, { start, end: part.size - 1 }), running.add);
      }
      return running.sums();
    },
    forget: (id) => void kept.delete(id),
  };
}

function createRunning(
  whole: Hash = createHash('sha256'),
  ended: Hash = createHash('sha256'),
  now: Hash = createHash('sha256'),
  count = 0,
): Running {
  let block = now;
  let inBlock = count;
  return {
    add(bytes) {
      whole.update(bytes);
      for (let from = 0; from < bytes.length; ) {
        const piece = bytes.subarray(from, from + BLOCK_BYTES - inBlock);
        block.update(piece);
        from += piece.length;
        inBlock += piece.length;
        if (inBlock < BLOCK_BYTES) continue;
        ended.update(block.digest());
        block = createHash('sha256');
        inBlock = 0;
      }
    },
    copy: () => createRunning(whole.copy(), ended.copy(), block.copy(), inBlock),
    sums() {
      const blocks = ended.copy();
      if (inBlock > 0) blocks.update(block.copy().digest());
      return { sha256: whole.copy().digest(), blocks: blocks.digest() };
    },
  };
}
