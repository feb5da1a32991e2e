import { Code, Ellipsis, Pencil } from 'lucide';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { visible } from '../drive/entry-list.tsx';
import { t } from '../i18n/index.ts';
import { IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { type MenuItem, openMenu } from '../ui/menu.tsx';
import { fail } from '../ui/toast.tsx';
import type { Json } from './json.ts';
import { documentOf, type Rule, ruleFrom, rulesOf } from './rule-lists.ts';
import type { RuleForm } from './rule-texts.ts';

interface RulesProps {
  /** What the document is called. */
  name: string;
  form: RuleForm;
  document: Json;
  put: (document: Json | null) => Promise<void>;
  byText: () => void;
}

/** Asks for one rule, and puts the document with it. */
export async function editRule(
  { name, form, document, put, text }: Omit<RulesProps, 'byText' | 'document'> & { document: Json | null; text: string },
  index: number | null,
): Promise<void> {
  const rules = rulesOf(form.kind, document);
  const before = index === null ? null : (rules[index] ?? null);
  await askForm({
    title: index === null ? t('rules.add', { name }) : t('rules.change', { number: index + 1, name }),
    text,
    action: t('save'),
    fields: form.fields(before?.values ?? null),
    act: (values) => {
      const rule = ruleFrom(form.kind, values, before);
      return put(documentOf(form.kind, document, index === null ? [...rules, rule] : rules.with(index, rule)));
    },
  });
}

/** The rules of a document, each in a sentence, with what can be done to it. */
export function BucketRules({ text, ...props }: RulesProps & { text: string }) {
  const { name, form, document, put, byText } = props;
  const ref = useRef<HTMLOListElement>(null);
  /** Where the focus belongs when the rules stand otherwise. */
  const focus = useRef<number | null>(null);
  const [busy, setBusy] = useState(false);
  /** The rule whose box shows already what it is about to be. */
  const [switching, setSwitching] = useState<number | null>(null);
  const rules = rulesOf(form.kind, document);
  useLayoutEffect(() => {
    if (focus.current === null) return;
    const buttons = ref.current?.querySelectorAll<HTMLElement>('[aria-haspopup]') ?? [];
    buttons[Math.min(focus.current, buttons.length - 1)]?.focus();
    focus.current = null;
  }, [document]);

  const change = async (next: Rule[], focused: number | null): Promise<void> => {
    if (busy) return;
    setBusy(true);
    focus.current = focused;
    await put(documentOf(form.kind, document, next)).catch((error: unknown) => {
      focus.current = null;
      fail(error);
    });
    setBusy(false);
  };
  const toggle = async (index: number): Promise<void> => {
    const rule = rules[index];
    if (rule === undefined) return;
    setSwitching(index);
    const Status = rule.raw.Status === 'Enabled' ? 'Disabled' : 'Enabled';
    await change(rules.with(index, { ...rule, raw: { ...rule.raw, Status } }), null);
    setSwitching(null);
  };
  const move = (from: number, to: number): MenuItem['act'] => {
    const rule = rules[from];
    return () => {
      if (rule !== undefined) void change(rules.toSpliced(from, 1).toSpliced(to, 0, rule), to);
    };
  };
  const remove = async (index: number, says: string): Promise<void> => {
    if (await confirm(t('rules.remove', { number: index + 1, name }), says, t('rules.removeAction')))
      await change(rules.toSpliced(index, 1), index);
  };
  const more = (event: MouseEvent, index: number, says: string): void =>
    openMenu(event, t('rules.more', { number: index + 1, name }), [
      ...(form.ordered
        ? [
            { label: t('rules.up'), disabled: index === 0, act: move(index, index - 1) },
            { label: t('rules.down'), disabled: index === rules.length - 1, act: move(index, index + 1) },
            'line' as const,
          ]
        : []),
      { label: t('document.asText', { name }), act: byText },
      { label: t('rules.removeAction'), danger: true, act: () => void remove(index, says) },
    ]);

  return (
    <ol class="rules" ref={ref} aria-busy={busy}>
      {rules.map((rule, index) => {
        const { raw, values } = rule;
        const on = !form.switched || raw.Status === 'Enabled';
        const at = { number: index + 1, name };
        const says = visible(values === null ? JSON.stringify(raw) : form.says(values));
        return (
          <li key={index} class={on ? '' : 'off'}>
            {form.switched && (
              <input
                type="checkbox"
                aria-label={t('rules.on', at)}
                title={t('rules.on', at)}
                checked={on !== (switching === index)}
                disabled={values === null}
                onChange={() => void toggle(index)}
              />
            )}
            <span class="rule-says">
              {!on && <span class="badge">{t('rules.off')}</span>}{' '}
              {values === null ? (
                <>
                  {t('rules.unknown')} <code class="wrap">{says}</code>
                </>
              ) : (
                says
              )}
            </span>
            {values === null ? (
              <IconButton icon={Code} label={t('document.asText', { name })} onClick={byText} />
            ) : (
              <IconButton
                icon={Pencil}
                label={t('rules.change', at)}
                onClick={() => void editRule({ name, form, document, put, text }, index)}
              />
            )}
            <IconButton
              icon={Ellipsis}
              label={t('rules.more', at)}
              aria-haspopup="menu"
              onClick={(event) => more(event, index, says)}
            />
          </li>
        );
      })}
    </ol>
  );
}
