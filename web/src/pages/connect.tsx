import { CircleCheck, Plug } from 'lucide';
import { useEffect, useState } from 'preact/hooks';
import type { Credential, CredentialMade } from '../../../clients/typescript/index.ts';
import { buckets } from '../api/buckets.ts';
import { client, reachable, session } from '../api/session.ts';
import { type Access, type Recipe, recipes } from '../connect/recipes.ts';
import { ago, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { askForm } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section } from '../ui/page.tsx';
import { QrCode } from '../ui/qr-code.tsx';
import { confirmIdentity } from './confirm-identity.ts';

const ASK_EVERY_MS = 2_000;
const LOOK_WRONG_SECONDS = 15;

interface Device {
  name: string;
  bucket: string;
  /** One secret for network drives, and one for S3 tools; both are taken back under “Your account”. */
  password: CredentialMade;
  key: CredentialMade;
}

/** A device's own access, made on the spot, and the exact steps for it. */
export function ConnectPage() {
  const [device, setDevice] = useState<Device | null>(null);
  const s3 = useLoad(s3Address, []).data ?? '';
  const begin = async (): Promise<void> => {
    if (!(await confirmIdentity())) return;
    const made = await askForm({
      title: t('connect.new'),
      text: t('connect.newText'),
      action: t('connect.make'),
      fields: [
        { name: 'name', label: t('key.name'), hint: t('key.nameHint') },
        {
          name: 'bucket',
          label: t('connect.bucket'),
          kind: 'select',
          initial: buckets.value?.[0]?.name ?? '',
          choices: (buckets.value ?? []).map(({ name }) => ({ value: name, label: name })),
        },
      ],
      act: async ({ name = '', bucket = '' }): Promise<Device> => {
        const scope = { places: [{ bucket }] };
        const password = await client.call('CreateCredential', { body: { kind: 'app-password', name, scope } });
        const key = await client.call('CreateCredential', { body: { kind: 's3', name, scope } });
        return { name, bucket, password, key };
      },
    });
    if (made !== null) setDevice(made);
  };
  return (
    <Page
      title={t('nav.connect')}
      text={t('connect.text')}
      actions={
        <Button kind="primary" icon={Plug} onClick={() => void begin()}>
          {t('connect.new')}
        </Button>
      }
    >
      {device === null ? <Preview s3={s3} /> : <Made key={device.key.id} device={device} s3={s3} />}
    </Page>
  );
}

/** Where the gateway says that S3 is, on the host that this page came from. */
async function s3Address(): Promise<string> {
  const { port, domain } = (await client.call('SystemInfo', {})).s3;
  if (domain !== null) return `${location.protocol}//${domain}`;
  return `${location.protocol}//${location.hostname}${port === null ? '' : `:${port}`}`;
}

function accessOf(device: Device | null, s3: string): Access {
  const user = session.value.kind === 'in' ? session.value.me.name : '';
  return {
    user,
    password: device?.password.password ?? '…',
    accessKeyId: device?.key.accessKeyId ?? '…',
    secretAccessKey: device?.key.secretAccessKey ?? '…',
    bucket: device?.bucket ?? buckets.value?.[0]?.name ?? 'home',
    webdav: `${location.origin}/dav/`,
    s3,
    origin: location.origin,
  };
}

/** What is to come, with the secrets left out. */
function Preview({ s3 }: { s3: string }) {
  return (
    <>
      <p class="note">{t('connect.first')}</p>
      <Recipes access={accessOf(null, s3)} />
    </>
  );
}

function Made({ device, s3 }: { device: Device; s3: string }) {
  const access = accessOf(device, s3);
  return (
    <>
      <p class="note warn">{t('secret.once')}</p>
      <div class="connect-head">
        <div class="form grow">
          <Pair name={t('signIn.user')} text={access.user} />
          <Pair name={t('connect.password')} text={access.password} />
          <Pair name={t('key.accessKeyId')} text={access.accessKeyId} />
          <Pair name={t('key.secretAccessKey')} text={access.secretAccessKey} />
        </div>
        <figure class="connect-qr">
          <QrCode text={access.origin} label={t('connect.qr')} />
          <figcaption class="muted small">{t('connect.qr')}</figcaption>
        </figure>
      </div>
      <Test device={device} />
      <Recipes access={access} />
    </>
  );
}

function Pair({ name, text }: { name: string; text: string }) {
  return (
    <div class="field">
      <span>{name}</span>
      <CopyField text={text} block />
    </div>
  );
}

/** Waits for the device's first request, and shows it arrive. */
function Test({ device }: { device: Device }) {
  const [seen, setSeen] = useState<Credential | null>(null);
  const [waiting, setWaiting] = useState(false);
  const [since, setSince] = useState(0);
  useEffect(() => {
    if (!waiting) return;
    const look = async (): Promise<void> => {
      const { credentials } = await client.call('ListCredentials', { query: { limit: 200 } });
      const used = credentials.find(
        ({ id, lastUsed }) => (id === device.key.id || id === device.password.id) && lastUsed !== null,
      );
      if (used === undefined) return;
      setSeen(used);
      setWaiting(false);
    };
    const timer = setInterval(() => void look().catch(() => undefined), ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [waiting]);
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => setSince((before) => before + 1), 1_000);
    return () => clearInterval(timer);
  }, [waiting]);
  const wrong = since > LOOK_WRONG_SECONDS ? whatIsWrong() : null;
  return (
    <Section title={t('connect.test')}>
      <div class="card row" aria-live="polite">
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
            <span>{t('connect.testText')}</span>
            <span class="grow" />
            <Button
              onClick={() => {
                setSince(0);
                setWaiting(true);
              }}
            >
              {t('connect.test')}
            </Button>
          </>
        )}
      </div>
    </Section>
  );
}

/** Why nothing may come, from what the page itself can see of the way to the gateway. */
function whatIsWrong(): string {
  const { protocol, hostname } = location;
  if (!reachable.value) return t('offline.bar');
  if (/^(localhost|127\..*|\[::1\])$/.test(hostname)) return t('connect.wrongLoopback');
  if (protocol === 'http:') return t('connect.wrongHttp');
  return t('connect.wrongName', { name: hostname });
}

function Recipes({ access }: { access: Access }) {
  const all = recipes(access);
  const [chosen, setChosen] = useState(all[0]?.id ?? '');
  const recipe = all.find(({ id }) => id === chosen);
  const walk = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step === undefined ? undefined : all.at((all.findIndex(({ id }) => id === chosen) + step) % all.length);
    if (next === undefined) return;
    setChosen(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <Section title={t('connect.steps')}>
      <div class="tabs" role="tablist" aria-label={t('connect.steps')} onKeyDown={walk}>
        {all.map(({ id, name }) => (
          <button
            key={id}
            id={`tab-${id}`}
            type="button"
            role="tab"
            aria-selected={id === chosen}
            aria-controls="recipe"
            tabIndex={id === chosen ? 0 : -1}
            onClick={() => setChosen(id)}
          >
            {name}
          </button>
        ))}
      </div>
      {recipe !== undefined && <Steps recipe={recipe} />}
    </Section>
  );
}

function Steps({ recipe }: { recipe: Recipe }) {
  return (
    <div id="recipe" class="steps" role="tabpanel" aria-labelledby={`tab-${recipe.id}`}>
      {recipe.steps.map(({ text, command }, index) => (
        <div key={index} class="form">
          {text !== undefined && <p>{t(text)}</p>}
          {command !== undefined && <CopyField text={command} block />}
        </div>
      ))}
    </div>
  );
}
