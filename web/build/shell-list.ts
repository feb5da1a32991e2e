import type { Plugin } from 'vite';

/** Gives the service worker the names of the first view's files, and a version that moves with them. */
export function shellList(): Plugin {
  return {
    name: 'shell-list',
    generateBundle(_options, bundle) {
      const worker = bundle['sw.js'];
      const page = Object.values(bundle).find((file) => file.type === 'chunk' && file.name === 'page');
      if (worker?.type !== 'chunk' || page?.type !== 'chunk') return;
      const css = Object.keys(bundle).filter((name) => /^assets\/page-.*\.css$/.test(name));
      const names = [
        '/',
        ...[page.fileName, ...page.imports, ...css].map((name) => `/${name}`),
        '/icon.svg',
        '/manifest.webmanifest',
      ];
      worker.code = worker.code.replace('__SHELL__', () => names.join(' '));
      if (worker.code.includes('__SHELL__')) this.error('The service worker got no list of files.');
    },
  };
}
