import { randomBytes } from 'node:crypto';
import type { JobContext } from '#contracts/jobs';
import type { Keyring } from '#contracts/keyring';
import type { ContentRef } from '#core/content-ref';
import { createContent } from '#engine/content-store';
import { createKeyring } from '#engine/keyring';
import { createPace } from '#engine/pace';
import { createRekeyJob, type RekeyOptions } from '#jobs/rekey';
import { quiet } from './database.ts';
import { type GcRig, openGcRig } from './gc-rig.ts';
import { address, putIntent } from './metadata-rig.ts';

/** A gateway's view: its own keyring and content over the one log. */
export interface Process {
  keyring: Keyring;
  content: ReturnType<typeof createContent>;
  encrypted: boolean;
  put(key: string, bytes: Buffer): Promise<ContentRef>;
  read(key: string): Promise<Buffer>;
}

export interface RekeyRig {
  gc: GcRig;
  /** One that begins now and knows nothing yet. */
  start(encrypted?: boolean): Process;
  /** The job in this process; what it saved is kept for the next run. Gives its last counts. */
  rekey(process: Process, options?: Partial<RekeyOptions>, context?: Partial<JobContext>): Promise<Record<string, number>>;
  state(): unknown;
  close(): Promise<void>;
}

export async function openRekeyRig(): Promise<RekeyRig> {
  const gc = await openGcRig();
  const { metadata, log, stores, masterKey, domain, home } = gc;
  const { keys, chunks, collection, packs, store, keyedRows, space } = metadata.gateways[0]!;
  // The rig's users have domains whose keys are only made up.
  await metadata.database.sql('DELETE FROM domains WHERE id <> $1', [domain]);
  const opened: Process[] = [];
  let state: unknown = null;
  return {
    gc,
    start(encrypted = true) {
      const keyring = createKeyring({ masterKey, keys, random: randomBytes });
      const wasPlain = async () => true;
      const options = { keyring, log, stores, chunks, random: randomBytes, encryption: encrypted, wasPlain, threads: 0 };
      const content = createContent(options);
      const process: Process = {
        keyring,
        content,
        encrypted,
        async put(key, bytes) {
          const body = async function* () {
            if (bytes.length > 0) yield bytes;
          };
          const staged = await content.write(body(), { domain });
          const { chunks: added, leaves } = staged;
          await store.commit({ ...putIntent(home, key, { chunks: added, leaves }), content: staged.content });
          staged.release();
          return staged.content;
        },
        async read(key) {
          const info = await store.current(address(home, key));
          const parts: Uint8Array[] = [];
          for await (const part of content.read(info!.content!)) parts.push(part);
          return Buffer.concat(parts);
        },
      };
      opened.push(process);
      return process;
    },
    async rekey({ keyring, content, encrypted }, options = {}, context = {}) {
      const { rekeying } = content;
      const job = createRekeyJob({
        ...{ keyring, keys, chunks, packs, rows: keyedRows, rekeying, collection, encrypted, log: quiet },
        pace: createPace({ bytesPerSecond: 1e12, busy: () => false }),
        total: async () => (await space.stored()).chunks,
        pollMs: 20,
        patienceMs: 60_000,
        ...options,
      });
      let counts: Record<string, number> = {};
      await job.run({
        signal: new AbortController().signal,
        state,
        argument: null,
        save: async (saved) => void (state = structuredClone(saved)),
        progress: (progress) => void (counts = { ...progress.counts }),
        ...context,
      });
      return counts;
    },
    state: () => state,
    async close() {
      for (const { content } of opened) await content.close();
      await gc.close();
    },
  };
}
