import type { Device, Presence } from '#contracts/presence';
import type { Signals } from '#contracts/signals';
import type { Clock, Random } from '#core/clock';
import type { PrincipalId } from '#core/principal';

/** How long another gateway's word holds, and how often each gives it again. */
const HELD_MS = 75_000;
const AGAIN_MS = 30_000;
/** Of one user on one gateway; one message holds them. */
const DEVICES_MAX = 40;
const NAME_CHARS_MAX = 60;

type Message = { from: string; hello: true } | { from: string; principal: PrincipalId; devices: Device[] };

/** The contract is Presence: each gateway tells the others whom it has, when that changes and twice a minute; who is silent is forgotten. */
export function createPresence({
  signals,
  clock,
  random,
}: {
  signals: Signals;
  clock: Clock;
  random: Random;
}): Presence & { close(): void } {
  const self = random(8).toString('hex');
  const own = new Map<PrincipalId, Device[]>();
  /** By user, then by gateway. */
  const others = new Map<PrincipalId, Map<string, { devices: Device[]; until: number }>>();
  const listeners = new Map<PrincipalId, Set<() => void>>();

  const send = (message: Message): void => void signals.publish('presence', JSON.stringify(message)).catch(() => undefined);
  const tell = (principal: PrincipalId): void =>
    send({ from: self, principal, devices: (own.get(principal) ?? []).slice(0, DEVICES_MAX) });
  const changed = (principal: PrincipalId): void => {
    for (const listener of listeners.get(principal) ?? []) listener();
  };

  const unsubscribe = signals.subscribe('presence', (payload) => {
    // The connection was lost, or has just begun: whoever is there says so.
    if (payload === null) return send({ from: self, hello: true });
    const message = JSON.parse(payload) as Message; // of a gateway of ours
    if (message.from === self) return;
    if ('hello' in message) {
      for (const principal of own.keys()) tell(principal);
      return;
    }
    const { from, principal, devices } = message;
    const known = others.get(principal) ?? new Map<string, { devices: Device[]; until: number }>();
    const before = idsOf(known.get(from)?.devices);
    if (devices.length === 0) known.delete(from);
    else known.set(from, { devices, until: performance.now() + HELD_MS });
    if (known.size === 0) others.delete(principal);
    else others.set(principal, known);
    if (idsOf(devices) !== before) changed(principal);
  });
  const timer = setInterval(() => {
    for (const principal of own.keys()) tell(principal);
    for (const [principal, gateways] of others) {
      for (const [gateway, { until }] of gateways) {
        if (performance.now() < until) continue;
        gateways.delete(gateway);
        changed(principal);
      }
      if (gateways.size === 0) others.delete(principal);
    }
  }, AGAIN_MS);
  timer.unref();

  return {
    join(principal, name) {
      const device = { id: random(8).toString('hex'), name: name.slice(0, NAME_CHARS_MAX), since: clock.now() };
      own.set(principal, [...(own.get(principal) ?? []), device]);
      tell(principal);
      changed(principal);
      return () => {
        const left = (own.get(principal) ?? []).filter(({ id }) => id !== device.id);
        if (left.length === 0) own.delete(principal);
        else own.set(principal, left);
        tell(principal);
        changed(principal);
      };
    },
    devices(principal) {
      const elsewhere = [...(others.get(principal)?.values() ?? [])].flatMap(({ devices }) => devices);
      return [...(own.get(principal) ?? []), ...elsewhere].sort((a, b) => a.since - b.since);
    },
    follow(principal, listener) {
      const set = listeners.get(principal) ?? new Set();
      set.add(listener);
      listeners.set(principal, set);
      return () => {
        set.delete(listener);
        if (set.size === 0) listeners.delete(principal);
      };
    },
    close() {
      unsubscribe();
      clearInterval(timer);
    },
  };
}

function idsOf(devices: readonly Device[] | undefined): string {
  return (devices ?? []).map(({ id }) => id).join();
}
