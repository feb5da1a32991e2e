import type { PreviewProps } from '../drive/viewer.tsx';
import { t } from '../i18n/index.ts';
import { WithText } from './load-text.tsx';

export function TextPreview({ file }: PreviewProps) {
  return (
    <WithText file={file}>
      {(text) => (
        <pre class="plain" tabIndex={0} role="region" aria-label={t('viewer.text')}>
          {text}
        </pre>
      )}
    </WithText>
  );
}
