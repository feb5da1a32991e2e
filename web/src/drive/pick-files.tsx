import { useMemo, useRef } from 'preact/hooks';
import type { Place } from '../api/client.ts';
import { uploads } from '../uploads/queue.ts';

export interface FilePicker {
  files(): void;
  folder(): void;
}

/** What opens the browser's own question for files, or for a folder, and the fields that it needs in the page. */
export function useFilePicker(place: Place): { pick: FilePicker; fields: preact.JSX.Element } {
  const files = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  const pick = useMemo(() => ({ files: () => files.current?.click(), folder: () => folders.current?.click() }), []);
  const take = (input: HTMLInputElement): void => {
    if (input.files === null) return;
    uploads.add(
      [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })),
      place,
    );
    input.value = '';
  };
  const common = {
    type: 'file',
    multiple: true,
    hidden: true,
    'aria-hidden': 'true',
    tabIndex: -1,
    onChange: (event: { currentTarget: HTMLInputElement }) => take(event.currentTarget),
  } as const;
  const fields = (
    <>
      <input ref={files} {...common} />
      <input
        ref={(element) => {
          folders.current = element;
          element?.setAttribute('webkitdirectory', '');
        }}
        {...common}
      />
    </>
  );
  return { pick, fields };
}
