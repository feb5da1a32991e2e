import { CircleCheck, Smartphone } from 'lucide';
import { useEffect, useState } from 'preact/hooks';
import type { Redeemed } from '../../../clients/typescript/index.ts';
import { isApiError } from '../api/error.ts';
import { client } from '../api/session.ts';
import { driveAddress } from '../connect/recipes.ts';
import { t } from '../i18n/index.ts';
import { go, href, route } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { Icon } from '../ui/icon.tsx';
import { Logo } from '../ui/logo.tsx';
import { said } from '../ui/said.ts';
import { Wrong } from '../ui/wrong.tsx';

/** Where the picture on another screen leads: the device that opens it gets its own access, once. It is asked first, so that a preview of the address spends nothing. */
export function ClaimPage() {
  const [token, setToken] = useState(() => route.value.rest[0] ?? '');
  const [got, setGot] = useState<Redeemed | null>(null);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  useEffect(() => {
    document.title = `${t('claim.title')} – CloudStore`;
    // Another picture may be scanned into the same tab.
    const next = route.value.rest[0] ?? '';
    if (next === '' || (next === token && got === null)) return;
    setToken(next);
    setGot(null);
    setWrong(null);
  }, [route.value]);
  const redeem = async (): Promise<void> => {
    setBusy(true);
    setWrong(null);
    try {
      setGot(await client.call('RedeemClaim', { body: { token } }));
      // Spent: it need not stand in the history.
      go(href('claim'), true);
    } catch (error) {
      const spent = isApiError(error, 'expired', 'unauthenticated', 'invalid_argument');
      setWrong(spent ? t(isApiError(error, 'expired') ? 'claim.spent' : 'claim.unknown') : said(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="public">
      <header>
        <Logo />
      </header>
      <section class="public-card form" aria-live="polite">
        {got === null ? (
          <>
            <h1 class="row">
              <Icon of={Smartphone} /> {t('claim.title')}
            </h1>
            <p>{t('claim.text')}</p>
            <Wrong text={wrong} />
            <Button kind="primary" busy={busy} onClick={() => void redeem()}>
              {t('claim.action')}
            </Button>
          </>
        ) : (
          <Got access={got} />
        )}
      </section>
    </main>
  );
}

function Got({ access }: { access: Redeemed }) {
  const { user, password, server, webdav, scope } = access;
  const { bucket = 'home', prefix: folder = '' } = scope?.places?.[0] ?? {};
  const nextcloud = `nc://login/server:${server}&user:${encodeURIComponent(user)}&password:${encodeURIComponent(password)}`;
  const fields: [string, string][] = [
    [t('claim.drive'), driveAddress({ webdav, bucket, folder })],
    [t('signIn.user'), user],
    [t('connect.password'), password],
    ...(access.secretAccessKey === undefined ? [] : [[t('key.accessKeyId'), access.accessKeyId ?? ''] as [string, string]]),
  ];
  return (
    <>
      <h1 class="row">
        <Icon of={CircleCheck} class="good" /> {t('claim.done', { user })}
      </h1>
      <p class="note warn">{t('secret.once')}</p>
      {/* Its apps begin at the whole bucket, whatever they are to show. */}
      {folder === '' && (
        <a class="button primary" href={nextcloud}>
          {t('claim.nextcloud')}
        </a>
      )}
      <p class="muted small">{t(folder === '' ? 'claim.others' : 'claim.folder')}</p>
      {fields.map(([name, text]) => (
        <div key={name} class="field">
          <span>{name}</span>
          <CopyField text={text} block />
        </div>
      ))}
      {access.secretAccessKey !== undefined && <p class="muted small">{t('claim.same')}</p>}
    </>
  );
}
