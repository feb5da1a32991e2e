import { expect } from 'chai';
import type { TestGateway } from '../support/gateway.ts';
import { diceOf, SEED } from '../support/random.ts';
import { fillFolder } from '../support/wide-folder.ts';
import type { request } from '../unit/webdav/serve-door.ts';

type Send = (method: string, path: string, headers?: Record<string, string>, body?: string) => ReturnType<typeof request>;

/** Files, a folder of the name of a file that S3 may put beside it, and names that are escaped. */
const NAMES = ['a', 'a b&<c>', 'ü', "it's", '%41', 'b', 'new-1', 'new-2'];

/** A listing that is kept and mended by what changed has to be the one that would be made anew: asked for in other words, that is done. */
export function describeRenewed(
  given: () => { gateway: TestGateway; send: Send; plant(files: [string, string][]): Promise<void> },
): void {
  for (const [what, count, steps] of [
    ['of one piece', 20, 50],
    ['of many', 1200, 15],
  ] as const)
    it(`a kept listing follows what changes in its folder, and is as one that is made anew (${what}; CLOUDSTORE_TEST_SEED=${SEED})`, async () => {
      const { gateway, send, plant } = given();
      const dice = diceOf(`${SEED} renewed ${what}`);
      const folder = `renewed-${count}`;
      await send('MKCOL', folder);
      await fillFolder(gateway.dataDir, gateway.bucket, `${folder}/`, count);
      await plant([[`${folder}/b/below.txt`, 'x']]);
      const list = async (words: string) =>
        responses(
          (await send('PROPFIND', `${folder}/`, { depth: '1' }, `<propfind xmlns="DAV:"><allprop/><!-- ${words} --></propfind>`))
            .body,
        );
      const step = async (): Promise<unknown> => {
        const name = dice.chance(0.4) ? `${String(dice.below(count)).padStart(5, '0')}.txt` : dice.pick(NAMES);
        const path = `${folder}/${encodeURIComponent(name)}`;
        const kind = dice.below(10);
        if (kind < 4) return send('PUT', path, {}, 'x'.repeat(dice.below(50)));
        if (kind < 6) return send('DELETE', path);
        if (kind < 7)
          return send(
            'PROPPATCH',
            path,
            {},
            `<propertyupdate xmlns="DAV:"><set><prop><r xmlns="u"><D:response xmlns:D="DAV:"><D:href>/dav/${gateway.bucket}/${folder}/a</D:href></D:response>&lt;d:response> ${kind}</r></prop></set></propertyupdate>`,
          );
        if (kind < 8) return plant([[`${folder}/${name}`, 'by S3']]);
        if (kind < 9) return send('PUT', `${folder}/b/below.txt`, {}, 'x'.repeat(dice.below(50)));
        return send(dice.pick(['MKCOL', 'LOCK']), path);
      };
      // A file beside a folder of its name: that then shows under another.
      const clash = () => plant([[`${folder}/b`, 'x']]);
      // What comes anew is at the end of a listing that was mended: this one, else before all others, shows which it was.
      const first = () => send('PUT', `${folder}/!`, {}, 'x');
      const begin = [clash, clash, () => send('DELETE', `${folder}/b`), first];
      let followed = 0;
      await list('kept');
      for (let at = 0; at < steps; at++) {
        const given = begin[at];
        if (given !== undefined) await given();
        else for (let n = 1 + dice.below(3); n > 0; n--) await step();
        const [kept, anew] = [await list('kept'), await list(`${at}`)];
        if (kept.join('') !== anew.join('')) followed++;
        expect(kept.toSorted(), `step ${at}`).to.deep.equal(anew.toSorted());
        expect(kept[0], 'the folder goes before').to.equal(anew[0]);
      }
      expect(followed, 'some were mended').to.be.greaterThan(0);
    });
}

/** Their buffers are used again: no answer may have anything of another. */
export function describeTogether(given: () => { send: Send; plant(files: [string, string][]): Promise<void> }): void {
  it('kept listings that are asked for at once are each its own', async () => {
    const { send, plant } = given();
    const folders = ['together-a', 'together-b', 'together-c'];
    for (const folder of folders)
      await plant(Array.from({ length: 60 }, (_, n) => [`${folder}/${folder}-${n}`, 'x'] as [string, string]));
    const list = async (folder: string) => (await send('PROPFIND', folder, { depth: '1' })).body;
    const first = new Map<string, string>();
    for (const folder of folders) first.set(folder, await list(folder));
    const asked = Array.from({ length: 120 }, (_, n) => folders[n % folders.length]!);
    const answers = await Promise.all(asked.map(list));
    for (const [n, folder] of asked.entries()) expect(answers[n] === first.get(folder), `${n}: ${folder}`).to.equal(true);
  });
}

/** Each, less the ends of the document. */
function responses(body: string): string[] {
  const [, ...rest] = body.split(/(?=<d:response><d:href>)/);
  return rest.map((response) => response.replace(/<\/d:multistatus>\s*$/, ''));
}
