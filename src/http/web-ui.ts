import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import type { Context, Middleware } from 'koa';

/** One built file, and the encodings that lie beside it (`x.js.br`, `x.js.gz`). */
interface Asset {
  path: string;
  bytes: number;
  etag: string;
  encodings: Partial<Record<Encoding, number>>;
}

type Encoding = 'br' | 'gzip';
const SUFFIXES: Record<Encoding, string> = { br: '.br', gzip: '.gz' };

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
};

/**
 * No script but ours, none in the page itself, and nothing from another host. Trusted Types leave a text no way to become
 * markup or a script's address. `blob:` is what the page itself has fetched and shows; `wasm-unsafe-eval` lets pdf.js decode
 * images of old scanners, and no text can become JavaScript by it.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types default',
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/** Where the one page is asked for: the root, and links that are shared. Within the page, places stand in the fragment. */
const PAGE = /^\/(?:s\/[\w-]{1,200})?$/;

/**
 * The browser's page as Vite built it into `directory`. What has a hash in its name is kept by browsers for ever, the page
 * itself is asked for anew each time. Only names that were found in the directory are opened, so no path leads out of it.
 * Hands on what it doesn't have, and everything while nothing is built.
 */
export function webUi(directory: string): Middleware {
  let loaded: { version: string; assets: Map<string, Asset> } | null = null;

  /** Looks anew when the page is another one than before: built for the first time, or again. */
  async function assetsOf(page: boolean): Promise<Map<string, Asset> | null> {
    if (loaded !== null && !page) return loaded.assets;
    const index = await stat(join(directory, 'index.html')).catch(() => null);
    if (index === null) return null;
    const version = `${index.ino}-${index.mtimeMs}`;
    if (loaded?.version !== version) loaded = { version, assets: await findAssets(directory) };
    return loaded.assets;
  }

  return async (ctx, next) => {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return next();
    const page = PAGE.test(ctx.path);
    const assets = await assetsOf(page);
    const asset = assets?.get(page ? '/index.html' : ctx.path);
    if (asset === undefined) return next();
    answer(ctx, asset, page);
  };
}

function answer(ctx: Context, asset: Asset, page: boolean): void {
  const lying = (Object.keys(SUFFIXES) as Encoding[]).filter((name) => asset.encodings[name] !== undefined);
  const asked = ctx.acceptsEncodings(...lying, 'identity');
  const encoding = lying.find((name) => name === asked);
  ctx.status = 200;
  ctx.set(HEADERS);
  ctx.set('Vary', 'Accept-Encoding');
  ctx.set('Cache-Control', !page && ctx.path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
  ctx.set('ETag', asset.etag);
  if (ctx.get('If-None-Match').split(/,\s*/).includes(asset.etag)) {
    ctx.status = 304;
    return;
  }
  const type = TYPES[extname(asset.path)] ?? 'application/octet-stream';
  if (encoding !== undefined) ctx.set('Content-Encoding', encoding);
  // Koa takes the stream's end or failure upon itself, and leaves a stream out of an answer to HEAD.
  ctx.body = createReadStream(encoding === undefined ? asset.path : asset.path + SUFFIXES[encoding]);
  ctx.set('Content-Type', type);
  ctx.length = encoding === undefined ? asset.bytes : (asset.encodings[encoding] ?? 0);
}

async function findAssets(directory: string): Promise<Map<string, Asset>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = new Map<string, { bytes: number; etag: string }>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(path);
    sizes.set(path, { bytes: size, etag: `W/"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"` });
  }
  const assets = new Map<string, Asset>();
  for (const [path, { bytes, etag }] of sizes) {
    if (Object.values(SUFFIXES).some((suffix) => path.endsWith(suffix))) continue;
    const encodings: Asset['encodings'] = {};
    for (const [encoding, suffix] of Object.entries(SUFFIXES) as [Encoding, string][]) {
      const beside = sizes.get(path + suffix);
      if (beside !== undefined) encodings[encoding] = beside.bytes;
    }
    assets.set(path.slice(directory.length).split(sep).join('/'), { path, bytes, etag, encodings });
  }
  return assets;
}
