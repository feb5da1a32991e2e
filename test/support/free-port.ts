import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what Linux (32768) and others (49152) give by themselves: to whoever asks for any port, and to every connection that goes out. */
const [LOWEST, HIGHEST] = [12_000, 32_000];

/** A port of this machine that is free now, and that nobody gets who does not ask for this one: it is still free when the program that it is for comes up. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
  throw new Error('No port is free.');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
