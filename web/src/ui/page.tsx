import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { isApiError } from '../api/error.ts';
import { t } from '../i18n/index.ts';
import type { Loaded } from './load.ts';
import { said } from './said.ts';
import { Failed, Loading } from './states.tsx';

/** A page beside the drive: a heading, what can be done, and sections. */
export function Page({
  title,
  text,
  actions,
  children,
}: {
  title: string;
  text?: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${title} – CloudStore`;
  }, [title]);
  return (
    <div class="page">
      <div class="page-inner">
        <header class="page-head">
          <div>
            <h1>{title}</h1>
            {text !== undefined && <p>{text}</p>}
          </div>
          {actions !== undefined && <div class="row">{actions}</div>}
        </header>
        {children}
      </div>
    </div>
  );
}

export function Section({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="section">
      <header>
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}

/** What was asked for, or that it is coming, or why it isn't. */
export function Show<T>({ of, rows = 4, children }: { of: Loaded<T>; rows?: number; children: (data: T) => ComponentChildren }) {
  if (of.data !== null)
    return (
      <>
        {of.error !== null && !isApiError(of.error, 'unreachable') && (
          <p class="note warn" role="alert">
            {t('stale', { why: said(of.error) })}{' '}
            <button type="button" class="link" onClick={of.reload}>
              {t('retry')}
            </button>
          </p>
        )}
        {children(of.data)}
      </>
    );
  if (of.error !== null) return <Failed error={of.error} retry={of.reload} />;
  return <Loading rows={rows} />;
}

/** Head cells of empty text are for buttons, and are named for screen readers. */
export function Table({
  head,
  children,
  label,
  stacked = false,
  lines = false,
  named = false,
}: {
  /** `spare`: not shown on a phone, as its cells of the same class. */
  head: (string | { text: string; number?: true; spare?: true })[];
  children: ComponentChildren;
  label: string;
  /** On a phone a row's cells stand below each other. */
  stacked?: boolean;
  /** On a phone a row's cells follow each other as words do; those of the class `line` begin one and fill it. */
  lines?: boolean;
  /** On a phone the cells that have a `data-head` stand two by two, each behind those words, and of the others each in a line of its own. */
  named?: boolean;
}) {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table class={`table ${stacked ? 'stacked' : ''} ${lines ? 'lines' : ''} ${named ? 'named' : ''}`}>
        <thead>
          <tr>
            {head.map((cell, index) =>
              typeof cell === 'string' ? (
                cell === '' ? (
                  <td key={index} />
                ) : (
                  <th key={index} scope="col">
                    {cell}
                  </th>
                )
              ) : (
                <th
                  key={index}
                  scope="col"
                  class={`${cell.number ? 'number' : ''} ${cell.spare ? 'spare' : ''}`.trim() || undefined}
                >
                  {cell.text}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
