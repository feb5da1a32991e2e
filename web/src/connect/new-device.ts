import { buckets } from '../api/buckets.ts';
import { api } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { client } from '../api/session.ts';
import { wrongName } from '../drive/actions.tsx';
import { t } from '../i18n/index.ts';
import { askForm, type FormField } from '../ui/form.tsx';
import { type Device, READING } from './device.ts';

/** Makes a device's own access: for network drives, for S3, and for whoever scans its picture. null: cancelled. */
export function newDevice(): Promise<Device | null> {
  return askForm({
    title: t('connect.new'),
    text: t('connect.newText'),
    action: t('connect.make'),
    fields: fields(),
    act: async ({ name = '', bucket = '', folder: named = '', rights, networks = '', expires }): Promise<Device> => {
      const folder = folderOf(named);
      if (folder !== '') await makeFolder(bucket, folder);
      const from = networks.split(/[\s,]+/).filter((one) => one !== '');
      const ends = expires ? { expires: new Date(`${expires}T23:59:59`).toISOString() } : {};
      const scope = {
        places: [{ bucket, ...(folder === '' ? {} : { prefix: folder }) }],
        ...(rights === 'read' ? { actions: READING } : {}),
        ...(from.length === 0 ? {} : { networks: from }),
      };
      const password = await client.call('CreateCredential', { body: { kind: 'app-password', name, scope, ...ends } });
      const made = [password.id];
      try {
        const key = await client.call('CreateCredential', { body: { kind: 's3', name, scope, ...ends } });
        made.push(key.id);
        const claim = await client.call('CreateClaim', { body: { name, scope, ...ends } });
        return { name, bucket, folder, scope, password, key, claim, ...ends };
      } catch (error) {
        // Half a device would stay open under a secret that nobody was told.
        for (const id of made) await client.call('RemoveCredential', { path: { id } }).catch(() => undefined);
        throw error;
      }
    },
  });
}

function fields(): FormField[] {
  const all = buckets.value ?? [];
  return [
    { name: 'name', label: t('key.name'), hint: t('key.nameHint') },
    {
      name: 'bucket',
      label: t('connect.bucket'),
      kind: 'select',
      initial: all[0]?.name ?? '',
      choices: all.map(({ name }) => ({ value: name, label: name })),
    },
    { name: 'folder', label: t('connect.folder'), hint: t('connect.folderHint'), optional: true },
    {
      name: 'rights',
      label: t('connect.rights'),
      kind: 'select',
      initial: 'all',
      choices: [
        { value: 'all', label: t('connect.rightsAll') },
        { value: 'read', label: t('connect.rightsRead') },
      ],
    },
    { name: 'networks', label: t('connect.networks'), hint: t('link.networksHint'), optional: true },
    { name: 'expires', label: t('key.expires'), kind: 'date', optional: true },
  ];
}

/** As the key of a folder: `/Photos/Phone` is `Photos/Phone/`. @throws Error with a sentence */
function folderOf(text: string): string {
  const names = text
    .trim()
    .split('/')
    .filter((name) => name !== '');
  for (const name of names) {
    const wrong = wrongName(name);
    if (wrong !== null) throw new Error(wrong);
  }
  return names.map((name) => `${name}/`).join('');
}

/** A drive cannot be mounted on what is not there, and its access may not make what lies above it. */
async function makeFolder(bucket: string, key: string): Promise<void> {
  try {
    await api.makeFolder({ bucket, key });
  } catch (error) {
    if (!isApiError(error, 'precondition_failed', 'already_exists')) throw error;
  }
}
