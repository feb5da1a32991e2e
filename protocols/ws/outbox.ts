import type { WebSocket } from 'ws';

/** What goes out of one socket, in order. */
export interface Outbox {
  /** Gives nothing when the socket can take more at once, else what resolves when it has taken this. */
  send(messages: string[]): Promise<void> | void;
  /** Resolves once the socket has taken what was waiting when it was full; nothing when it is not. */
  full(): Promise<void> | void;
  end(): void;
}

export interface OutboxLimits {
  /** Bytes that may wait in a socket before its senders wait for it. */
  bufferedBytesMax: number;
  /** Who takes nothing for so long, though something waits, is slow. */
  slowMs: number;
}

/** @param onSlow the socket has taken nothing for `slowMs` */
export function createOutbox(socket: WebSocket, { bufferedBytesMax, slowMs }: OutboxLimits, onSlow: () => void): Outbox {
  const waiting = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  function taken(): void {
    clearTimeout(timer);
    timer = waiting.size === 0 ? undefined : setTimeout(onSlow, slowMs);
  }

  return {
    send(messages) {
      const last = messages.at(-1);
      if (socket.readyState !== socket.OPEN || last === undefined) return;
      for (const message of messages.slice(0, -1)) socket.send(message);
      if (socket.bufferedAmount + last.length < bufferedBytesMax) {
        socket.send(last);
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(promise);
      // The callback also comes, with an error, when the socket closes first.
      socket.send(last, () => {
        waiting.delete(promise);
        taken();
        resolve();
      });
      timer ??= setTimeout(onSlow, slowMs);
      return promise;
    },
    full: () => (waiting.size === 0 ? undefined : Promise.all(waiting).then(() => undefined)),
    end: () => clearTimeout(timer),
  };
}
