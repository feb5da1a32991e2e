/** A bound on bytes in flight, first come, first served. More than the bound goes through alone. */
export interface Gate {
  /** Resolves when there is room; what it gives must be called, once, when the bytes are gone. */
  enter(bytes: number): Promise<() => void>;
}

export function createGate(bytesMax: number): Gate {
  let used = 0;
  const waiting: { bytes: number; go(): void }[] = [];

  function leave(bytes: number): void {
    used -= bytes;
    while (waiting.length > 0 && (used === 0 || used + waiting[0]!.bytes <= bytesMax)) {
      const next = waiting.shift()!;
      used += next.bytes;
      next.go();
    }
  }

  return {
    async enter(bytes) {
      if (waiting.length === 0 && (used === 0 || used + bytes <= bytesMax)) used += bytes;
      else await new Promise<void>((go) => waiting.push({ bytes, go }));
      return () => leave(bytes);
    },
  };
}
