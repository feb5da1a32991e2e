import type { IconNode } from 'lucide';
import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

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
      {...(onClick === undefined ? {} : { onClick })}
      aria-label={label}
    >
      {busy === true ? <span class="spinner small" /> : icon !== undefined && <Icon of={icon} />}
      {children}
    </button>
  );
}

/** The end of a form of one card: what was wrong with it the last time, and the button that sends it. */
export function Submit({ wrong, busy, children }: { wrong: string | null; busy: boolean; children: ComponentChildren }) {
  return (
    <>
      {wrong !== null && (
        <p class="hint wrong" role="alert">
          {wrong}
        </p>
      )}
      <Button kind="primary" type="submit" busy={busy} class="full">
        {children}
      </Button>
    </>
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
