import type { z } from 'zod';
import type { CopyOptions } from '#contracts/namespace';
import { CloudStoreError } from '#core/errors';
import type { Exchange } from './exchange.ts';
import { locateKey } from './place.ts';
import { entryJson } from './represent.ts';
import type * as schema from './schema.ts';

/** Moves or copies a file, or a folder with all below, in one step. @throws what the namespace refuses */
export async function transfer(
  x: Exchange,
  body: z.output<typeof schema.Transfer>,
  verb: 'move' | 'copy',
): Promise<z.infer<typeof schema.Transferred>> {
  const from = await locateKey(x, body.from.bucket, body.from.key);
  const to = await locateKey(x, body.to.bucket, body.to.key);
  if (from.at.key === '' || to.at.key === '')
    throw new CloudStoreError('invalid_key', 'A bucket itself cannot be moved or copied.');
  if (from.folder !== to.folder) {
    throw new CloudStoreError('invalid_argument', 'A folder goes to a folder: both keys end in a slash, or neither.');
  }
  const options: CopyOptions = {
    overwrite: body.overwrite ?? false,
    ...(body.onDisconnect === 'cancel' ? { signal: x.cx.signal } : {}),
    ...(body.ifMatch === undefined ? {} : { conditions: { ifMatch: [body.ifMatch] } }),
  };
  const { namespace } = x.deps;
  const { created, count, entry } =
    verb === 'move'
      ? await namespace.move(x.who, from.at, to.at, { ...options, keepParent: true })
      : await namespace.copy(x.who, from.at, to.at, options);
  return { created, count, entry: entryJson(to.name, entry) };
}
