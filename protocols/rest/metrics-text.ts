/** One line of Prometheus' text format. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Reads what our own registry wrote: comments are left out, and so is what is no sample. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const match = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)/i.exec(line);
    if (match === null) continue;
    const labels: Record<string, string> = {};
    for (const [, name = '', value = ''] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
    samples.push({ name: match[1]!, labels, value: Number(match[3]) });
  }
  return samples;
}

export interface DoorCounts {
  door: string;
  requests: number;
  clientErrors: number;
  serverErrors: number;
  receivedBytes: number;
  sentBytes: number;
  seconds: { mean: number | null; p50: number | null; p95: number | null; p99: number | null };
}

export interface OperationCounts {
  door: string;
  operation: string;
  requests: number;
  errors: number;
  /** All together. */
  seconds: number;
}

/** What each door did, of the counters that every request goes through. */
export function countsByDoor(samples: Sample[]): { doors: DoorCounts[]; operations: OperationCounts[] } {
  const doors = new Map<string, DoorCounts & { buckets: Map<number, number>; sum: number }>();
  const operations = new Map<string, OperationCounts>();
  for (const { name, labels, value } of samples) {
    const { protocol, op = 'other' } = labels;
    if (protocol === undefined || !name.startsWith('cloudstore_')) continue;
    let door = doors.get(protocol);
    if (door === undefined) {
      const none = { mean: null, p50: null, p95: null, p99: null };
      const zero = { requests: 0, clientErrors: 0, serverErrors: 0, receivedBytes: 0, sentBytes: 0, seconds: none };
      doors.set(protocol, (door = { door: protocol, ...zero, buckets: new Map(), sum: 0 }));
    }
    let operation = operations.get(`${protocol} ${op}`);
    if (operation === undefined) {
      operation = { door: protocol, operation: op, requests: 0, errors: 0, seconds: 0 };
      operations.set(`${protocol} ${op}`, operation);
    }
    switch (name) {
      case 'cloudstore_requests_total': {
        const code = Number(labels.code);
        door.requests += value;
        operation.requests += value;
        if (code >= 500) door.serverErrors += value;
        else if (code >= 400) door.clientErrors += value;
        if (code >= 400) operation.errors += value;
        break;
      }
      case 'cloudstore_received_bytes_total':
        door.receivedBytes += value;
        break;
      case 'cloudstore_sent_bytes_total':
        door.sentBytes += value;
        break;
      case 'cloudstore_request_duration_seconds_sum':
        door.sum += value;
        operation.seconds += value;
        break;
      case 'cloudstore_request_duration_seconds_bucket': {
        const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
        door.buckets.set(le, (door.buckets.get(le) ?? 0) + value);
        break;
      }
    }
  }
  return {
    doors: [...doors.values()].map(({ buckets, sum, ...door }) => ({
      ...door,
      seconds: {
        mean: door.requests === 0 ? null : sum / door.requests,
        p50: quantile(buckets, 0.5),
        p95: quantile(buckets, 0.95),
        p99: quantile(buckets, 0.99),
      },
    })),
    operations: [...operations.values()].filter(({ requests }) => requests > 0).sort((a, b) => b.requests - a.requests),
  };
}

/** Within the bucket that it falls into, evenly spread, as Prometheus' histogram_quantile; beyond the last one, its lower end. */
function quantile(cumulative: Map<number, number>, share: number): number | null {
  const bounds = [...cumulative.entries()].sort(([a], [b]) => a - b);
  const total = bounds.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const rank = share * total;
  let [lower, before] = [0, 0];
  for (const [bound, count] of bounds) {
    if (count >= rank) {
      if (!Number.isFinite(bound)) return lower;
      return lower + ((bound - lower) * (rank - before)) / Math.max(1, count - before);
    }
    [lower, before] = [bound, count];
  }
  return lower;
}
