import { expect } from 'chai';
import type { Hub } from '#contracts/hub';
import type { Cursor, JournalEvent } from '#contracts/journal';

export interface HubRig {
  hub: Hub & { close(): Promise<void> };
  bucket: number;
  /** Commits one change and gives its seq. */
  commit(): Promise<number>;
  head(): Promise<Cursor>;
  close(): Promise<void>;
}

/** Every commit, in order, once, to everybody who follows. */
export function describeHub(name: string, make: () => Promise<HubRig>): void {
  describe(`hub: ${name}`, () => {
    let rig: HubRig;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());

    /** Follows until `upTo` was delivered. */
    async function collect(from: Cursor, upTo: () => number, slowMs = 0): Promise<number[]> {
      const stop = new AbortController();
      const seqs: number[] = [];
      const deliver = async (events: JournalEvent[]): Promise<void> => {
        seqs.push(...events.map((event) => event.cursor.seq));
        if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs));
        if ((seqs.at(-1) ?? 0) >= upTo()) stop.abort();
      };
      await rig.hub.follow(rig.bucket, from, deliver, stop.signal);
      return seqs;
    }
    const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

    it('delivers what was and what comes to many, fast and slow, without a gap or a repetition', async () => {
      const start = await rig.head();
      for (let i = 0; i < 30; i++) await rig.commit();
      let last = Number.POSITIVE_INFINITY;
      const followers = [
        collect(start, () => last),
        collect(start, () => last, 15),
        collect(await rig.head(), () => last),
        ...Array.from({ length: 20 }, () => collect(start, () => last)),
      ];
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          for (let i = 0; i < 25; i++) await rig.commit();
        }),
      );
      last = start.seq + 131;
      await rig.commit();
      const [fast, slow, late, ...others] = await Promise.all(followers);
      expect(fast).to.deep.equal(range(start.seq + 1, last));
      expect(slow).to.deep.equal(fast);
      expect(late).to.deep.equal(range(start.seq + 31, last));
      for (const other of others) expect(other).to.deep.equal(fast);
    });

    it('tells a cursor of another time to start over', async () => {
      const { epoch, seq } = await rig.head();
      for (const cursor of [
        { epoch: epoch + 1, seq },
        { epoch, seq: seq + 100 },
      ]) {
        const error = await rig.hub
          .follow(rig.bucket, cursor, async () => undefined, new AbortController().signal)
          .catch((e) => e);
        expect(error).to.include({ code: 'cursor_expired' });
      }
    });

    it('lets go of a subscriber that never takes its batch', async () => {
      const stop = new AbortController();
      const from = await rig.head();
      await rig.commit();
      const following = rig.hub.follow(
        rig.bucket,
        from,
        () => new Promise(() => setTimeout(() => stop.abort(), 10)),
        stop.signal,
      );
      await following;
    });

    it('passes on what a subscriber fails with', async () => {
      const from = await rig.head();
      await rig.commit();
      const failing = () => Promise.reject(new Error('socket broke'));
      const error = await rig.hub.follow(rig.bucket, from, failing, new AbortController().signal).catch((e) => e);
      expect(error.message).to.equal('socket broke');
    });
  });
}
