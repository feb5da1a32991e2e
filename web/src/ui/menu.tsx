import { signal } from '@preact/signals';
import { Check, type IconNode } from 'lucide';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

export interface MenuItem {
  label: string;
  icon?: IconNode;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  /** One of several, of which one is in force. */
  checked?: boolean;
  act: () => void;
}

interface OpenMenu {
  items: (MenuItem | 'line')[];
  at: { x: number; y: number };
  label: string;
  opener: Element | null;
}

const open = signal<OpenMenu | null>(null);

/** Opens a menu at a point, or below the element that was pressed. */
export function openMenu(event: MouseEvent | KeyboardEvent, label: string, items: (MenuItem | 'line')[]): void {
  event.preventDefault();
  event.stopPropagation();
  const target = event.currentTarget instanceof Element ? event.currentTarget : null;
  const box = target?.getBoundingClientRect();
  const pointed = event instanceof MouseEvent && event.type === 'contextmenu' && event.clientX + event.clientY > 0;
  const at = pointed ? { x: event.clientX, y: event.clientY } : { x: box?.left ?? 0, y: (box?.bottom ?? 0) + 4 };
  open.value = { items, at, label, opener: document.activeElement };
}

/** Where the one open menu is shown. Arrows walk, Enter acts, Escape and Tab close. */
export function Menus() {
  const menu = open.value;
  return menu === null ? null : <Menu menu={menu} key={`${menu.at.x} ${menu.at.y}`} />;
}

function Menu({ menu }: { menu: OpenMenu }) {
  const ref = useRef<HTMLDivElement>(null);
  const close = (): void => {
    open.value = null;
    if (menu.opener instanceof HTMLElement && menu.opener.isConnected) menu.opener.focus();
  };
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const { width, height } = element.getBoundingClientRect();
    element.style.left = `${Math.max(8, Math.min(menu.at.x, innerWidth - width - 8))}px`;
    element.style.top = `${Math.max(8, Math.min(menu.at.y, innerHeight - height - 8))}px`;
    element.querySelector('button')?.focus();
  }, [menu]);
  useEffect(() => {
    const outside = (event: PointerEvent): void => {
      if (!ref.current?.contains(event.target as Node)) open.value = null;
    };
    addEventListener('pointerdown', outside, true);
    addEventListener('resize', close);
    return () => {
      removeEventListener('pointerdown', outside, true);
      removeEventListener('resize', close);
    };
  }, [menu]);
  const walk = (event: KeyboardEvent): void => {
    const buttons = [...(ref.current?.querySelectorAll<HTMLButtonElement>('button:not(:disabled)') ?? [])];
    const index = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: -1 }[event.key];
    if (event.key === 'Escape' || event.key === 'Tab') close();
    else if (to === undefined) return;
    else buttons.at(to % buttons.length)?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={ref} class="menu" role="menu" aria-label={menu.label} onKeyDown={walk}>
      {menu.items.map((item, index) =>
        item === 'line' ? (
          <hr key={index} />
        ) : (
          <button
            key={item.label}
            type="button"
            role={item.checked === undefined ? 'menuitem' : 'menuitemradio'}
            {...(item.checked === undefined ? {} : { 'aria-checked': item.checked })}
            tabIndex={-1}
            class={item.danger === true ? 'danger' : ''}
            disabled={item.disabled === true}
            onClick={() => {
              close();
              item.act();
            }}
          >
            {item.icon !== undefined && <Icon of={item.icon} size={17} />}
            {item.checked === true && <Icon of={Check} size={17} />}
            {item.checked === false && <span class="menu-blank" />}
            <span>{item.label}</span>
            {item.keys !== undefined && <kbd>{item.keys}</kbd>}
          </button>
        ),
      )}
    </div>
  );
}
