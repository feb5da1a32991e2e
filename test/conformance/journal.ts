import { expect } from 'chai';
import type { Cursor, Journal } from '#contracts/journal';
import { formatCursor, parseCursor } from '#contracts/journal';
import { codeOf } from '../support/rooms.ts';

export interface JournalRig {
  journal: Journal;
  /** A bucket in which nothing has happened. */
  bucket(): Promise<number>;
  /** One change. */
  commit(bucket: number): Promise<void>;
  /** Housekeeping: events up to this one are not kept any more. */
  forget(bucket: number, upTo: number): Promise<void>;
  /** A restore, or a promotion. */
  newEpoch(bucket: number): Promise<void>;
  close(): Promise<void>;
}

/** Cursors: where they lead, and when they lead nowhere. What the events say is MetadataStore's suite. */
export function describeJournal(name: string, make: () => Promise<JournalRig>): void {
  describe(`journal: ${name}`, () => {
    let rig: JournalRig;
    let bucket: number;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());
    beforeEach(async () => {
      bucket = await rig.bucket();
      for (let n = 0; n < 10; n++) await rig.commit(bucket);
    });
    const seqs = async (from: Cursor, limit = 100) =>
      (await rig.journal.since(bucket, from, limit)).map(({ cursor }) => cursor.seq);

    it('begins empty, at 0', async () => {
      const empty = await rig.bucket();
      const head = await rig.journal.head(empty);
      expect(head.seq).to.equal(0);
      expect(await rig.journal.since(empty, head, 10)).to.deep.equal([]);
      expect(await codeOf(rig.journal.head(999_999))).to.equal('bucket_not_found');
    });

    it('goes on behind any cursor, oldest first, a page at a time', async () => {
      const head = await rig.journal.head(bucket);
      expect(head.seq).to.equal(10);
      expect(await seqs({ ...head, seq: 0 })).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(await seqs({ ...head, seq: 7 })).to.deep.equal([8, 9, 10]);
      expect(await seqs(head)).to.deep.equal([]);
      let cursor: Cursor = { ...head, seq: 0 };
      const seen: number[] = [];
      for (;;) {
        const page = await rig.journal.since(bucket, cursor, 3);
        if (page.length === 0) break;
        seen.push(...page.map((event) => event.cursor.seq));
        cursor = page.at(-1)!.cursor;
      }
      expect(seen).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    });

    it('has no events of another bucket', async () => {
      const other = await rig.bucket();
      await rig.commit(other);
      expect(
        (await rig.journal.since(other, { ...(await rig.journal.head(other)), seq: 0 }, 10)).map((event) => event.bucket),
      ).to.deep.equal([other]);
      expect((await rig.journal.head(bucket)).seq).to.equal(10);
    });

    it('says cursor_expired of what is not kept, of what has not been, and of another epoch', async () => {
      const head = await rig.journal.head(bucket);
      expect(await codeOf(seqs({ ...head, seq: 11 }))).to.equal('cursor_expired');
      expect(await codeOf(seqs({ ...head, epoch: head.epoch + 1 }))).to.equal('cursor_expired');
      await rig.forget(bucket, 4);
      expect(await codeOf(seqs({ ...head, seq: 3 }))).to.equal('cursor_expired');
      expect(await seqs({ ...head, seq: 4 })).to.deep.equal([5, 6, 7, 8, 9, 10]);
      await rig.newEpoch(bucket);
      expect(await codeOf(seqs(head))).to.equal('cursor_expired');
      expect((await rig.journal.head(bucket)).epoch).to.not.equal(head.epoch);
      await rig.commit(bucket);
      expect(await seqs(await rig.journal.head(bucket))).to.deep.equal([]);
    });
  });

  describe('cursors as text', () => {
    it('are read back, and nothing else is', () => {
      for (const cursor of [
        { epoch: 1, seq: 0 },
        { epoch: 999_999_999, seq: 999_999_999_999_999 },
      ]) {
        expect(parseCursor(formatCursor(cursor))).to.deep.equal(cursor);
      }
      for (const text of ['', '1', '1.', '.1', '1.2.3', '-1.2', '1.-2', '1.1e3', ' 1.2', '1.2\n', '1.9999999999999999']) {
        expect(parseCursor(text), JSON.stringify(text)).to.equal(null);
      }
    });
  });
}
