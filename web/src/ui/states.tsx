import { CircleAlert, CloudOff, Hourglass, type IconNode, RotateCw } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { isApiError } from '../api/error.ts';
import { duration, t } from '../i18n/index.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import { said } from './said.ts';
import { isTooMany, useWait } from './wait.ts';

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

const AGAIN_MS = 5_000;
/** What a request meets that may succeed in a moment. */
const PASSING = ['unavailable', 'timeout', 'aborted'];

/** What failed, in a sentence, with another try: by itself after a while, where it may have been a moment's trouble, and at once when the network is back. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const away = isApiError(error, 'unreachable');
  const wait = useWait();
  useEffect(() => void wait.begin(error), [error]);
  const byItself = retry !== undefined && isApiError(error) && (error.passing || PASSING.includes(error.code));
  useEffect(() => {
    if (!byItself) return;
    const told = (error.retryAfterSeconds ?? 0) * 1000;
    const after = isTooMany(error) && told > 0 ? told : Math.max(AGAIN_MS, told);
    const timer = setTimeout(retry, after);
    window.addEventListener('online', retry);
    return () => {
      clearTimeout(timer);
      window.removeEventListener('online', retry);
    };
  }, [error]);
  return (
    <div class="state" role="alert">
      <span class={isTooMany(error) ? 'state-icon' : 'state-icon bad'}>
        <Icon of={away ? CloudOff : isTooMany(error) ? Hourglass : CircleAlert} size={30} />
      </span>
      <h2>{t(away ? 'offline.title' : isTooMany(error) ? 'wait.title' : 'failed.title')}</h2>
      <p class="state-text">
        {isTooMany(error) ? t('wait.text') : said(error)}
        {byItself && ` ${t('failed.again')}`}
        {wait.left > 0 && (
          <span aria-hidden="true">
            <br />
            {t('wait.left', { time: duration(wait.left) })}
          </span>
        )}
      </p>
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
