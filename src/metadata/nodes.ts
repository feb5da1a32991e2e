import type { Nodes } from '#contracts/nodes';
import type { Database } from './database.ts';

/** Without an index of its own: it would be paid for by every file that is ever stored, and few look-ups come here. */
const KEY = {
  name: 'node-key',
  text: 'SELECT key FROM slots WHERE bucket_id = $1 AND node_id = $2 AND live LIMIT 1',
};

/** The contract is Nodes. */
export function createNodes(database: Database): Nodes {
  return {
    async keyOf(bucket, node) {
      const rows = await database.read<[string]>(KEY, [bucket, node]);
      return rows[0]?.[0] ?? null;
    },
  };
}
