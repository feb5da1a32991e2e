import { createSHA256 } from 'hash-wasm';

/** What a page asks of it: bytes of a file, one after another, or what they add up to. */
type Asked = { id: number; bytes: ArrayBuffer } | { id: number; bytes?: undefined; end: boolean };

const sums = new Map<number, ReturnType<typeof createSHA256>>();

/** SHA-256 beside the page, of files that are on their way: several at a time, each by its number. */
self.addEventListener('message', ({ data }: MessageEvent<Asked>) => {
  void answer(data).then(
    (value) => self.postMessage({ id: data.id, value }),
    (error: unknown) => self.postMessage({ id: data.id, error: String(error) }),
  );
});

async function answer(asked: Asked): Promise<string | null> {
  const before = sums.get(asked.id);
  if (asked.bytes === undefined && asked.end) {
    sums.delete(asked.id);
    return null;
  }
  const making = before ?? createSHA256();
  sums.set(asked.id, making);
  const sum = await making;
  if (asked.bytes === undefined) return sum.digest('hex');
  sum.update(new Uint8Array(asked.bytes));
  return null;
}
