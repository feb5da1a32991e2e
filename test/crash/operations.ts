import type { Namespace } from '#contracts/namespace';
import type { Uploads } from '#contracts/uploads';
import type { Who } from '#core/principal';
import { bytesOf } from '#core/stream';
import { type Body, bytesOfBody } from './bodies.ts';

/** One operation, and what it makes of the keys that it touches: all of it or none of it. */
export interface Operation {
  kind: string;
  changes: Record<string, Body | null>;
  run(): Promise<unknown>;
}

export interface World {
  namespace: Namespace;
  uploads: Uploads;
  who: Who;
  bucket: number;
  /** So many bodies of each size, over and over; absent: every body is new. */
  bodies?: number;
}

const SIZES = [0, 10, 900, 1025, 20_000, 70_000, 400_000, 3_000_000];
const PART = 5 * 1024 * 1024;

/**
 * The next operation on keys that nobody is at work on. `live` is what each holds; a removal of what is not there counts too.
 * Keys of a folder `t<n>/` belong to whoever has the folder.
 */
export function nextOperation(
  world: World,
  pick: (below: number) => number,
  free: string[],
  live: Map<string, Body>,
  id: string,
): Operation | null {
  const key = free[pick(free.length)];
  const other = free[pick(free.length)];
  if (key === undefined || other === undefined) return null;
  const { namespace, uploads, who, bucket } = world;
  const at = (name: string) => ({ bucket, key: name });
  const has = live.get(key);
  const size = SIZES[pick(SIZES.length)] ?? 0;
  const seed = world.bodies === undefined ? id : `again-${pick(world.bodies)}`;
  const body = `${seed}:${size}`;
  const etag = pick(2) === 0 ? ('md5' as const) : ('opaque' as const);
  switch (pick(10)) {
    case 0:
    case 1:
      return {
        kind: 'remove',
        changes: { [key]: null },
        run: () => namespace.remove(who, at(key)),
      };
    case 2:
      if (has === undefined || other === key) return null;
      return {
        kind: 'move',
        changes: { [key]: null, [other]: has },
        run: () => namespace.move(who, at(key), at(other), { overwrite: true }),
      };
    case 3:
      if (has === undefined || other === key) return null;
      return {
        kind: 'copy',
        // The source stays, and nobody else may change it meanwhile.
        changes: { [key]: has, [other]: has },
        run: () => namespace.copyObject(who, at(key), at(other), { etag }),
      };
    case 4: {
      if (pick(3) > 0) return null;
      const whole = `${seed}:${PART + 10}`;
      return { kind: 'multipart', changes: { [key]: whole }, run: () => multipart(whole) };
    }
    default:
      return {
        kind: has === undefined ? 'put' : 'overwrite',
        changes: { [key]: body },
        run: () => namespace.put(who, at(key), bytesOf(...pieces(bytesOfBody(body))), { etag, size }),
      };
  }

  async function multipart(whole: Body): Promise<void> {
    const bytes = bytesOfBody(whole);
    const upload = await uploads.begin(who, at(key!), { attributes: {} });
    const parts = await Promise.all(
      [bytes.subarray(0, PART), bytes.subarray(PART)].map((part, index) =>
        uploads.writePart(who, at(key!), upload.id, index + 1, bytesOf(...pieces(part)), { size: part.length }),
      ),
    );
    await uploads.complete(who, at(key!), upload.id, parts, {});
  }
}

/** As a socket gives them. */
function pieces(bytes: Buffer): Buffer[] {
  const out: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += 65_536) out.push(bytes.subarray(start, start + 65_536));
  return out;
}
