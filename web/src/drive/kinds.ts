import {
  FileArchive,
  FileCode,
  File as FileIcon,
  FileMusic,
  FileSpreadsheet,
  FileText,
  FileVideo,
  Folder,
  type IconNode,
  Image,
  Presentation,
} from 'lucide';
import type { FileEntry } from '../api/types.ts';

export type Kind =
  | 'folder'
  | 'image'
  | 'video'
  | 'audio'
  | 'pdf'
  | 'markdown'
  | 'text'
  | 'code'
  | 'sheet'
  | 'slides'
  | 'archive'
  | 'other';

/** What browsers show themselves, or the gateway makes a picture of; the rest is a download. */
const ENDINGS: Record<Kind, string> = {
  folder: '',
  image: 'jpg jpeg png gif webp avif svg bmp ico tif tiff heic heif',
  video: 'mp4 webm mov m4v mkv ogv',
  audio: 'mp3 m4a aac ogg oga opus flac wav weba',
  pdf: 'pdf',
  markdown: 'md markdown mdown',
  text: 'txt log csv tsv nfo srt vtt ini conf cfg env properties rst adoc tex',
  code: 'js mjs cjs ts tsx jsx json jsonc json5 yaml yml toml xml html htm css scss less py rb go rs c h cc cpp hpp cs java kt kts swift php sh bash zsh fish ps1 bat sql lua pl r dart scala vue svelte dockerfile makefile cmake gradle diff patch graphql proto tf',
  sheet: 'xls xlsx ods numbers',
  slides: 'ppt pptx odp key',
  archive: 'zip tar gz tgz bz2 xz zst 7z rar iso dmg',
  other: '',
};

const KINDS = new Map<string, Kind>(
  (Object.entries(ENDINGS) as [Kind, string][]).flatMap(([kind, endings]) =>
    endings.split(' ').map((ending): [string, Kind] => [ending, kind]),
  ),
);

const ICONS: Record<Kind, IconNode> = {
  folder: Folder,
  image: Image,
  video: FileVideo,
  audio: FileMusic,
  pdf: FileText,
  markdown: FileText,
  text: FileText,
  code: FileCode,
  sheet: FileSpreadsheet,
  slides: Presentation,
  archive: FileArchive,
  other: FileIcon,
};

/** By its name's ending, as people take it; the stored type only where the name says nothing. */
export function kindOf(entry: { kind: 'folder' } | Pick<FileEntry, 'kind' | 'name' | 'contentType'>): Kind {
  if (entry.kind === 'folder') return 'folder';
  const found = KINDS.get(endingOf(entry.name));
  if (found !== undefined) return found;
  const [type = '', sub = ''] = entry.contentType.split(';')[0]?.trim().split('/') ?? [];
  if (type === 'image' || type === 'video' || type === 'audio' || type === 'text') return type;
  return sub === 'pdf' ? 'pdf' : sub === 'json' ? 'code' : 'other';
}

export function iconOf(kind: Kind): IconNode {
  return ICONS[kind];
}

export function endingOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return (dot < 0 ? name : name.slice(dot + 1)).toLowerCase();
}

const TYPES: Record<string, string> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  svg: 'image/svg+xml',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  heic: 'image/heic',
  heif: 'image/heif',
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
  mkv: 'video/x-matroska',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  ogg: 'audio/ogg',
  opus: 'audio/ogg',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pdf: 'application/pdf',
  json: 'application/json',
  zip: 'application/zip',
  md: 'text/markdown',
  txt: 'text/plain',
  csv: 'text/csv',
};

/** For files that come without a type: browsers know few. */
export function typeOfName(name: string): string {
  return TYPES[endingOf(name)] ?? 'application/octet-stream';
}

/** `photo.jpg` and 2 make `photo (2).jpg`; a folder's name has no ending. */
export function numbered(name: string, number: number, folder: boolean): string {
  const dot = folder ? -1 : name.lastIndexOf('.');
  return dot <= 0 ? `${name} (${number})` : `${name.slice(0, dot)} (${number})${name.slice(dot)}`;
}
