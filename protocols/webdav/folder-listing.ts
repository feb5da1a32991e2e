import type { FolderPage, FolderRow, FolderTeller } from '#contracts/metadata-store';
import { type BucketId, nameOf, type ObjectKey } from '#core/address';
import type { DirectoryInfo, ShownEntry } from '#core/object';
import type { SendBuffers } from '#http/send-buffers';
import { FRONT_BYTES, XmlBytes } from '#http/xml-bytes';
import { ClashFinder } from './clashes.ts';
import type { Exchange } from './exchange.ts';
import { CLOSE, OPEN } from './multistatus.ts';
import { displayNameOf, hrefName, type Place } from './paths.ts';
import { isPlain, plainWriter } from './properties/plain.ts';
import type { PropertyContext } from './properties/property.ts';
import type { Renderer } from './properties/render.ts';

/**
 * One listing statement serves this many entries with all their properties. The next page is asked for before this one is
 * sent, so that the database works while we do.
 */
const PAGE_ENTRIES = 1000;
/** Each a buffer that is lent, but for what is kept free in its front: the first as a folder of a hundred needs it. */
const [FIRST_BYTES, FURTHER_BYTES] = [65_536 - FRONT_BYTES, 262_144 - FRONT_BYTES];
/** Of a block to which nothing is added: there is room for most entries. */
const BLOCK_BYTES = FURTHER_BYTES - 4096;

/** A folder's listing, page by page in byte order, as the bytes that are sent: most entries are written while the database makes the next ones. */
export interface FolderListing {
  /** `key` is a path as in `Namespace.entry`. */
  page(key: ObjectKey, where?: { after?: string; unless?: string | undefined }): Promise<ListedPage>;
}

export interface ListedPage extends FolderPage {
  /** Blocks of the answer, lent, each of whole entries; with what stands before the first page and behind the last one. */
  blocks(last: boolean): Promise<Buffer[]>;
}

interface Held {
  entry: ShownEntry;
  displayName: string;
  href: string;
}

/** @param gathering what properties need; as long as it is not there, entries are held back */
export function listFolder(
  x: Exchange,
  bucket: BucketId,
  place: Place,
  renderer: Renderer,
  gathering: Promise<PropertyContext>,
): FolderListing {
  const { namespace, shown, listings } = x.deps;
  const folderHref = `${place.href}/`;
  let context: PropertyContext | null = null;
  gathering.then(
    (gathered) => (context = gathered),
    () => undefined,
  );
  /** Rights are asked for page by page. */
  const pageByPage = renderer.needs.has('rights');
  let clashes = new ClashFinder();
  let first = true;
  let plain: ReturnType<typeof plainWriter> | null | undefined;

  function plainOf(row: FolderRow, gathered: PropertyContext, folder: DirectoryInfo): ReturnType<typeof plainWriter> | null {
    if (plain !== undefined) return plain;
    const shape = shown === undefined && !gathered.locked ? renderer.plain(gathered) : null;
    plain = shape === null ? null : plainWriter(shape(row.object()), folderHref, Buffer.byteLength(folder.key));
    return plain;
  }

  async function page(
    key: ObjectKey,
    { after = '', unless }: { after?: string; unless?: string | undefined } = {},
  ): Promise<ListedPage> {
    const written = new Blocks(listings.buffers);
    const opens = first;
    const before = clashes.copy();
    let held: Held[] = [];

    const render = ({ entry, displayName, href }: Held, gathered: PropertyContext): void =>
      written.room().write(renderer.response(entry, displayName, href, gathered));
    const show = (one: Held): void => {
      if (context === null || pageByPage || held.length > 0) held.push(one);
      else {
        context.prepare([one.entry]);
        render(one, context);
      }
    };
    const begin = (): FolderTeller => {
      written.drop();
      held = [];
      clashes = before.copy();
      let folder: DirectoryInfo | null = null;
      let folderBytes = 0;
      return {
        folder(found) {
          folder = found;
          folderBytes = Buffer.byteLength(found.key);
          if (!opens) return;
          written.room().write(OPEN);
          show({ entry: found, displayName: displayNameOf(place, found.key), href: folderHref });
        },
        file(row) {
          const { bytes, keyAt, keyEnd, size } = row;
          const nameless = keyEnd - keyAt === folderBytes;
          // The folder's own marker is the folder itself, and shows as a file only where S3 put bytes into it.
          if (folder === null || (nameless && size === 0)) return;
          clashes.sawObject(bytes, keyAt, keyEnd);
          if (context !== null && held.length === 0 && !pageByPage && !nameless && isPlain(row)) {
            const write = plainOf(row, context, folder);
            if (write !== null) return write(written.room(), row);
          }
          const info = row.object();
          const displayName = info.key.slice(folder.key.length);
          show({ entry: info, displayName, href: folderHref + hrefName(displayName) });
        },
        directory(directory) {
          const displayName = nameOf(directory.key.slice(folder?.key.length));
          // A folder beside an object of the same name shows under an escape.
          const name = hrefName(displayName, clashes.holds(Buffer.from(directory.key.slice(0, -1))));
          show({ entry: directory, displayName, href: `${folderHref}${name}/` });
        },
      };
    };
    const query = { after, limit: PAGE_ENTRIES, ...(unless === undefined ? {} : { unless }) };
    const found = await namespace.listFolder(x.who, { bucket, key }, query, begin);
    if (found.count === null) written.drop();
    else first = false;
    return {
      ...found,
      async blocks(last) {
        const gathered = await gathering;
        if (held.length > 0) await gathered.prepare(held.map(({ entry }) => entry));
        for (const one of held) render(one, gathered);
        if (last) written.room().write(CLOSE);
        return written.all.map((block) => block.lent());
      },
    };
  }
  return { page };
}

/** What has been written of a page. */
class Blocks {
  all: XmlBytes[] = [];
  readonly #buffers: SendBuffers;

  constructor(buffers: SendBuffers) {
    this.#buffers = buffers;
  }

  /** Where the next entry goes. */
  room(): XmlBytes {
    const last = this.all.at(-1);
    if (last !== undefined && last.length < BLOCK_BYTES) return last;
    const next = new XmlBytes(this.#buffers, last === undefined ? FIRST_BYTES : FURTHER_BYTES);
    this.all.push(next);
    return next;
  }

  drop(): void {
    for (const block of this.all) block.back();
    this.all = [];
  }
}
