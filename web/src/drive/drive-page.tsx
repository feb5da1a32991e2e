import { HardDrive } from 'lucide';
import { useEffect } from 'preact/hooks';
import { buckets, bucketsError, loadBuckets } from '../api/buckets.ts';
import { t } from '../i18n/index.ts';
import { driveHref, go, parse, route } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { FolderView } from './folder-view.tsx';
import { newBucket } from './new-bucket.tsx';

/** The folder that the address names; the first bucket's root where it names none. */
export function DrivePage() {
  const { page, rest } = route.value;
  const first = buckets.value?.[0]?.name;
  const [bucket = '', ...segments] = page === 'drive' ? rest : [];
  useEffect(() => {
    // The address may have changed since this was drawn, to a bucket or to another page.
    const now = parse(location.hash);
    if (bucket === '' && first !== undefined && now.page === page && !now.rest[0]) go(driveHref(first), true);
  }, [bucket, first]);

  if (bucket !== '') {
    const key = segments.join('/');
    return <FolderView key={`${bucket}/${key}`} bucket={bucket} folderKey={key === '' || key.endsWith('/') ? key : `${key}/`} />;
  }
  if (buckets.value === null)
    return bucketsError.value === null ? <Loading /> : <Failed error={bucketsError.value} retry={() => void loadBuckets()} />;
  if (buckets.value.length > 0) return <Loading />;
  return (
    <Empty icon={HardDrive} title={t('bucket.none')}>
      <p>{t('bucket.noneText')}</p>
      <Button kind="primary" onClick={() => void newBucket()}>
        {t('bucket.new')}
      </Button>
    </Empty>
  );
}
