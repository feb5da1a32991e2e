import { describeJournal } from '../../conformance/journal.ts';
import { openMetadataRig, putIntent } from '../../support/metadata-rig.ts';

describeJournal('rows', async () => {
  const rig = await openMetadataRig('one gateway');
  const { sql } = rig.database;
  const buckets = new Map<number, Awaited<ReturnType<typeof rig.bucket>>>();
  return {
    journal: rig.gateways[0]!.journal,
    async bucket() {
      const bucket = await rig.bucket();
      buckets.set(bucket.id, bucket);
      return bucket.id;
    },
    async commit(id) {
      await rig.store.commit(putIntent(buckets.get(id)!, 'key'));
    },
    async forget(id, upTo) {
      await sql('DELETE FROM journal WHERE bucket_id = $1 AND seq <= $2', [id, upTo]);
      await sql('UPDATE bucket_heads SET floor_seq = $2 WHERE bucket_id = $1', [id, upTo]);
    },
    async newEpoch(id) {
      await sql('UPDATE bucket_heads SET epoch = epoch + 1 WHERE bucket_id = $1', [id]);
    },
    close: () => rig.close(),
  };
});
