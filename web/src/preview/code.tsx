import { common, createLowlight } from 'lowlight';
import { type ComponentChildren, h } from 'preact';
import { useMemo } from 'preact/hooks';
import { endingOf } from '../drive/kinds.ts';
import type { PreviewProps } from '../drive/viewer.tsx';
import { t } from '../i18n/index.ts';
import { WithText } from './load-text.tsx';

const COLOURED_CHARS_MAX = 200_000;

interface Node {
  type: string;
  value?: string;
  properties?: { className?: string[] };
  children?: Node[];
}

/** Source with colours. The highlighter gives a tree, which becomes elements; no text ever becomes markup. */
export function CodePreview({ file }: PreviewProps) {
  return <WithText file={file}>{(text) => <Coloured text={text} language={endingOf(file.name)} />}</WithText>;
}

function Coloured({ text, language }: { text: string; language: string }) {
  const content = useMemo(() => {
    if (text.length > COLOURED_CHARS_MAX) return text;
    const lowlight = createLowlight(common);
    if (!lowlight.registered(language)) return text;
    return (lowlight.highlight(language, text).children as Node[]).map(element);
  }, [text, language]);
  return (
    <pre class="code" tabIndex={0} role="region" aria-label={t('viewer.text')}>
      <code>{content}</code>
    </pre>
  );
}

function element(node: Node): ComponentChildren {
  if (node.type === 'text') return node.value ?? '';
  return h('span', { class: node.properties?.className?.join(' ') }, node.children?.map(element));
}
