import type { CredentialStore, CredentialUse } from '#contracts/credential-store';
import type { Logger } from '#contracts/observability';
import type { Clock } from '#core/clock';

/** When credentials were used last, kept in memory and written now and then: a request never waits for it. */
export interface Uses {
  /** Whether it was noted: once a minute it is. */
  note(id: string, request: { readonly remoteAddress: string }): boolean;
  /** Writes what is left. */
  close(): Promise<void>;
}

/** Nobody needs it to the second, and a busy key is noted once a minute. */
const EVERY_MS = 60_000;
const WRITE_MS = 5_000;
const REMEMBERED_MAX = 10_000;

export function createUses({ credentials, clock, log }: { credentials: CredentialStore; clock: Clock; log: Logger }): Uses {
  const noted = new Map<string, number>();
  let waiting: CredentialUse[] = [];

  async function write(): Promise<void> {
    const uses = waiting;
    waiting = [];
    const latest = new Map(uses.map((use) => [use.id, use]));
    await credentials
      .used([...latest.values()])
      .catch((err: unknown) => log.warn({ err }, 'The last use of credentials could not be noted.'));
  }
  const timer = setInterval(() => void write(), WRITE_MS);
  timer.unref();

  return {
    note(id, request) {
      const at = clock.now();
      const before = noted.get(id);
      if (before !== undefined && at - before < EVERY_MS) return false;
      if (noted.size >= REMEMBERED_MAX) noted.clear();
      noted.set(id, at);
      waiting.push({ id, at, from: request.remoteAddress });
      return true;
    },
    async close() {
      clearInterval(timer);
      await write();
    },
  };
}
