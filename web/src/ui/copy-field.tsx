import { Check, Copy } from 'lucide';
import { useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { IconButton } from './button.tsx';

/** A text to take along. Without a clipboard (plain http on a network) the text is selected instead. */
export function CopyField({ text, block = false }: { text: string; block?: boolean }) {
  const [copied, setCopied] = useState(false);
  const copy = async (event: MouseEvent): Promise<void> => {
    const code = (event.currentTarget as Element).parentElement?.querySelector('code');
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), 2_000);
    } catch {
      if (code != null) getSelection()?.selectAllChildren(code);
    }
  };
  return (
    <span class={block ? 'copy-field block' : 'copy-field'}>
      <code>{text}</code>
      <IconButton
        icon={copied ? Check : Copy}
        label={copied ? t('copied') : t('copyText')}
        size={15}
        onClick={(event) => void copy(event)}
      />
    </span>
  );
}
