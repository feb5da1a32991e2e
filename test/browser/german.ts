import { expect } from 'chai';
import { de } from '../../web/src/i18n/de.ts';
import { en } from '../../web/src/i18n/en.ts';
import { pagesOf, type Shown } from './scene.ts';

type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>;

/** So much of a text must be always the same, or whatever is put in would look like it. */
const LETTERS_MIN = 6;

/** English texts of the page that are others in German. */
function english(): RegExp[] {
  const forms = (message: Message): string[] => (typeof message === 'string' ? [message] : Object.values(message));
  return Object.entries(en as Record<string, Message>).flatMap(([key, message]) => {
    const german = new Set(forms((de as Record<string, Message>)[key] ?? ''));
    return forms(message)
      .filter((text) => !german.has(text) && text.replaceAll(/\{\w+\}|[^a-z]/gi, '').length >= LETTERS_MIN)
      .map(
        (text) =>
          new RegExp(
            `^${text
              .split(/\{\w+\}/)
              .map(literal)
              .join('.+')}$`,
            's',
          ),
      );
  });
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Every page in German on a phone, where its long words have least room: no English text is left, of the page or of the gateway. */
export async function speakGerman({ scene, page, show }: Shown): Promise<void> {
  await show('#/drive/home/Photos/');
  await page.getByRole('button', { name: 'Account of' }).first().click();
  await page.getByRole('menuitem', { name: 'Deutsch' }).click();
  await page.getByRole('button', { name: 'Hinzufügen' }).waitFor();
  await page.getByText(/\d+ Einträge/).waitFor();
  // What was told in English before may still stand there.
  await page.reload();
  await page.getByRole('button', { name: 'Hinzufügen' }).waitFor();
  expect(await page.getAttribute('html', 'lang')).to.equal('de');
  const texts = english();
  const left: string[] = [];
  for (const [name, place] of Object.entries(pagesOf(scene)).filter(([, place]) => place.startsWith('#'))) {
    await show(place);
    const { said, marked } = await page.evaluate(() => {
      const said = new Set<string>();
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        // Names, and what is typed into a terminal or came from a file, are nobody's language.
        if (node.parentElement?.closest('code, bdi, .entry, .view-text, .rendered') !== null) continue;
        if (node instanceof Element)
          for (const name of ['aria-label', 'title', 'placeholder', 'alt']) said.add(node.getAttribute(name) ?? '');
        else said.add((node.textContent ?? '').trim());
      }
      return {
        said: [...said],
        marked: [...document.querySelectorAll('[lang=en]')].map((one) => one.textContent ?? ''),
      };
    });
    await page.setViewportSize({ width: 390, height: 780 });
    const [wide, tables] = await page.evaluate(() => {
      const over = (one: Element): number => one.scrollWidth - one.clientWidth;
      return [over(document.documentElement), [...document.querySelectorAll('.table-scroll')].map(over)] as const;
    });
    await page.setViewportSize({ width: 1280, height: 800 });
    if (wide > 0) left.push(`${name} is wider than the phone by ${wide}`);
    if (Math.max(0, ...tables) > 0) left.push(`${name} has a table that is wider than the phone by ${Math.max(...tables)}`);
    left.push(...marked.map((text) => `${name}: the gateway says “${text}”`));
    left.push(...said.filter((text) => texts.some((one) => one.test(text))).map((text) => `${name}: “${text}”`));
  }
  expect(left).to.deep.equal([]);
  await show('#/admin/buckets/home');
  await page.getByRole('button', { name: 'Website als Text' }).click();
  const dialog = page.getByRole('dialog');
  const refused = async (document: object, sentence: string): Promise<void> => {
    await dialog.getByRole('textbox').fill(JSON.stringify(document));
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.getByRole('alert').filter({ hasText: sentence }).waitFor();
  };
  await refused({ RoutingRules: {} }, 'RoutingRules: muss eine Liste sein');
  await refused({ IndexDocument: { Suffix: 'a/b' } }, 'Der Suffix von IndexDocument darf nicht leer sein');
  await dialog.getByRole('button', { name: 'Abbrechen' }).click();
}
