import { createHash, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

/** What the thread is told of a checksum: that it begins, ranges of the shared memory (address, length, …), that it ends. */
export interface ToWorker {
  id: number;
  begin?: string;
  ranges?: number[];
  end?: true;
}

/** One answer for each message with ranges, without a digest: they are read. And one for the end. */
export interface FromWorker {
  id: number;
  digest?: Uint8Array;
}

if (parentPort !== null) serve(parentPort, Buffer.from(workerData));

/** The body of a thread of digest-workers.ts. */
function serve(port: NonNullable<typeof parentPort>, memory: Buffer): void {
  const running = new Map<number, Hash>();
  port.on('message', ({ id, begin, ranges, end }: ToWorker) => {
    if (begin !== undefined) running.set(id, createHash(begin));
    const hash = running.get(id);
    if (ranges !== undefined) {
      for (let index = 0; index < ranges.length; index += 2) {
        hash?.update(memory.subarray(ranges[index]!, ranges[index]! + ranges[index + 1]!));
      }
      port.postMessage({ id } satisfies FromWorker);
    }
    if (end === true) {
      running.delete(id);
      port.postMessage({ id, digest: hash?.digest() ?? new Uint8Array() } satisfies FromWorker);
    }
  });
}
