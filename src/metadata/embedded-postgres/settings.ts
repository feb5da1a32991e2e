/**
 * Given on the command line at every start, so that they go with the code and not with the cluster.
 * Durability is never traded: fsync, full_page_writes and synchronous_commit stay at their safe defaults, and are named so that
 * nobody wonders.
 */
export const SERVER_SETTINGS: Record<string, string> = {
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
  min_wal_size: '128MB',
  max_wal_size: '1GB',
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
