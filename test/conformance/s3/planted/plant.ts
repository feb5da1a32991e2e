import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../../support/process.ts';
import { MISTAKES } from './mistakes.ts';

/**
 * Loaded into a gateway before its program (`--import`): changes one line of one module as it is loaded. Nothing of it is in the product.
 * CLOUDSTORE_TEST_PLANTED is the group.
 */
const mistake = MISTAKES.find(({ group }) => group === process.env.CLOUDSTORE_TEST_PLANTED);
if (mistake === undefined) throw new Error(`No mistake is planned for ${process.env.CLOUDSTORE_TEST_PLANTED}.`);
const { file, from, to } = mistake;
const url = pathToFileURL(join(ROOT, file)).href;

registerHooks({
  load(asked, context, next) {
    const loaded = next(asked, context);
    if (asked !== url) return loaded;
    const source = String(loaded.source);
    if (!source.includes(from)) throw new Error(`${file} has no longer: ${from}`);
    return { ...loaded, source: source.replace(from, () => to) };
  },
});
