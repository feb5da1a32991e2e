import { loadBuckets } from '../api/buckets.ts';
import { api } from '../api/client.ts';
import { t } from '../i18n/index.ts';
import { driveHref, go } from '../router.ts';
import { askText } from '../ui/ask-text.tsx';

/** S3's rules for names, said before the gateway has to. */
const NAME = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/;

export async function newBucket(): Promise<void> {
  const name = await askText({
    title: t('bucket.new'),
    label: t('bucket.name'),
    hint: t('bucket.rules'),
    action: t('create'),
    check: (text) => (NAME.test(text) ? null : t('error.bucketName')),
    act: (text) => api.createBucket(text),
  });
  if (name === null) return;
  await loadBuckets();
  go(driveHref(name));
}
