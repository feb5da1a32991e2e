import { CircleAlert, CloudOff, type IconNode, RotateCw } from 'lucide';
import type { ComponentChildren } from 'preact';
import { isApiError } from '../api/error.ts';
import { t } from '../i18n/index.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import { said } from './said.ts';

/** Nothing is here, and what to do about it. */
export function Empty({ icon, title, children }: { icon: IconNode; title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <span class="state-icon">
        <Icon of={icon} size={30} />
      </span>
      <h2>{title}</h2>
      {children !== undefined && <div class="state-text">{children}</div>}
    </div>
  );
}

/** What failed, in a sentence, with another try. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const away = isApiError(error, 'unreachable');
  return (
    <div class="state" role="alert">
      <span class="state-icon bad">
        <Icon of={away ? CloudOff : CircleAlert} size={30} />
      </span>
      <h2>{away ? t('offline.title') : t('failed.title')}</h2>
      <p class="state-text">{said(error)}</p>
      {retry !== undefined && (
        <Button icon={RotateCw} onClick={retry}>
          {t('retry')}
        </Button>
      )}
    </div>
  );
}

/** Lines in the shape of what is coming. */
export function Loading({ rows = 6 }: { rows?: number }) {
  return (
    <div class="skeleton" role="status" aria-label={t('loading')}>
      {Array.from({ length: rows }, (_, index) => (
        <span key={index} class={`line w${index % 4}`} />
      ))}
    </div>
  );
}
