import type { ComponentChildren } from 'preact';
import { api } from '../api/client.ts';
import type { FileEntry } from '../api/types.ts';
import { bytes, t } from '../i18n/index.ts';
import { useLoad } from '../ui/load.ts';
import { Failed, Loading } from '../ui/states.tsx';

/** More is a download: nobody reads a log of gigabytes in a page. */
const SHOWN_BYTES_MAX = 1_000_000;

/** The beginning of a text, in its own encoding where a mark says which. */
export function WithText({ file, children }: { file: FileEntry; children: (text: string) => ComponentChildren }) {
  const { data, error, reload } = useLoad(async () => {
    const range = file.size > SHOWN_BYTES_MAX ? { range: `bytes=0-${SHOWN_BYTES_MAX - 1}` } : {};
    return decode(new Uint8Array(await (await api.bytes(file, range)).arrayBuffer()));
  }, [file.key, file.etag]);
  if (error !== null) return <Failed error={error} retry={reload} />;
  if (data === null) return <Loading rows={10} />;
  return (
    <div class="view-text">
      {file.size > SHOWN_BYTES_MAX && (
        <p class="note">{t('viewer.part', { shown: bytes(SHOWN_BYTES_MAX), size: bytes(file.size) })}</p>
      )}
      {children(data)}
    </div>
  );
}

function decode(content: Uint8Array): string {
  const [a, b] = content;
  if (a === 0xff && b === 0xfe) return new TextDecoder('utf-16le').decode(content);
  if (a === 0xfe && b === 0xff) return new TextDecoder('utf-16be').decode(content);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content, { stream: true });
  } catch {
    return new TextDecoder('windows-1252').decode(content);
  }
}
