/** A page of a list as it was: its entries, and what the folder that they lie in had for an ETag before it was read. */
export interface KeptPage {
  etag: string;
  count: number;
  next: string | null;
  objects: Buffer;
  prefixes: Buffer;
}

/**
 * Pages that were asked for more than once, the oldest out first. A folder's ETag moves with every change at or below it, so a page of the ETag that the folder has now is what would be read;
 * what else it hangs on is in its name. Whoever asks is authorized each time.
 */
export interface KeptPages {
  /** `again`: it was asked for lately, so that it is worth keeping. A walk asks for each page once. */
  ask(name: string): { kept: KeptPage | null; again: boolean };
  /** Copies it, unless it is too large. */
  keep(name: string, page: KeptPage): void;
}

const NAME_MAX = 4096;

export function createKeptPages(max: { bytes: number; bytesEach: number; asked: number }): KeptPages {
  const asked = new Set<string>();
  const pages = new Map<string, { page: KeptPage; bytes: number }>();
  let held = 0;

  function forget(name: string): void {
    held -= pages.get(name)?.bytes ?? 0;
    pages.delete(name);
  }
  function noted(name: string): boolean {
    const again = asked.delete(name);
    asked.add(name);
    for (const oldest of asked) {
      if (asked.size <= max.asked) break;
      asked.delete(oldest);
    }
    return again;
  }
  return {
    ask(name) {
      if (name.length > NAME_MAX) return { kept: null, again: false };
      const found = pages.get(name);
      if (found === undefined) return { kept: null, again: noted(name) };
      pages.delete(name);
      pages.set(name, found);
      return { kept: found.page, again: true };
    },
    keep(name, page) {
      forget(name);
      // A name is of two bytes a character at most.
      const bytes = page.objects.length + page.prefixes.length + 2 * name.length;
      if (bytes > max.bytesEach) return;
      pages.set(name, { page: { ...page, objects: copyOf(page.objects), prefixes: copyOf(page.prefixes) }, bytes });
      held += bytes;
      for (const oldest of pages.keys()) {
        if (held <= max.bytes) return;
        forget(oldest);
      }
    },
  };
}

/** In memory of its own. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
