import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Drive } from './drive.ts';

const dismiss = ({ page }: Drive): Promise<void> =>
  page.locator('.uploads').getByRole('button', { name: 'Dismiss', exact: true }).click();

/** A folder as the desktop drops it: with those in it that have nothing, and something that cannot be read. */
export async function dropFolder(drive: Drive, directory: string): Promise<void> {
  const { stage, page, entry } = drive;
  const dropped = join(directory, 'dropped');
  mkdirSync(join(dropped, 'nothing', 'in it'), { recursive: true });
  writeFileSync(join(dropped, 'something.txt'), 'something');
  const browser = await page.context().newCDPSession(page);
  const data = { items: [], files: [dropped], dragOperationsMask: 1 };
  const { x = 0, y = 0, width = 0, height = 0 } = (await page.locator('.entries').boundingBox()) ?? {};
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await browser.send('Input.dispatchDragEvent', { type, x: x + width / 2, y: y + height - 9, data });
  await page.getByText('1 file uploaded').waitFor();
  await entry('dropped').waitFor();
  const listed = (await (await stage.api('GET', '/files/home/Trip/dropped/?recursive=true')).json()) as {
    entries: { key: string }[];
  };
  expect(listed.entries.map(({ key }) => key)).to.deep.equal(['Trip/dropped/nothing/in it/', 'Trip/dropped/something.txt']);
  await dismiss(drive);

  const transfer = await page.evaluateHandle(() => {
    const plain = (name: string, file: (done: (file: File) => void, failed: (error: Error) => void) => void) => ({
      name,
      isFile: true,
      file,
    });
    let tries = 0;
    const entries = [
      plain('in use.txt', (done, failed) => {
        if (++tries < 2) failed(new DOMException('', 'NotReadableError'));
        else done(new File(['read at last'], 'in use.txt'));
      }),
      plain('beside it.txt', (done) => done(new File(['beside'], 'beside it.txt'))),
    ];
    const transfer = new DataTransfer();
    transfer.items.add(new File([''], 'for its kind'));
    Object.defineProperty(transfer, 'items', { value: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) });
    return transfer;
  });
  await page.dispatchEvent('.drive', 'drop', { dataTransfer: transfer });
  await entry('beside it.txt').waitFor();
  await page.getByText('1 file failed').first().waitFor();
  await page.getByText('It could not be read on this device, so nothing of it was sent.').waitFor();
  await page.getByRole('button', { name: 'Try in use.txt again' }).click();
  await page.getByText('2 files uploaded').waitFor();
  expect(await (await stage.api('GET', '/files/home/Trip/in%20use.txt')).text()).to.equal('read at last');
  await dismiss(drive);
  for (const gone of ['dropped/?recursive=true', 'in%20use.txt', 'beside%20it.txt'])
    await stage.api('DELETE', `/files/home/Trip/${gone}`);
  await entry('dropped').waitFor({ state: 'detached' });
}

/** What is there already, with its bytes and its time, is asked about by nobody: neither where the answer was lost, nor where the same is chosen again. */
export async function sendOnce(drive: Drive, directory: string): Promise<void> {
  const { stage, page, entry } = drive;
  const puts: string[] = [];
  const heard = (request: { method(): string; url(): string }): void => {
    if (request.method() === 'PUT') puts.push(decodeURIComponent(request.url().split('/').at(-1) ?? ''));
  };
  page.on('request', heard);
  const small = join(directory, 'small.txt');
  const large = join(directory, 'large.bin');
  writeFileSync(small, 'it arrived');
  writeFileSync(large, 'x'.repeat(300_000));
  await page.route(
    '**/files/home/Trip/small.txt',
    async (route, request) => {
      const { 'content-length': _, ...headers } = await request.allHeaders();
      const answer = await fetch(request.url(), { method: 'PUT', headers, body: 'it arrived' });
      expect(answer.status).to.equal(201);
      await route.abort('connectionreset');
    },
    { times: 1 },
  );
  await page.setInputFiles('input[type=file] >> nth=0', [small, large]);
  await page.getByText('2 files uploaded').waitFor();
  expect(puts.sort()).to.deep.equal(['large.bin', 'small.txt', 'small.txt']);
  await dismiss(drive);
  puts.length = 0;
  await page.setInputFiles('input[type=file] >> nth=0', [small, large]);
  await page.getByText('2 files uploaded').waitFor();
  expect(puts, 'the larger one is not sent to be refused').to.deep.equal(['small.txt']);
  expect(await page.getByRole('dialog').count()).to.equal(0);
  await dismiss(drive);
  page.off('request', heard);
  for (const gone of ['small.txt', 'large.bin']) await stage.api('DELETE', `/files/home/Trip/${gone}`);
  await entry('large.bin').waitFor({ state: 'detached' });
}
