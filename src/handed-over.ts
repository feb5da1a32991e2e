import type { ChildProcess } from 'node:child_process';

/** A socket of the system's, as node:cluster hands it over. */
interface Handle {
  close(): void;
}

/** What node:cluster says to a worker and hears of it (lib/internal/cluster); not a documented interface, hence the guards. */
interface ClusterMessage {
  cmd?: unknown;
  act?: unknown;
  seq?: unknown;
  ack?: unknown;
}

/**
 * Closes what was on its way to a worker when it died: a connection that it was sent and had not confirmed. node:cluster keeps such a socket open and
 * forgets it, so its client would wait for an answer until its own patience ends. Where node's inner messages look otherwise, this does nothing.
 */
export function closeUnconfirmed(child: ChildProcess): void {
  const underway = new Map<unknown, Handle>();
  const send = child.send.bind(child) as (...args: unknown[]) => boolean;
  child.send = (...args: unknown[]): boolean => {
    const [message, handle] = args as [ClusterMessage | null, Handle | undefined];
    if (message?.cmd === 'NODE_CLUSTER' && message.act === 'newconn' && handle !== undefined) underway.set(message.seq, handle);
    return send(...args);
  };
  // The type of `on` knows documented events only.
  (child.on as (event: string, listener: (message: ClusterMessage) => void) => unknown)('internalMessage', (message) => {
    if (message?.cmd === 'NODE_CLUSTER' && message.ack !== undefined) underway.delete(message.ack);
  });
  child.once('exit', () => {
    for (const handle of underway.values()) handle.close();
    underway.clear();
  });
}
