export interface Picked {
  file: File;
  /** Below the folder that it goes to, with `/`. A folder that has nothing in it ends in one, and its `file` stands for nothing. */
  path: string;
  /** The browser could not read it: asks it once more. */
  reread?: () => Promise<File>;
}

/** Every file of a drop, folders walked through. The entries must be taken before anything is waited for. */
export async function dropped(transfer: DataTransfer): Promise<Picked[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const out: Picked[] = [];
  for (const entry of entries) await walk(entry, '', out);
  return out;
}

/** What cannot be read is one of those that failed, and keeps nobody from the others. */
async function walk(entry: FileSystemEntry, above: string, out: Picked[]): Promise<void> {
  const path = `${above}${entry.name}`;
  const nothing = new File([], entry.name);
  if (entry.isFile) {
    const reread = (): Promise<File> => new Promise((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    out.push(
      await reread().then(
        (file) => ({ file, path }),
        () => ({ file: nothing, path, reread }),
      ),
    );
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const before = out.length;
  try {
    // A reader gives a hundred at a time, and an empty list at the end.
    for (;;) {
      const children = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (children.length === 0) break;
      for (const child of children) await walk(child, `${path}/`, out);
    }
  } catch (error) {
    out.push({ file: nothing, path: `${path}/`, reread: () => Promise.reject(error) });
  }
  if (out.length === before) out.push({ file: nothing, path: `${path}/` });
}
