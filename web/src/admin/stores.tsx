import { HardDrive, Square } from 'lucide';
import type { StorageHealth, Store } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { bytes, fromGateway, type MessageKey, number, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { openMenu } from '../ui/menu.tsx';
import { Section, Table } from '../ui/page.tsx';
import { inItsWords } from '../ui/said.ts';
import { fail, tell } from '../ui/toast.tsx';
import { checkStore } from './checks.tsx';
import { isBusy, JobProgress } from './job-progress.tsx';

/** Where packs lie, and what somebody does with disks: one more, one that is emptied and taken away, one in the place of another. */
export function Stores({ health, reload }: { health: StorageHealth; reload: () => void }) {
  const { stores, disk, drain } = health;
  const shown = stores.filter(({ state }) => state !== 'removed');
  const remote = shown.some(({ kind }) => kind === 's3');
  const emptying = shown.filter(({ state }) => state === 'draining');
  // A job that was only stopped would go on within the hour.
  const keepAll = async (): Promise<void> => {
    for (const store of emptying)
      await client.call('DrainStore', { path: { number: String(store.number) }, body: { cancel: true } });
    await client.call('CancelJob', { path: { name: 'drain' } });
  };
  return (
    <Section
      title={t('storage.stores')}
      actions={
        !remote && (
          <Button icon={HardDrive} onClick={() => void add().then(reload)}>
            {t('disk.add')}
          </Button>
        )
      }
    >
      {disk.freeBytes !== null && (
        <p class="muted">{t('storage.free', { size: bytes(disk.freeBytes), reserve: bytes(disk.minFreeBytes ?? 0) })}</p>
      )}
      {emptying.length > 0 && isBusy(drain) && (
        <article class="card job">
          <header class="row">
            <h3>{t('store.draining')}</h3>
            <span class="grow" />
            <Button
              icon={Square}
              onClick={() => void keepAll().then(reload, fail)}
              label={t('cancelOf', { name: t('store.draining') })}
            >
              {t('cancel')}
            </Button>
          </header>
          <JobProgress job={drain} label={t('store.draining')} />
        </article>
      )}
      <Table
        label={t('storage.stores')}
        stacked
        head={[
          t('storage.place'),
          t('storage.state'),
          { text: t('storage.packs'), number: true, spare: true },
          { text: t('storage.chunks'), number: true, spare: true },
          { text: t('column.size'), number: true },
          { text: t('stats.free'), number: true, spare: true },
          '',
        ]}
      >
        {shown.map((store) => (
          <tr key={store.number}>
            <th scope="row">
              <code class="wrap">{store.location}</code>
            </th>
            <td>
              <State store={store} />
            </td>
            <td class="number spare">{number(store.packs)}</td>
            <td class="number spare">{number(store.chunks)}</td>
            <td class="number">{bytes(store.storedBytes)}</td>
            <td class="number spare">{store.freeBytes === null ? '–' : bytes(store.freeBytes)}</td>
            <td class="actions">
              <Button
                onClick={(event) => choose(event, store, shown.length, reload)}
                label={`${t('disk.what')} ${store.location}`}
              >
                {t('disk.what')}
              </Button>
            </td>
          </tr>
        ))}
      </Table>
      {shown.length === 1 && !remote && <p class="muted small">{t('disk.one')}</p>}
    </Section>
  );
}

/** A disk that cannot be read is there: another one in its place would not bring back what lies on it. */
function State({ store: { state, present, fault } }: { store: Store }) {
  if (fault !== null)
    return (
      <>
        <span class="badge bad">{t('disk.unreadable')}</span>
        <p class="small wrap">{fromGateway(fault)}</p>
      </>
    );
  if (present === false)
    return (
      <>
        <span class="badge bad">{t('disk.missing')}</span>
        <p class="small">{t('disk.missingText')}</p>
      </>
    );
  return <span class={`badge ${state === 'active' ? 'good' : 'warn'}`}>{t(`store.${state}`)}</span>;
}

async function add(): Promise<void> {
  const added = await askDirectory({ title: 'disk.add', text: 'disk.addText', action: 'disk.add' }, (directory) =>
    client.call('AddStore', { body: { directory } }),
  );
  if (added !== null) tell(t('disk.added'));
}

function choose(event: MouseEvent, store: Store, count: number, reload: () => void): void {
  const { number: which, location, state, packs, present } = store;
  const path = { number: String(which) };
  const after = (work: Promise<unknown>): void => void work.then(reload, (error) => fail(inItsWords(error)));
  const drain = async (): Promise<void> => {
    if (!(await confirm(t('disk.drain'), t('disk.drainText', { place: location }), t('disk.drain')))) return;
    after(client.call('DrainStore', { path, body: { cancel: false } }));
  };
  const remove = async (): Promise<void> => {
    if (!(await confirm(t('disk.remove'), t('disk.removeText', { place: location }), t('disk.remove')))) return;
    after(client.call('RemoveStore', { path }));
  };
  const replace = async (): Promise<void> => {
    const replaced = await askDirectory(
      { title: 'disk.replace', text: 'disk.replaceText', action: 'disk.replace' },
      (directory) => client.call('ReplaceStore', { path, body: { directory } }),
    );
    if (replaced === null) return;
    tell(replaced.missingPacks === 0 ? t('disk.replaced') : t('disk.lacks', { count: replaced.missingPacks }));
    reload();
  };
  const tryOut = { label: t('check.this'), act: () => after(checkStore(which)) };
  // A store that is the only one, or no directory, stays as it is.
  if (store.kind !== 'local' || (count === 1 && state !== 'draining'))
    return openMenu(event, t('disk.whatOf', { place: location }), [tryOut]);
  openMenu(event, t('disk.whatOf', { place: location }), [
    tryOut,
    state === 'draining'
      ? { label: t('disk.keep'), act: () => after(client.call('DrainStore', { path, body: { cancel: true } })) }
      : { label: t('disk.drain'), act: () => void drain() },
    ...(which === 0 ? [] : [{ label: t('disk.replace'), act: () => void replace() }]),
    ...(which !== 0 && state === 'draining' && (packs === 0 || present === false)
      ? [{ label: t('disk.remove'), act: () => void remove() }]
      : []),
  ]);
}

function askDirectory<T>(
  { title, text, action }: Record<'title' | 'text' | 'action', MessageKey>,
  act: (directory: string) => Promise<T>,
): Promise<T | null> {
  return askForm({
    title: t(title),
    text: t(text),
    action: t(action),
    fields: [{ name: 'directory', label: t('disk.directory'), hint: t('disk.hint') }],
    act: async ({ directory = '' }) => {
      try {
        return await act(directory.trim());
      } catch (error) {
        throw inItsWords(error);
      }
    },
  });
}
