import { ChevronRight } from 'lucide';
import { bucketLabel } from '../api/buckets.ts';
import type { Place } from '../api/client.ts';
import type { Entry } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { driveHref } from '../router.ts';
import { Icon } from '../ui/icon.tsx';
import { dragged } from './dragging.ts';
import { visible } from './entry-list.tsx';

/** The way here, each step a link and a place to drop things. The page's heading is its last step. */
export function Breadcrumbs({ place, onDropInto }: { place: Place; onDropInto: (to: Place, moved: Entry[]) => void }) {
  const names = place.key === '' ? [] : place.key.slice(0, -1).split('/');
  const steps = [
    { label: bucketLabel(place.bucket), key: '' },
    ...names.map((label, index) => ({ label, key: `${names.slice(0, index + 1).join('/')}/` })),
  ];
  return (
    <nav class="breadcrumbs" aria-label={t('breadcrumbs')}>
      <ol>
        {steps.map(({ label, key }, index) => (
          <li key={key}>
            {index > 0 && <Icon of={ChevronRight} size={15} class="faint" />}
            {index === steps.length - 1 ? (
              <h1 aria-current="page" title={label}>
                <bdi>{visible(label)}</bdi>
              </h1>
            ) : (
              <a
                href={driveHref(place.bucket, key)}
                title={label}
                onDragOver={(event) => {
                  if (dragged(event).length === 0) return;
                  event.preventDefault();
                  event.currentTarget.classList.add('drop-target');
                }}
                onDragLeave={(event) => event.currentTarget.classList.remove('drop-target')}
                onDrop={(event) => {
                  event.currentTarget.classList.remove('drop-target');
                  const moved = dragged(event);
                  if (moved.length === 0) return;
                  event.preventDefault();
                  onDropInto({ bucket: place.bucket, key }, moved);
                }}
              >
                <bdi>{visible(label)}</bdi>
              </a>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** What a place is called where it is not told from where it hangs: its folder's name, or the bucket's. */
export function namePlace({ bucket, key }: Place): string {
  return key === '' ? bucketLabel(bucket) : visible(key.split('/').at(-2) ?? '');
}
