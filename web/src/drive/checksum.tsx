import { useEffect, useState } from 'preact/hooks';
import { api, type Place } from '../api/client.ts';
import { t } from '../i18n/index.ts';
import { CopyField } from '../ui/copy-field.tsx';
import { fail } from '../ui/toast.tsx';

export interface Sum {
  algorithm: string;
  /** Base64. */
  value: string;
}

/** What a file's bytes add up to: as its writer announced it and the gateway held it against what came, or, when asked, made of what is stored. */
export function Checksum({ file, known }: { file: Place; known: Sum | undefined }) {
  const [made, setMade] = useState<Sum | null>(null);
  const [stop, setStop] = useState<AbortController | null>(null);
  useEffect(() => () => stop?.abort(), [stop]);
  const sum = known ?? made;
  if (sum !== null)
    return (
      <>
        <span class="muted small">{sum.algorithm.toUpperCase().replace('SHA', 'SHA-')}</span>{' '}
        <CopyField text={hexOf(sum.value)} />
      </>
    );
  const ask = async (): Promise<void> => {
    const asked = new AbortController();
    setStop(asked);
    try {
      setMade(await api.checksum(file, asked.signal));
    } catch (error) {
      if (!asked.signal.aborted) fail(error);
    }
    setStop((now) => (now === asked ? null : now));
  };
  if (stop !== null)
    return (
      <span class="row" role="status">
        <span class="spinner small" /> <span class="muted">{t('details.makingChecksum')}</span>
        <button type="button" class="link" onClick={() => setStop(null)}>
          {t('cancel')}
        </button>
      </span>
    );
  return (
    <button type="button" class="link" onClick={() => void ask()}>
      {t('details.makeChecksum')}
    </button>
  );
}

/** As tools print it. */
export function hexOf(base64: string): string {
  try {
    return [...atob(base64)].map((char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  } catch {
    return base64;
  }
}
