/** Work on one name waits for the work on it that began before, however that ends; other names go on beside it. */
export function createOneAtATime(): (name: string, work: () => Promise<void>) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  return async (name, work) => {
    while (running.has(name)) await running.get(name)!.catch(() => {}); // whoever began it hears of it
    const begun = work();
    running.set(name, begun);
    try {
      await begun;
    } finally {
      running.delete(name);
    }
  };
}
