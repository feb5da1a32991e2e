import { computed, signal } from '@preact/signals';

/**
 * Places of the page stand in the fragment, `#/drive/home/photos/`: it never leaves the browser, so file names are in no
 * proxy's log, and a name like `..` stays what it is. Links that are shared come by path, `/s/<token>`.
 */
export interface Route {
  page: string;
  rest: string[];
  query: URLSearchParams;
}

const hash = signal(location.hash);
window.addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const route = computed<Route>(() => parse(hash.value));

export function parse(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#\/?/, '').split('?', 2);
  const [page = '', ...rest] = path.split('/').map(decode);
  return { page, rest, query: new URLSearchParams(query) };
}

export function href(page: string, rest: readonly string[] = [], query: Record<string, string> = {}): string {
  const path = [page, ...rest].map(encodeURIComponent).join('/');
  const search = new URLSearchParams(query).toString();
  return `#/${path}${search === '' ? '' : `?${search}`}`;
}

export function go(to: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', to);
    hash.value = location.hash;
  } else location.hash = to;
}

/** `#/drive/<bucket>/<each segment of the key>`; a folder ends in an empty segment, as its key does. */
export function driveHref(bucket: string, key = '', query: Record<string, string> = {}): string {
  return href('drive', [bucket, ...key.split('/')], query);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
