import { CloudStoreError } from '#core/errors';
import { type DumpBlock, type DumpEnd, type DumpHead, type DumpTable, decodeBlocks } from './blocks.ts';
import { HOLDS, open } from './container.ts';

/** One run of a dump: keys or rows of one table. */
export interface DumpRun {
  kind: 'keys' | 'rows';
  table: DumpTable;
  /** Batches of whole tuples; to be read to the end before the next run is asked for. */
  tuples: AsyncIterable<Buffer>;
}

export interface OpenDump {
  head: DumpHead;
  /** In the order of the dump. Once through without an error, the dump was whole. */
  runs(): AsyncIterable<DumpRun>;
  /** After `runs`. */
  end(): DumpEnd;
  close(): Promise<void>;
}

/** Begins to read a sealed dump. @throws corrupt */
export async function openDump(sealed: AsyncIterable<Uint8Array>, masterKey: Buffer): Promise<OpenDump> {
  const blocks = decodeBlocks(open(sealed, { masterKey, holds: HOLDS.dump }));
  const first = await blocks.next();
  if (first.done || first.value.kind !== 'head') throw new CloudStoreError('corrupt', 'A dump does not begin with its head.');
  let end: DumpEnd | null = null;

  async function* runs(): AsyncGenerator<DumpRun> {
    let next: DumpBlock | null = null;
    const take = async (): Promise<DumpBlock | null> => {
      const { value, done } = await blocks.next();
      return done ? null : value;
    };
    for (let at = await take(); at !== null; at = next ?? (await take())) {
      next = null;
      if (at.kind === 'end') end = at.end;
      if (at.kind !== 'keys' && at.kind !== 'rows') continue;
      const { kind, table, tuples: begin } = at;
      async function* tuples(): AsyncGenerator<Buffer> {
        yield begin;
        for (;;) {
          const following = await take();
          if (following === null) return;
          if (following.kind === kind && following.table === table) yield following.tuples;
          else {
            next = following;
            return;
          }
        }
      }
      yield { kind, table, tuples: tuples() };
    }
  }

  return {
    head: first.value.head,
    runs,
    end() {
      if (end === null) throw new CloudStoreError('internal', 'The end of a dump was asked for before it was read.');
      return end;
    },
    async close() {
      await blocks.return(undefined);
    },
  };
}
