/**
 * Given on the command line at every start, so that they go with the code and not with the cluster.
 * Durability is never traded: fsync, full_page_writes and synchronous_commit stay at their safe defaults, and are named so that
 * nobody wonders.
 */
const SETTINGS: Record<string, string> = {
  listen_addresses: '',
  port: '5432', // only names the socket's file
  unix_socket_permissions: '0700',
  max_connections: '100', // a pool of 3 to 8 for each of up to 16 processes, the CLI, and room
  superuser_reserved_connections: '0', // the gateway's role is the superuser of this private server
  shared_buffers: '96MB',
  effective_cache_size: '512MB',
  maintenance_work_mem: '64MB',
  work_mem: '8MB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  wal_level: 'minimal', // nobody replicates from it: backups are logical
  max_wal_senders: '0',
  checkpoint_timeout: '10min',
  checkpoint_completion_target: '0.9',
  max_parallel_workers_per_gather: '0', // a PC has other things to do, and /dev/shm of a container is small
  autovacuum_naptime: '20s',
  autovacuum_max_workers: '2',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
  update_process_title: 'off',
  cluster_name: 'cloudstore',
};

const MIB = 2 ** 20;
/** Of the disk. */
const LOG_SHARE = 1 / 40;
/** Fewer segments of 16 MiB it does not do with. */
const LOG_BYTES_MIN = 64 * MIB;
const LOG_BYTES_MAX = 1024 * MIB;
const LOG_KEPT_BYTES_MAX = 128 * MIB;

/** @param diskBytes size of the disk of the cluster: on a small one the log keeps within what is kept free there */
export function serverSettings(diskBytes: number): Record<string, string> {
  const most = Math.min(LOG_BYTES_MAX, Math.max(LOG_BYTES_MIN, diskBytes * LOG_SHARE));
  const megabytes = (bytes: number): string => `${Math.floor(bytes / MIB)}MB`;
  return { ...SETTINGS, min_wal_size: megabytes(Math.min(LOG_KEPT_BYTES_MAX, most)), max_wal_size: megabytes(most) };
}
