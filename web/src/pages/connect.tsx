import { Plug } from 'lucide';
import { useState } from 'preact/hooks';
import { buckets } from '../api/buckets.ts';
import { client, session } from '../api/session.ts';
import { ClaimCode } from '../connect/claim-code.tsx';
import type { Device } from '../connect/device.ts';
import { newDevice } from '../connect/new-device.ts';
import { type Access, type Recipe, recipes } from '../connect/recipes.ts';
import { TestConnection } from '../connect/test-connection.tsx';
import { t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section } from '../ui/page.tsx';
import { Failed } from '../ui/states.tsx';
import { confirmIdentity } from './confirm-identity.ts';

/** A device's own access, made on the spot, and the exact steps for it. */
export function ConnectPage() {
  const [device, setDevice] = useState<Device | null>(null);
  const asked = useLoad(s3Address, []);
  const s3 = asked.data ?? '';
  const begin = async (): Promise<void> => {
    if (!(await confirmIdentity())) return;
    const made = await newDevice();
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
      {/* Without it commands would have an address left out. */}
      {asked.error !== null && <Failed error={asked.error} retry={asked.reload} />}
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
    folder: device?.folder ?? '',
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
  const [claimed, setClaimed] = useState<string[]>([]);
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
        <ClaimCode device={device} onRedeemed={(credential) => setClaimed((before) => [...before, credential])} />
      </div>
      <TestConnection device={device} claimed={claimed} />
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
