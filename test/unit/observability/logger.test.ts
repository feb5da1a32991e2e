import { expect } from 'chai';
import { createLogger } from '#observability/logger';
import { createMetrics, lastingSnapshot, renderSnapshots } from '#observability/metrics';

describe('the log', () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', stream: { write: (line) => void lines.push(line) } });
  beforeEach(() => void lines.splice(0));

  it('writes one JSON line an event, with what a child adds', () => {
    log.child({ requestId: 'R' }).info({ op: 'GetObject' }, 'request');
    log.debug({}, 'not at this level');
    expect(lines).to.have.length(1);
    const line = JSON.parse(lines[0] ?? '');
    expect(line).to.include({ level: 'info', requestId: 'R', op: 'GetObject', msg: 'request' });
    expect(line.time).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('keeps secrets out, also those in errors', () => {
    log.warn({ password: 'hunter2', headers: { authorization: 'hunter2' }, user: { secretAccessKey: 'hunter2' } }, 'x');
    const err = new Error('no postgres://u:hunter2@h/d', {
      cause: Object.assign(new Error('inner'), { code: 'E', client: 'hunter2' }),
    });
    log.error({ err }, 'x');
    expect(lines.join('')).to.contain('inner').and.not.to.contain('hunter2');
  });
});

describe('metrics', () => {
  it('count requests by protocol, operation and code', async () => {
    const metrics = createMetrics();
    metrics.request('s3', 'GetObject', 200, 0.02, 100, 1000);
    metrics.request('s3', 'GetObject', 200, 0.02, 100, 1000);
    metrics.counter('cloudstore_things_total', 'Things.').add(3);
    const text = await metrics.render();
    expect(text).to.contain('cloudstore_requests_total{protocol="s3",op="GetObject",code="200"} 2');
    expect(text).to.contain('cloudstore_sent_bytes_total{protocol="s3",op="GetObject"} 2000');
    expect(text).to.contain('cloudstore_things_total 3');
    expect(text).to.match(/cloudstore_process_resident_memory_bytes [1-9]/);
  });

  it('stay bounded when an operation is not', async () => {
    const metrics = createMetrics();
    for (let i = 0; i < 1500; i++) metrics.request('s3', `op${i}`, 200, 0, 0, 0);
    const text = await metrics.render();
    expect(text.match(/^cloudstore_requests_total\{/gm)).to.have.length(1001);
    expect(text).to.contain('cloudstore_requests_total{protocol="s3",op="other",code="200"} 500');
  });

  it('of several processes are one text, in which sums stay when a process is gone', async () => {
    const [one, two] = [createMetrics({ process: 1 }), createMetrics({ process: 2 })];
    for (const metrics of [one, two, two]) metrics.request('s3', 'GetObject', 200, 0.02, 100, 1000);
    one.gauge('cloudstore_things_count', 'Each its own.', () => 3);
    two.gauge('cloudstore_things_count', 'Each its own.', () => 4);
    one.gauge('cloudstore_disk_bytes', 'The same for all.', () => 7, 'max');
    two.gauge('cloudstore_disk_bytes', 'The same for all.', () => 7, 'max');
    const snapshots = structuredClone([await one.snapshot(), await two.snapshot()]);
    const text = await renderSnapshots(snapshots);
    expect(text).to.contain('cloudstore_requests_total{protocol="s3",op="GetObject",code="200"} 3');
    expect(text).to.contain('cloudstore_request_duration_seconds_count{protocol="s3",op="GetObject"} 3');
    expect(text).to.contain('cloudstore_things_count 7').and.contain('cloudstore_disk_bytes 7');
    for (const process of [1, 2]) expect(text).to.match(new RegExp(`resident_memory_bytes\\{process="${process}"\\} [1-9]`));
    const departed = await lastingSnapshot([await lastingSnapshot([snapshots[0]!]), snapshots[1]!]);
    const later = await renderSnapshots([departed, await createMetrics({ process: 1 }).snapshot()]);
    expect(later).to.contain('cloudstore_requests_total{protocol="s3",op="GetObject",code="200"} 3');
    expect(later).not.to.contain('cloudstore_things_count');
  });

  it('refuse foreign names', () => {
    expect(() => createMetrics().counter('requests', '')).to.throw(/cloudstore_/);
  });
});
