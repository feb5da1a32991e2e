import { lexer, type Token, type Tokens } from 'marked';
import { type ComponentChildren, Fragment, h } from 'preact';
import { useMemo } from 'preact/hooks';
import type { PreviewProps } from '../drive/viewer.tsx';
import { t } from '../i18n/index.ts';
import { WithText } from './load-text.tsx';

/**
 * Markdown from strangers. The parser's tokens become elements one by one, from a short list: HTML in the text shows as text,
 * links lead to the web or nowhere, and pictures from elsewhere are not fetched, because that would tell who reads.
 */
export function MarkdownPreview({ file }: PreviewProps) {
  return <WithText file={file}>{(text) => <Rendered text={text} />}</WithText>;
}

function Rendered({ text }: { text: string }) {
  const content = useMemo(() => lexer(text, { gfm: true }).map(block), [text]);
  return (
    <article class="rendered" tabIndex={0} aria-label={t('viewer.text')}>
      {content}
    </article>
  );
}

function block(token: Token, index: number): ComponentChildren {
  switch (token.type) {
    case 'heading':
      return h(`h${Math.min(6, (token as Tokens.Heading).depth + 1)}`, { key: index }, inline(token.tokens));
    case 'paragraph':
      return <p key={index}>{inline(token.tokens)}</p>;
    case 'blockquote':
      return <blockquote key={index}>{token.tokens?.map(block)}</blockquote>;
    case 'code':
      return (
        <pre key={index}>
          <code>{(token as Tokens.Code).text}</code>
        </pre>
      );
    case 'hr':
      return <hr key={index} />;
    case 'list': {
      const list = token as Tokens.List;
      const items = list.items.map((item, at) => (
        <li key={at}>
          {item.task && <input type="checkbox" checked={item.checked === true} disabled aria-label={item.text} />}
          {item.tokens.map(block)}
        </li>
      ));
      return list.ordered ? (
        <ol key={index} start={Number(list.start) || 1}>
          {items}
        </ol>
      ) : (
        <ul key={index}>{items}</ul>
      );
    }
    case 'table': {
      const table = token as Tokens.Table;
      return (
        <table key={index}>
          <thead>
            <tr>
              {table.header.map((cell, at) => (
                <th key={at}>{inline(cell.tokens)}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row, at) => (
              <tr key={at}>
                {row.map((cell, column) => (
                  <td key={column}>{inline(cell.tokens)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      );
    }
    case 'space':
    case 'def':
    case 'checkbox':
      return null;
    case 'text':
      return <Fragment key={index}>{token.tokens === undefined ? plain(token) : inline(token.tokens)}</Fragment>;
    default:
      return <p key={index}>{token.raw}</p>;
  }
}

function inline(tokens: Token[] | undefined): ComponentChildren {
  return tokens?.map((token, index) => {
    switch (token.type) {
      case 'strong':
        return <strong key={index}>{inline(token.tokens)}</strong>;
      case 'em':
        return <em key={index}>{inline(token.tokens)}</em>;
      case 'del':
        return <del key={index}>{inline(token.tokens)}</del>;
      case 'codespan':
        return <code key={index}>{(token as Tokens.Codespan).text}</code>;
      case 'br':
        return <br key={index} />;
      case 'link': {
        const to = webAddress((token as Tokens.Link).href);
        return to === null ? (
          <span key={index}>{inline(token.tokens)}</span>
        ) : (
          <a key={index} href={to} target="_blank" rel="noopener noreferrer nofollow">
            {inline(token.tokens)}
          </a>
        );
      }
      case 'image':
        return <em key={index}>[{(token as Tokens.Image).text || t('viewer.picture')}]</em>;
      case 'text':
      case 'escape':
        return (
          <Fragment key={index}>
            {token.type === 'text' && token.tokens !== undefined ? inline(token.tokens) : plain(token)}
          </Fragment>
        );
      default:
        return <Fragment key={index}>{token.raw}</Fragment>;
    }
  });
}

function plain(token: Token): string {
  return 'text' in token && typeof token.text === 'string' ? token.text : token.raw;
}

/** http, https and mailto, whole addresses only; null for everything else. */
export function webAddress(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
}
