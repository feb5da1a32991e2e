const DRAWN_MS_MAX = 100;

/** When what has just changed is on the screen, so that what is only wanted next does not stand in its way. A tab behind others draws nothing, and waits a moment. */
export function drawn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, DRAWN_MS_MAX);
    requestAnimationFrame(() => setTimeout(resolve));
  });
}
