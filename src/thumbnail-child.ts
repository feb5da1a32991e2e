import sharp from 'sharp';

/**
 * A process that makes pictures small. It has no settings, no keys and, where Node can withhold them, no network and no files to write: a hole in a decoder
 * gets the picture that it was opened with. It reads only the kinds of images below, from memory, and never SVG, PDF or what may name other files.
 */
export interface ThumbnailJob {
  id: number;
  image: Uint8Array;
  size: number;
}

export interface ThumbnailResult {
  id: number;
  /** null: it is no image that can be made small. */
  thumbnail: Uint8Array | null;
}

/** A hundred megapixels: what cameras of today make, and 400 MB in memory at worst. */
const PIXELS_MAX = 100_000_000;
const LOADERS = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif', 'Tiff'].map((name) => `VipsForeignLoad${name}Buffer`);

sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: LOADERS });

process.on('message', (job: ThumbnailJob) => {
  make(job).then(
    (thumbnail) => answer({ id: job.id, thumbnail }),
    () => answer({ id: job.id, thumbnail: null }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, thumbnail: null } satisfies ThumbnailResult);

async function make({ image, size }: ThumbnailJob): Promise<Uint8Array> {
  return sharp(image, { limitInputPixels: PIXELS_MAX, sequentialRead: true, failOn: 'error', pages: 1 })
    .autoOrient()
    .resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: size <= 64 ? 70 : 78, effort: 3 })
    .toBuffer();
}

function answer(result: ThumbnailResult): void {
  process.send?.(result);
}
