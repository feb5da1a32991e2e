import { defineConfig } from 'vite';
import { shellList } from './build/shell-list.ts';

export default defineConfig({
  base: '/',
  publicDir: 'public',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [shellList()],
  build: {
    target: 'es2022',
    // Everything is a file of its own: the policy of the page allows no inline code, and no data URLs but for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rolldownOptions: {
      input: { page: 'index.html', sw: 'worker/sw.ts' },
      output: {
        // What several pages share comes in one piece: thirty small ones wait for each other on a slow network, which they cross six at a time.
        codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] },
        entryFileNames: (chunk: { name: string }) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
});
