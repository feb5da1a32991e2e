import { Image } from 'lucide';
import { useState } from 'preact/hooks';
import { fileUrl } from '../api/client.ts';
import type { PreviewProps } from '../drive/viewer.tsx';
import { t } from '../i18n/index.ts';
import { Empty } from '../ui/states.tsx';

export function ImagePreview({ file }: PreviewProps) {
  const [state, setState] = useState<'loading' | 'shown' | 'broken'>('loading');
  if (state === 'broken') return <Unplayable />;
  return (
    <figure class="view-image">
      {state === 'loading' && <span class="spinner" role="status" aria-label={t('loading')} />}
      <img src={fileUrl(file)} alt={file.name} onLoad={() => setState('shown')} onError={() => setState('broken')} />
    </figure>
  );
}

/** The browser asks for the ranges that it plays; moving about in a long film loads what is there, not what lies between. */
export function VideoPreview({ file }: PreviewProps) {
  const [broken, setBroken] = useState(false);
  if (broken) return <Unplayable />;
  return (
    <video
      class="view-video"
      controls
      autoPlay
      playsInline
      src={fileUrl(file)}
      aria-label={file.name}
      onError={() => setBroken(true)}
    />
  );
}

export function AudioPreview({ file }: PreviewProps) {
  const [broken, setBroken] = useState(false);
  if (broken) return <Unplayable />;
  return (
    <audio class="view-audio" controls autoPlay src={fileUrl(file)} aria-label={file.name} onError={() => setBroken(true)} />
  );
}

function Unplayable() {
  return (
    <Empty icon={Image} title={t('viewer.broken')}>
      <p>{t('viewer.brokenText')}</p>
    </Empty>
  );
}
