import { CloudStoreError } from '#core/errors';
import { answer, assertNoBody } from '../answer.ts';
import { type Exchange, locateBelowRoot } from '../exchange.ts';
import { readPreconditions } from '../preconditions.ts';
import { parseDepth } from '../request-headers.ts';
import { getEntry } from '../resource.ts';

/** RFC 4918 §9.6. A folder goes with all below in one transaction, so there is never a half to report. */
export async function remove(x: Exchange): Promise<void> {
  await assertNoBody(x);
  const located = await locateBelowRoot(x);
  const entry = await getEntry(x, located);
  const tree = entry.kind === 'directory';
  if (parseDepth(x.req.headers, ['0', '1', 'infinity'], 'infinity') !== 'infinity' && tree) {
    throw new CloudStoreError('invalid_argument', 'A collection is removed with Depth infinity.');
  }
  const { lockTokens, conditions } = await readPreconditions(x, located);
  const at = { bucket: entry.bucket, key: entry.key };
  await x.deps.namespace.remove(x.who, at, {
    mustExist: true,
    keepParent: true,
    lockTokens,
    conditions,
    ...(tree ? { tree } : {}),
  });
  answer(x.res, 204);
}
