import { CircleAlert, CircleCheck } from 'lucide';
import { useEffect, useState } from 'preact/hooks';
import type { AttemptList, Credential } from '../../../clients/typescript/index.ts';
import { client, reachable } from '../api/session.ts';
import { ago, type MessageKey, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Section } from '../ui/page.tsx';
import type { Device } from './device.ts';
import { isLoopback } from './reach.ts';

type Attempt = AttemptList['attempts'][number];

const ASK_EVERY_MS = 2_000;
const LOOK_WRONG_SECONDS = 15;
const REASONS: Record<Attempt['why'], MessageKey> = {
  password: 'connect.whyPassword',
  name: 'connect.whyName',
  secret: 'connect.whySecret',
  clock: 'connect.whyClock',
  port: 'connect.whyPort',
  expired: 'connect.whyExpired',
  network: 'connect.whyNetwork',
  scope: 'connect.whyScope',
  limited: 'connect.whyLimited',
  missing: 'connect.whyMissing',
  address: 'connect.whyAddress',
};

/** Waits for the device's first request and shows it arrive, or says why it got nowhere. `claimed`: what a phone has got by the picture. */
export function TestConnection({ device, claimed }: { device: Device; claimed: readonly string[] }) {
  const [seen, setSeen] = useState<Credential | null>(null);
  const [attempts, setAttempts] = useState<Attempt[]>([]);
  const [begun, setBegun] = useState<string | null>(null);
  const [since, setSince] = useState(0);
  const waiting = begun !== null && seen === null;
  const own = [device.key.id, device.password.id, ...claimed];
  useEffect(() => {
    if (begun === null) return;
    const look = async (): Promise<void> => {
      const [{ credentials }, refused] = await Promise.all([
        client.call('ListCredentials', { query: { limit: 1000 } }),
        client.call('ListAttempts', {}),
      ]);
      // Its own clock and ours may differ: what was refused is compared with the time that the gateway told.
      setAttempts(
        refused.attempts.filter(({ at, credential }) => at >= begun && (credential === null || own.includes(credential))),
      );
      setSeen(credentials.find(({ id, lastUsed }) => own.includes(id) && lastUsed !== null) ?? null);
    };
    const asking = setInterval(() => void look().catch(() => undefined), ASK_EVERY_MS);
    void look().catch(() => undefined);
    return () => clearInterval(asking);
  }, [begun, claimed]);
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => setSince((before) => before + 1), 1_000);
    return () => clearInterval(timer);
  }, [waiting]);
  const begin = async (): Promise<void> => {
    setSince(0);
    setSeen(null);
    setAttempts([]);
    // What was refused before the test began is part of it: somebody may have tried already.
    setBegun(device.password.created);
  };
  const wrong = waiting && attempts.length === 0 && since > LOOK_WRONG_SECONDS ? whatIsWrong() : null;
  return (
    <Section title={t('connect.test')}>
      <div class="card form" aria-live="polite">
        <div class="row">
          {seen !== null ? (
            <>
              <Icon of={CircleCheck} class="good" />
              <span>
                {t(seen.kind === 's3' ? 'connect.seenS3' : 'connect.seenDav', {
                  address: seen.lastUsedFrom ?? '?',
                  time: seen.lastUsed === null ? '' : ago(seen.lastUsed),
                })}
              </span>
            </>
          ) : waiting ? (
            <>
              <span class="spinner small" />
              <span>
                {t('connect.waiting')}
                {wrong !== null && (
                  <>
                    <br />
                    <span class="muted">{wrong}</span>
                  </>
                )}
              </span>
            </>
          ) : (
            <>
              <span class="grow">{t('connect.testText')}</span>
              <Button onClick={() => void begin()}>{t('connect.test')}</Button>
            </>
          )}
        </div>
        {attempts.length > 0 && (
          <ul class="attempts" aria-label={t('connect.attempts')}>
            {attempts.slice(0, 5).map((one) => (
              <li key={`${one.at} ${one.why}`} class="row">
                <Icon of={CircleAlert} class="bad" />
                <span class="grow">
                  {t(REASONS[one.why])}
                  <br />
                  <span class="muted small">{t('connect.attempt', { address: one.address, time: ago(one.at) })}</span>
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Section>
  );
}

/** Why nothing may come, from what the page itself can see of the way to the gateway. */
function whatIsWrong(): string {
  const { protocol, hostname } = location;
  if (!reachable.value) return t('offline.bar');
  if (isLoopback(hostname)) return t('connect.wrongLoopback');
  if (protocol === 'http:') return t('connect.wrongHttp');
  return t('connect.wrongName', { name: hostname });
}
