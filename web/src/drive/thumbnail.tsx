import { useState } from 'preact/hooks';
import { fileUrl } from '../api/client.ts';
import type { FileEntry } from '../api/types.ts';
import { Icon } from '../ui/icon.tsx';
import { iconOf, kindOf } from './kinds.ts';

/** Larger pictures show as their icon: a folder of photos must not fetch them all whole. */
const PICTURE_BYTES_MAX = 2_000_000;

export function Thumbnail({ file }: { file: FileEntry }) {
  const [broken, setBroken] = useState(false);
  const kind = kindOf(file);
  if (broken || file.size > PICTURE_BYTES_MAX) return <Icon of={iconOf(kind)} size={44} class={`kind ${kind}`} />;
  return <img src={fileUrl(file)} alt="" loading="lazy" decoding="async" draggable={false} onError={() => setBroken(true)} />;
}
