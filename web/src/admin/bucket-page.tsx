import { ArrowLeft, Code, Pencil, Plus, Trash2 } from 'lucide';
import { isApiError } from '../api/error.ts';
import { type Seen, STILL_NOTHING, see } from '../api/seen.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { type MessageKey, t } from '../i18n/index.ts';
import { driveHref, href } from '../router.ts';
import { IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section } from '../ui/page.tsx';
import { said, Told } from '../ui/said.ts';
import { fail, tell } from '../ui/toast.tsx';
import { Limits } from './bucket-limits.tsx';
import { BucketRoles } from './bucket-roles.tsx';
import { BucketRules, editRule } from './bucket-rules.tsx';
import { DocumentEditor, editDocument } from './document-dialog.tsx';
import { DOCUMENT_KINDS, type DocumentKind, formHolds } from './documents.ts';
import type { Json } from './json.ts';
import { Simulator } from './simulator.tsx';

/** Everything that can be set of one bucket: S3's documents, by forms and as text, quota, history, and who may what. */
export function BucketPage({ name }: { name: string }) {
  return (
    <Page
      title={visible(name)}
      text={t('bucket.settings')}
      actions={
        <>
          <a class="button plain" href={href('admin', ['buckets'])}>
            <Icon of={ArrowLeft} /> {t('admin.buckets')}
          </a>
          <a class="button plain" href={driveHref(name)}>
            {t('bucket.openFiles')}
          </a>
        </>
      }
    >
      <Limits bucket={name} />
      <Documents bucket={name} />
      <BucketRoles bucket={name} />
      <Simulator bucket={name} />
      <DocumentEditor />
    </Page>
  );
}

function Documents({ bucket }: { bucket: string }) {
  return (
    <Section title={t('bucket.s3')}>
      <div class="settings-list">
        {DOCUMENT_KINDS.map((kind) => (
          <DocumentRow key={kind.name} bucket={bucket} kind={kind} />
        ))}
      </div>
    </Section>
  );
}

function DocumentRow({ bucket, kind }: { bucket: string; kind: DocumentKind }) {
  const name = t(`document.${kind.name}` as MessageKey);
  const path = { bucket, document: kind.name };
  const text = t(`document.${kind.name}Text` as MessageKey);
  const load = (): Promise<Seen<Json | null>> =>
    see('GetBucketDocument', { path }).then(
      ({ value, still }) => ({ value: value as Json, still }),
      (error: unknown) => {
        if (isApiError(error, 'not_found')) return { value: null, still: STILL_NOTHING };
        throw error;
      },
    );
  const loaded = useLoad(load, [bucket, kind.name]);
  const done = (changed: unknown): void => {
    if (changed === null || changed === false) return;
    tell(t('document.saved', { name }));
    loaded.reload();
  };
  const byForm = async (seen: Seen<Json | null>): Promise<void> => {
    const { form } = kind;
    if (form === undefined) return;
    const changed = await askForm({
      title: name,
      text,
      action: t('save'),
      fields: form.fields(seen.value),
      act: (values) => write(seen, form.build(values)),
    });
    done(changed);
  };
  const write = async ({ value: before, still: headers }: Seen<Json | null>, body: Json | null): Promise<void> => {
    if (body !== null) await client.call('PutBucketDocument', { path, body, headers });
    else if (before !== null) await client.call('RemoveBucketDocument', { path, headers });
  };
  /** One rule among others: those may be other ones by now. */
  const putRules = async (before: Seen<Json | null>, body: Json | null): Promise<void> => {
    try {
      await write(before, body);
    } catch (error) {
      if (!isApiError(error, 'precondition_failed')) throw error;
      loaded.reload();
      throw new Told(t('rules.changed'));
    }
    await load().then(loaded.set, loaded.reload);
    tell(t('document.saved', { name }));
  };
  const byText = async ({ value, still }: Seen<Json | null>): Promise<void> => {
    const example = JSON.parse(JSON.stringify(kind.example).replaceAll('BUCKET', bucket)) as Json;
    done(await editDocument({ bucket, name: kind.name, title: name, document: value ?? example, still }));
  };
  const remove = async (): Promise<void> => {
    if (!(await confirm(t('document.remove', { name }), text, t('remove.action')))) return;
    await write(seen, null).then(() => tell(t('document.removed', { name })), fail);
    loaded.reload();
  };
  const found = loaded.data;
  const seen = found ?? { value: null, still: STILL_NOTHING };
  const document = seen.value;
  return (
    <div class={kind.rules !== undefined && document !== null ? 'setting ruled' : 'setting'}>
      <h3>{name}</h3>
      <div class="setting-value">
        {loaded.error !== null ? (
          <>
            <span class="bad" role="alert">
              {said(loaded.error)}
            </span>{' '}
            <button type="button" class="link" onClick={loaded.reload}>
              {t('retry')}
            </button>
          </>
        ) : found === null ? (
          '…'
        ) : document === null ? (
          <span class="muted">{t('document.unset')}</span>
        ) : kind.rules !== undefined ? (
          <BucketRules
            name={name}
            text={text}
            form={kind.rules}
            document={document}
            put={(body) => putRules(seen, body)}
            byText={() => void byText(seen)}
          />
        ) : (
          <code class="wrap">{visible(summary(document))}</code>
        )}
      </div>
      <div class="row">
        {kind.rules !== undefined && (
          <IconButton
            icon={Plus}
            label={t('rules.add', { name })}
            disabled={found === null}
            onClick={() => {
              const { rules: form } = kind;
              if (form !== undefined) void editRule({ name, form, document, put: (body) => putRules(seen, body), text }, null);
            }}
          />
        )}
        {formHolds(kind, document) && (
          <IconButton
            icon={Pencil}
            label={t('document.edit', { name })}
            disabled={found === null}
            onClick={() => void byForm(seen)}
          />
        )}
        <IconButton
          icon={Code}
          label={t('document.asText', { name })}
          disabled={found === null}
          onClick={() => void byText(seen)}
        />
        {kind.removable && (
          <IconButton
            icon={Trash2}
            label={t('document.remove', { name })}
            disabled={document === null}
            onClick={() => void remove()}
          />
        )}
      </div>
    </div>
  );
}

const SUMMARY_CHARS_MAX = 180;

function summary(document: Json): string {
  const text = JSON.stringify(document)
    .replaceAll(/["{}]/g, '')
    .replaceAll(/([,:])(?=\S)/g, '$1 ');
  return text.length <= SUMMARY_CHARS_MAX ? text : `${text.slice(0, SUMMARY_CHARS_MAX)}…`;
}
