/** How to stop what is kept for a whole test run (a gateway that many files share). `setup.ts` stops it before it looks for what was left behind. */
export const kept: (() => Promise<unknown>)[] = [];
