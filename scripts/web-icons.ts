/** Makes the icons of the installed page from web/public/icon.svg; run it when the drawing changes. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const directory = join(dirname(dirname(fileURLToPath(import.meta.url))), 'web', 'public');
const drawing = readFileSync(join(directory, 'icon.svg'));
const GROUND = '#17657f';

for (const size of [180, 192, 512]) {
  await sharp(drawing, { density: 72 * (size / 32) * 1.5 })
    .resize(size, size)
    .png({ palette: true })
    .toFile(join(directory, `icon-${size}.png`));
}
// A launcher may cut a maskable icon to any shape: the drawing keeps to the middle, and the ground fills the rest.
const inner = await sharp(drawing, { density: 72 * 20 })
  .resize(384, 384)
  .png()
  .toBuffer();
await sharp({ create: { width: 512, height: 512, channels: 4, background: GROUND } })
  .composite([{ input: inner }])
  .png({ palette: true })
  .toFile(join(directory, 'icon-maskable-512.png'));
