import { randomBytes } from 'node:crypto';
import type { DumpStore, DumpTip } from '#contracts/dump-store';
import { HOLDS, keyCheck, seal } from '#metadata/dump/container';
import { type OpenDump, openDump } from '#metadata/dump/read';
import { DUMPED } from '#metadata/dump/tables';
import type { TestDatabase } from './database.ts';

/** The dumps of one database, in memory. */
export interface DumpChain {
  masterKey: Buffer;
  /** Sealed, the base first. */
  dumps: Buffer[];
  take(kind: 'base' | 'changes'): Promise<DumpTip>;
  /** For restoreDump. */
  chain(): (() => Promise<OpenDump>)[];
}

export function dumpChain(store: () => DumpStore, masterKey = randomBytes(32)): DumpChain {
  const chain: DumpChain = {
    masterKey,
    dumps: [],
    async take(kind) {
      const plan = { kind, number: chain.dumps.length + 1, keyCheck: keyCheck(masterKey).toString('hex') };
      let sealed = Buffer.alloc(0);
      const tip = await store().take(
        () => plan,
        async ({ bytes }) => {
          sealed = await gather(seal(bytes, { masterKey, random: randomBytes, holds: HOLDS.dump }));
          return { bytes: sealed.length };
        },
      );
      if (kind === 'base') chain.dumps.length = 0;
      chain.dumps.push(sealed);
      return tip!;
    },
    chain: () => chain.dumps.map((sealed) => () => openDump(pieces(sealed), masterKey)),
  };
  return chain;
}

/** All rows of all tables that are dumped, but for what a restore changes on purpose. */
export async function contentsOf({ sql }: TestDatabase): Promise<Record<string, string[]>> {
  const out: Record<string, string[]> = {};
  for (const table of Object.keys(DUMPED)) {
    const rows = await sql(`SELECT to_jsonb(t)::text FROM ${table} t ORDER BY 1`);
    out[table] = rows
      .map(([text]) => JSON.parse(String(text)))
      .filter((row) => table !== 'settings' || row.name !== 'snapshot-tip')
      .map(({ epoch: _, floor_seq: __, ...row }) => JSON.stringify(table === 'directories' ? { ...row, revision: 0 } : row));
  }
  return out;
}

export async function* pieces(bytes: Buffer, size = 65_536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function gather(bytes: AsyncIterable<Uint8Array>): Promise<Buffer<ArrayBuffer>> {
  const out: Uint8Array[] = [];
  for await (const piece of bytes) out.push(piece);
  return Buffer.concat(out);
}
