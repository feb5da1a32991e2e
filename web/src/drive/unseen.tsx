import { FilePlus, FolderInput, FolderUp, FolderX } from 'lucide';
import type { Place } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { useRights } from '../api/rights.ts';
import { t } from '../i18n/index.ts';
import { driveHref } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Empty, Failed } from '../ui/states.tsx';
import { parentKey } from './folder-acts.ts';

interface UnseenProps {
  place: Place;
  error: unknown;
  retry: () => void;
  /** Opens the question for files. */
  pick: () => void;
}

/** Instead of a folder that could not be listed: why, and what can be done all the same. Who may only add sees nothing of it, and adds. */
export function Unseen({ place, error, retry, pick }: UnseenProps) {
  const rights = useRights(place, ['create', 'list']);
  const hidden = isApiError(error, 'access_denied', 'not_found');
  if (hidden && rights.create === true && rights.list === false)
    return (
      <Empty icon={FolderInput} title={t('folder.addOnly')}>
        <p>{t('folder.addOnlyText')}</p>
        <Button kind="primary" icon={FilePlus} onClick={pick}>
          {t('upload.files')}
        </Button>
      </Empty>
    );
  if (!isApiError(error, 'not_found')) return <Failed error={error} retry={retry} />;
  return (
    <Empty icon={FolderX} title={t('folder.gone')}>
      <p>{t('folder.goneText')}</p>
      <a class="button plain" href={driveHref(place.bucket, parentKey(place.key))}>
        <Icon of={FolderUp} /> {t('chooser.up')}
      </a>
    </Empty>
  );
}
