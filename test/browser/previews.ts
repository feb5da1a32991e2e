import { expect } from 'chai';
import { at } from './browser.ts';
import type { Drive } from './drive.ts';
import { tinyPdf } from './scene.ts';

export async function previewEveryKind({ stage, page, put }: Drive): Promise<void> {
  const ranges: string[] = [];
  await put('Show/a.txt', 'plain words');
  await put('Show/b.ts', 'const answer: number = 42;');
  await put('Show/c.md', '# Title\n\n**bold** <script>window.hacked = 1</script> [x](javascript:alert(1))');
  await put(
    'Show/d.svg',
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><script>top.hacked = 1</script><rect width="40" height="40"/></svg>',
    'image/svg+xml',
  );
  await put('Show/e.pdf', tinyPdf('Hello PDF'), 'application/pdf');
  await put('Show/f.wav', wav(), 'audio/wav');
  await put('Show/g.tif', tiff(), 'image/tiff');
  await put('Show/h.heic', '\0\0\0\x18ftypheic', 'image/heic');
  page.on('request', (request) => void (request.url().includes('f.wav') && ranges.push(request.headers().range ?? '')));
  await page.goto(at(stage.gateway, 'drive/home/Show/?open=a.txt'));
  await page.getByText('plain words').waitFor();
  await page.keyboard.press('ArrowRight');
  await page.locator('.code .hljs-keyword', { hasText: 'const' }).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.locator('.rendered strong', { hasText: 'bold' }).waitFor();
  expect(await page.locator('.rendered a').count()).to.equal(0);
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => (document.querySelector<HTMLImageElement>('.view-image img')?.naturalWidth ?? 0) > 0);
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.pdf-page');
    const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels?.some((value, index) => index % 4 < 3 && value < 80) === true;
  });
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => (document.querySelector('audio')?.duration ?? 0) > 0.5);
  expect(ranges.some((range) => range.startsWith('bytes='))).to.equal(true);
  // No browser shows it: the gateway's picture of it.
  await page.locator('.viewer').press('ArrowRight');
  await page.getByText('A smaller picture of it').waitFor();
  expect(await page.evaluate(() => document.querySelector<HTMLImageElement>('.view-image img')?.naturalWidth)).to.equal(2);
  await page.locator('.viewer').press('ArrowRight');
  await page.getByText('HEIC pictures have no preview here').waitFor();
  await page.locator('.viewer-body').getByRole('link', { name: 'Download' }).waitFor();
  expect(await page.evaluate(() => 'hacked' in window)).to.equal(false);
  await page.keyboard.press('Escape');
  await page.locator('.viewer').waitFor({ state: 'detached' });
}

/** A second of silence. */
function wav(): Buffer<ArrayBuffer> {
  const samples = Buffer.alloc(8_000);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8_000, 24);
  head.writeUInt32LE(8_000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples.fill(128)]);
}

/** Two pixels by two, in grey. */
function tiff(): Buffer<ArrayBuffer> {
  const tags: [tag: number, type: 3 | 4, value: number][] = [
    [256, 4, 2], // width
    [257, 4, 2], // height
    [258, 3, 8], // bits
    [259, 3, 1], // not compressed
    [262, 3, 1], // black is zero
    [273, 4, 8], // where the pixels are
    [278, 4, 2], // rows in a strip
    [279, 4, 4], // bytes in a strip
  ];
  const bytes = Buffer.alloc(12 + 2 + tags.length * 12 + 4);
  bytes.write('II*\0', 0, 'latin1');
  bytes.writeUInt32LE(12, 4);
  bytes.set([0, 90, 180, 255], 8);
  bytes.writeUInt16LE(tags.length, 12);
  for (const [index, [tag, type, value]] of tags.entries()) {
    const at = 14 + index * 12;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  }
  return bytes;
}
