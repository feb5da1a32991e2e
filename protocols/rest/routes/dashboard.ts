import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import { countsByDoor, parseMetrics } from '../metrics-text.ts';
import { isoTime } from '../represent.ts';
import { jobJson } from '../represent-job.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/system.ts';
import { storeJson } from './disks.ts';

const FILES_MAX = 1_000;
const SCRUBS_MAX = 50;

/** What an admin's dashboard shows of the whole gateway. */
export const dashboardRoutes = [
  route({
    method: 'get',
    path: '/system/health',
    operation: 'Health',
    actions: ['admin'],
    summary: 'How each part of the gateway is, and what to do where something is wrong. For admins.',
    answers: { 200: { description: 'Also when the gateway is not ready.', schema: schema.Health } },
    async handle({ deps, res, who }) {
      sendJson(res, 200, await forAdmins(who, deps.system).health());
    },
  }),
  route({
    method: 'get',
    path: '/system/stats',
    operation: 'Stats',
    actions: ['admin'],
    summary: 'Requests, bytes and latency by door, and what deduplication and compression saved. For admins.',
    answers: { 200: { description: 'Counters since the start of the gateway.', schema: schema.Stats } },
    async handle({ deps, res, who }) {
      const system = forAdmins(who, deps.system);
      const space = await forAdmins(who, deps.space).report();
      const samples = parseMetrics(await system.metrics());
      const sum = (name: string): number =>
        samples.filter((sample) => sample.name === name).reduce((total, { value }) => total + value, 0);
      const disk = system.disk();
      sendJson(res, 200, {
        time: isoTime(deps.clock.now()),
        started: isoTime(system.startedMs),
        ...countsByDoor(samples),
        space,
        savedBytes: {
          dedupe: Math.max(0, space.bytes + space.historyBytes - space.uniqueBytes),
          compression: Math.max(0, space.uniqueBytes - space.storedBytes),
        },
        disk: { freeBytes: disk.free, minFreeBytes: disk.minFree },
        connections: sum('cloudstore_connections_count'),
        process: {
          residentBytes: sum('cloudstore_process_resident_memory_bytes'),
          heapBytes: sum('cloudstore_process_heap_bytes'),
          eventLoopLagSeconds: sum('cloudstore_event_loop_lag_seconds'),
        },
      });
    },
  }),
  route({
    method: 'get',
    path: '/system/load',
    operation: 'LoadHistory',
    actions: ['admin'],
    summary: 'What went over this gateway in minutes, quarters of hours and days, and how full it was. For admins.',
    answers: { 200: { description: 'Finest first; each oldest first.', schema: schema.LoadHistory } },
    async handle({ deps, res, who }) {
      const series = await forAdmins(who, deps.system).load.series();
      const shown = series.map(({ stepSeconds, samples }) => ({
        stepSeconds,
        samples: samples.map((sample) => ({ ...sample, at: isoTime(sample.at) })),
      }));
      sendJson(res, 200, { series: shown });
    },
  }),
  route({
    method: 'get',
    path: '/system/settings',
    operation: 'Settings',
    actions: ['admin'],
    summary: 'Every setting and where it was set; secrets are hidden. For admins.',
    answers: { 200: { description: 'In the order of the documentation.', schema: schema.Settings } },
    async handle({ deps, res, who }) {
      const { settings, settingsFile } = forAdmins(who, deps.system);
      const all = settings().map((one) => ({ ...one, isDefault: one.source === 'default' }));
      sendJson(res, 200, { file: settingsFile, settings: all });
    },
  }),
  route({
    method: 'get',
    path: '/system/storage',
    operation: 'StorageHealth',
    actions: ['admin'],
    summary: 'The last scrub, what is in quarantine and the files that it hurts, and where packs lie. For admins.',
    answers: { 200: { description: 'As far as is known.', schema: schema.StorageHealth } },
    async handle({ deps, res, who }) {
      const system = forAdmins(who, deps.system);
      const integrity = forAdmins(who, deps.integrity);
      const [report, stores, jobs, scrubs] = await Promise.all([
        integrity.report(),
        forAdmins(who, deps.disks).list(),
        forAdmins(who, deps.jobs).list(),
        system.scrubs(SCRUBS_MAX),
      ]);
      const files = report.damaged === 0 ? [] : await integrity.hurt(FILES_MAX);
      const job = (name: string) => {
        const found = jobs.find((one) => one.name === name);
        return found === undefined ? null : jobJson(found);
      };
      const disk = system.disk();
      const { lastScrub } = report;
      sendJson(res, 200, {
        ok: report.damaged === 0,
        lastScrub: lastScrub && { ...lastScrub, started: isoTime(lastScrub.started), ended: isoTime(lastScrub.ended) },
        scrub: job('scrub'),
        drain: job('drain'),
        scrubs: scrubs.map(({ id, startedMs, endedMs, outcome, message, report: { counts } }) => ({
          id,
          started: isoTime(startedMs),
          ended: isoTime(endedMs),
          outcome,
          message,
          counts: (counts ?? {}) as Record<string, number>, // as scrub-job.ts wrote it
        })),
        damagedCount: report.damaged,
        damaged: report.damage.map(({ kind, subject, reason, found }) => ({ kind, subject, reason, found: isoTime(found) })),
        files: files.map(({ bucketName: bucket, key, version, current, size }) => ({ bucket, key, version, current, size })),
        stores: stores.map(storeJson),
        disk: { freeBytes: disk.free, minFreeBytes: disk.minFree },
      });
    },
  }),
];
