import { type MessageKey, t } from '../i18n/index.ts';
import { ask } from '../ui/dialog.tsx';

const KEYS: [string, MessageKey][] = [
  ['↑ ↓ ← →', 'shortcut.walk'],
  ['↵', 'shortcut.open'],
  ['⌫', 'shortcut.up'],
  ['␣', 'shortcut.select'],
  ['⇧ ↑ ↓', 'shortcut.reach'],
  ['Ctrl A', 'shortcut.all'],
  ['Ctrl C, X, V', 'shortcut.clipboard'],
  ['Ctrl Z', 'shortcut.undo'],
  ['M, C', 'shortcut.send'],
  ['D', 'download'],
  ['⇧ F10', 'shortcut.menu'],
  ['F2', 'rename'],
  ['Del', 'remove.action'],
  ['⇧ N', 'folder.new'],
  ['U', 'upload.files'],
  ['⇧ U', 'upload.folder'],
  ['S', 'share.action'],
  ['H', 'versions.title'],
  ['I', 'details'],
  ['V', 'shortcut.view'],
  ['O', 'order.by'],
  ['/', 'filter'],
];

export async function showKeys(): Promise<void> {
  await ask({
    title: t('shortcut.title'),
    body: (
      <dl class="shortcuts">
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{t(what)}</dd>
          </div>
        ))}
      </dl>
    ),
    choices: [],
    wide: true,
  });
}
