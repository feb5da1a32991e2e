import { CircleCheck, RotateCw, Trash2 } from 'lucide';
import { useEffect, useState } from 'preact/hooks';
import type { Claim } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { ago, t } from '../i18n/index.ts';
import { confirmIdentity } from '../pages/confirm-identity.ts';
import { href } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { QrCode } from '../ui/qr-code.tsx';
import { fail } from '../ui/toast.tsx';
import type { Device } from './device.ts';
import { isLoopback } from './reach.ts';

const ASK_EVERY_MS = 2_000;

/** A picture for a phone's camera. It carries a claim, which works once and for minutes; who took it, and from where, shows as soon as it happens. */
export function ClaimCode({ device, onRedeemed }: { device: Device; onRedeemed: (credential: string) => void }) {
  const [made, setMade] = useState(device.claim);
  const [claim, setClaim] = useState<Claim>(device.claim);
  const [gone, setGone] = useState(false);
  const waiting = !gone && claim.state === 'waiting';
  useEffect(() => {
    if (!waiting) return;
    const look = async (): Promise<void> => {
      const now = await client.call('GetClaim', { path: { id: made.id } });
      setClaim(now);
      if (now.credential !== null) onRedeemed(now.credential);
    };
    const timer = setInterval(() => void look().catch(() => undefined), ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [waiting, made]);
  const again = async (): Promise<void> => {
    if (!(await confirmIdentity())) return;
    try {
      const { name, scope, expires } = device;
      const next = await client.call('CreateClaim', { body: { name, scope, ...(expires === undefined ? {} : { expires }) } });
      setMade(next);
      setClaim(next);
      setGone(false);
    } catch (error) {
      fail(error);
    }
  };
  const takeBack = async (): Promise<void> => {
    try {
      if (claim.credential === null) await client.call('RemoveClaim', { path: { id: made.id } });
      else await client.call('RemoveCredential', { path: { id: claim.credential } });
      setGone(true);
    } catch (error) {
      fail(error);
    }
  };
  return (
    <figure class="connect-qr">
      {waiting ? (
        <QrCode text={`${location.origin}/${href('claim', [made.token])}`} label={t('connect.qr')} />
      ) : (
        <div class="qr spent">{claim.state === 'redeemed' && !gone && <Icon of={CircleCheck} size={44} class="good" />}</div>
      )}
      <figcaption class="small" aria-live="polite">
        {gone
          ? t('claim.takenBack')
          : claim.state === 'redeemed'
            ? t('claim.redeemed', {
                address: claim.redeemedFrom ?? '?',
                time: claim.redeemed === null ? '' : ago(claim.redeemed),
              })
            : claim.state === 'over'
              ? t('claim.over')
              : t('connect.qr')}
        {waiting && isLoopback(location.hostname) && <span class="wrong">{t('claim.loopback')}</span>}
      </figcaption>
      {!gone && claim.state !== 'over' && (
        <Button kind="quiet" icon={Trash2} onClick={() => void takeBack()}>
          {t(claim.state === 'redeemed' ? 'claim.takeDevice' : 'claim.take')}
        </Button>
      )}
      {(gone || claim.state !== 'waiting') && (
        <Button kind="quiet" icon={RotateCw} onClick={() => void again()}>
          {t('claim.again')}
        </Button>
      )}
    </figure>
  );
}
