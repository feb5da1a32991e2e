import { Download, Image, RotateCw } from 'lucide';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, fileUrl, thumbnailUrl } from '../api/client.ts';
import type { PreviewProps } from '../drive/viewer.tsx';
import { t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Empty, Failed, Loading } from '../ui/states.tsx';

/** Safari shows it. No other browser does, and what the gateway makes pictures with reads no HEVC. */
const HEIC = /\.hei[cf]$/i;

/** What the browser cannot show, as TIFF, may be a picture that the gateway makes a smaller one of. */
export function ImagePreview({ file }: PreviewProps) {
  const [state, setState] = useState<'loading' | 'shown' | 'broken'>('loading');
  const [made, setMade] = useState(false);
  const current = file.past === undefined && file.link === undefined;
  const begin = (): void => {
    setMade(false);
    setState('loading');
  };
  if (state === 'broken') return <Broken file={file} again={begin} />;
  return (
    <figure class="view-image">
      {state === 'loading' && <span class="spinner" role="status" aria-label={t('loading')} />}
      <img
        src={made ? thumbnailUrl(file, 1024) : fileUrl(file)}
        alt={file.name}
        onLoad={() => setState('shown')}
        onError={() => (current && !made ? setMade(true) : setState('broken'))}
      />
      {made && state === 'shown' && <figcaption class="muted small">{t('viewer.made')}</figcaption>}
    </figure>
  );
}

/** The browser asks for the ranges that it plays; moving about in a long film loads what is there, not what lies between. */
export function VideoPreview({ file }: PreviewProps) {
  const [broken, setBroken] = useState(false);
  if (broken) return <Broken file={file} again={() => setBroken(false)} />;
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
  if (broken) return <Broken file={file} again={() => setBroken(false)} />;
  return (
    <audio class="view-audio" controls autoPlay src={fileUrl(file)} aria-label={file.name} onError={() => setBroken(true)} />
  );
}

/** An element says no more than that it failed: whether the bytes can be had is asked, to tell a file that no browser shows from a gateway that is away. */
function Broken({ file, again }: PreviewProps & { again: () => void }) {
  const first = useLoad(async () => (await api.bytes(file, { range: 'bytes=0-0' })).status, [file.key, file.etag]);
  const failed = useRef(false);
  useEffect(() => {
    if (first.error !== null) failed.current = true;
    else if (first.data !== null && failed.current) again();
  }, [first.error, first.data]);
  if (first.error !== null) return <Failed error={first.error} retry={first.reload} />;
  if (first.data === null) return <Loading />;
  const heic = HEIC.test(file.name);
  return (
    <Empty icon={Image} title={t(heic ? 'viewer.heic' : 'viewer.broken')}>
      <p>{t(heic ? 'viewer.heicText' : 'viewer.brokenText')}</p>
      {file.link === undefined && (
        <a class="button primary" href={fileUrl(file, { download: true })} download={file.name}>
          <Icon of={Download} /> {t('download')}
        </a>
      )}
      <Button icon={RotateCw} onClick={again}>
        {t('retry')}
      </Button>
    </Empty>
  );
}
