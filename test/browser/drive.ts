import type { Locator, Page } from 'playwright-core';
import type { Stage } from './browser.ts';

/** The drive of somebody who is signed in. */
export interface Drive {
  stage: Stage;
  page: Page;
  /** The row or tile of this name. */
  entry(name: string, on?: Page): Locator;
  /** By the API, into `home`. */
  put(key: string, body: BodyInit, type?: string): Promise<Response>;
}

export function driveOf(stage: Stage, page: Page): Drive {
  return {
    stage,
    page,
    entry: (name, on = page) => on.locator('.entry').filter({ has: on.locator('.name bdi').getByText(name, { exact: true }) }),
    put: (key, body, type = 'text/plain') =>
      stage.api('PUT', `/files/home/${key.split('/').map(encodeURIComponent).join('/')}`, body, { 'Content-Type': type }),
  };
}
