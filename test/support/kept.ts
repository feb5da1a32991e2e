/**
 * How to stop what many files share: a gateway, a database server. `setup.ts` stops it when all of them have run, before it looks for what was left behind;
 * where files run side by side, when the one that started it has. Whoever needs it then starts it anew.
 */
export const kept: (() => Promise<unknown>)[] = [];
