import { Hourglass, type IconNode } from 'lucide';
import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';
import { duration, t } from '../i18n/index.ts';
import { Icon } from './icon.tsx';
import { Wrong } from './wrong.tsx';

interface ButtonProps {
  children?: ComponentChildren;
  icon?: IconNode;
  onClick?: (event: MouseEvent) => void;
  kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  type?: 'button' | 'submit';
  disabled?: boolean;
  busy?: boolean;
  class?: string;
  autofocus?: boolean;
  /** Said by a screen reader where it is more than what is shown. */
  label?: string;
}

export function Button({
  children,
  icon,
  onClick,
  kind = 'plain',
  type = 'button',
  disabled,
  busy,
  class: name = '',
  label,
}: ButtonProps) {
  return (
    <button
      type={type}
      class={`button ${kind} ${name}`}
      disabled={disabled === true || busy === true}
      aria-busy={busy === true ? 'true' : undefined}
      {...(onClick === undefined ? {} : { onClick: firstClick(onClick) })}
      aria-label={label}
    >
      {busy === true ? <span class="spinner small" /> : icon !== undefined && <Icon of={icon} />}
      {children}
    </button>
  );
}

/** Of a double click the first alone: whoever clicks so means once. */
export function firstClick(act: (event: MouseEvent) => void): (event: MouseEvent) => void {
  return (event) => {
    if (event.detail <= 1) act(event);
  };
}

/** The end of a form of one card: what was wrong with it the last time, and the button that sends it. */
export function Submit({
  wrong,
  busy,
  wait = 0,
  children,
}: {
  wrong: string | null;
  busy: boolean;
  /** Seconds until the gateway takes another try. */
  wait?: number;
  children: ComponentChildren;
}) {
  return (
    <>
      {wait > 0 ? <Waiting seconds={wait} /> : <Wrong text={wrong} />}
      <Button kind="primary" type="submit" busy={busy} disabled={wait > 0} class="full">
        {children}
      </Button>
    </>
  );
}

/** Said once; what counts down is for eyes only. */
export function Waiting({ seconds }: { seconds: number }) {
  return (
    <div class="note warn waiting">
      <Icon of={Hourglass} />
      <span>
        <span role="alert">{t('wait.text')}</span> <span aria-hidden="true">{t('wait.left', { time: duration(seconds) })}</span>
      </span>
    </div>
  );
}

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'label' | 'type' | 'size'> {
  icon: IconNode;
  label: string;
  pressed?: boolean;
  disabled?: boolean;
  size?: number;
}

/** A button of an icon alone; the label is its tooltip and what a screen reader says. */
export function IconButton({ icon, label, pressed, class: name = '', size = 18, ...rest }: IconButtonProps) {
  return (
    <button type="button" class={`icon-button ${String(name)}`} aria-label={label} title={label} aria-pressed={pressed} {...rest}>
      <Icon of={icon} size={size} />
    </button>
  );
}

/** As an IconButton, to somewhere. */
export function IconLink({ icon, label, href, download }: { icon: IconNode; label: string; href: string; download?: string }) {
  return (
    <a class="icon-button" href={href} download={download} aria-label={label} title={label}>
      <Icon of={icon} />
    </a>
  );
}
