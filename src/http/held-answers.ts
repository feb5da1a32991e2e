import { type IncomingMessage, ServerResponse } from 'node:http';

export type Answers = typeof ServerResponse<IncomingMessage>;

/** As many answers wait for each other at most: their requests were served within a few milliseconds. */
const HELD_MAX = 32;

/**
 * Answers that end in one turn of the event loop go to the kernel together, at the turn's end or when there are many. A write to
 * a client that waits for it has the kernel wake that client first, which costs more than all else of a small GET; of writes in
 * a row the first one pays for it. A lone answer is written as soon as the turn's other work is done, microseconds later.
 * @param onFault is told of an end that node:http refuses; its connection is destroyed
 * @returns the class for node:http's option `ServerResponse`; all servers of one gateway share a turn
 */
export function createHeldAnswers(onFault: (error: unknown) => void): Answers {
  let held: HeldAnswer[] = [];
  let asked = false;
  const flush = (): void => {
    const answers = held;
    held = [];
    for (const answer of answers) answer.release();
  };
  const onTurn = (): void => {
    asked = false;
    flush();
  };

  class HeldAnswer extends ServerResponse<IncomingMessage> {
    #end: Parameters<ServerResponse['end']> | null = null;

    // biome-ignore lint/suspicious/noExplicitAny: node's three signatures
    override end(...args: any[]): this {
      const end = args as Parameters<ServerResponse['end']>;
      // Of an answer whose length is checked the caller hears at once that it is short.
      if (this.writableEnded || this.destroyed || this.strictContentLength) return super.end(...end);
      // As of an answer that has ended, only the first end counts.
      if (this.#end !== null) return this;
      this.#end = end;
      held.push(this);
      if (held.length >= HELD_MAX) flush();
      else if (!asked) {
        asked = true;
        setImmediate(onTurn);
      }
      return this;
    }

    release(): void {
      if (this.#end === null || this.destroyed) return;
      try {
        super.end(...this.#end);
      } catch (error) {
        this.destroy();
        onFault(error);
      }
    }
  }
  return HeldAnswer;
}
