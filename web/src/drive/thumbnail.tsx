import { useState } from 'preact/hooks';
import { fileUrl, thumbnailUrl } from '../api/client.ts';
import type { FileEntry } from '../api/types.ts';
import { Icon } from '../ui/icon.tsx';
import { iconOf, kindOf } from './kinds.ts';

/** Of these the gateway makes small pictures; others of a modest size are shown themselves, the rest by their icon. */
const MADE_SMALL = /\.(jpe?g|png|webp|gif|avif|tiff?)$/i;
const WHOLE_BYTES_MAX = 500_000;

export function Thumbnail({ file }: { file: FileEntry }) {
  const [broken, setBroken] = useState(false);
  const kind = kindOf(file);
  const small = MADE_SMALL.test(file.name);
  if (broken || (!small && file.size > WHOLE_BYTES_MAX)) return <Icon of={iconOf(kind)} size={44} class={`kind ${kind}`} />;
  return (
    <img
      src={small ? thumbnailUrl(file) : fileUrl(file)}
      alt=""
      loading="lazy"
      decoding="async"
      draggable={false}
      onError={() => setBroken(true)}
    />
  );
}
