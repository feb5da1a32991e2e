import type { Jobs } from '#contracts/jobs';
import type { Logger } from '#contracts/observability';
import type { Clock } from '#core/clock';

/** After a round, history and then a collection, that found nothing to give back, ms. */
const PAUSE_MS = 10 * 60_000;
const ROUND_MS = 5_000;

export interface RoomMakerDeps {
  jobs: Jobs;
  /** Copies on this disk that are needed by nobody: up to so many bytes of them. Gives how many it were. */
  giveBack(bytes: number): Promise<number>;
  clock: Clock;
  log: Logger;
}

/**
 * Space is short: lets go what lies elsewhere too, and when there is no more of that, collects, then lets the oldest history go (history never makes a write fail) and collects again, and so on until there is
 * room or nothing is left to give. One step at a time; who runs it is the jobs' affair.
 * @returns to be called whenever space is short, with the bytes that are wanted
 */
export function createRoomMaker({ jobs, giveBack, clock, log }: RoomMakerDeps): (wantedBytes: number) => void {
  let last: 'gc' | 'expire-history' = 'expire-history';
  let next = 0;
  /** Whether history was asked since the last rest: what a collection finds says nothing of what lies in it. */
  let asked = false;
  let running = false;

  async function step(wantedBytes: number): Promise<void> {
    if ((await giveBack(wantedBytes)) > 0) return;
    const all = await jobs.list();
    const of = (name: string) => all.find((job) => job.name === name);
    if ([of('gc'), of('expire-history')].some((job) => job !== undefined && job.state !== 'idle')) return;
    const counts = { ...of('expire-history')?.progress?.counts, ...of('gc')?.progress?.counts };
    const { removed = 0, freedBytes = 0 } = counts;
    const barren = last === 'gc' && asked && removed === 0 && freedBytes === 0;
    next = clock.now() + (barren ? PAUSE_MS : ROUND_MS);
    if (barren) {
      last = 'expire-history';
      asked = false;
      return;
    }
    last = last === 'gc' ? 'expire-history' : 'gc';
    if (last === 'expire-history') asked = true;
    log.warn({ wantedBytes, job: last }, 'space is short');
    await jobs.start(last, last === 'gc' ? {} : { urgentBytes: Math.ceil(wantedBytes) });
  }

  return (wantedBytes) => {
    const rest = next - clock.now();
    if (running || (rest > 0 && rest <= PAUSE_MS)) return; // longer: the clock was set back
    running = true;
    void step(wantedBytes)
      .catch((err: unknown) => log.warn({ err }, 'nothing can be done about the space that is short'))
      .finally(() => (running = false));
  };
}
