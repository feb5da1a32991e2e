import type { MessageKey } from '../i18n/index.ts';

/** What a device needs to know to connect. */
export interface Access {
  user: string;
  password: string;
  accessKeyId: string;
  secretAccessKey: string;
  bucket: string;
  /** Ends in `/dav/`. */
  webdav: string;
  s3: string;
  /** Of the page itself. */
  origin: string;
}

export interface Recipe {
  id: string;
  name: string;
  /** What kind of access it goes by. */
  by: 's3' | 'webdav';
  steps: { text?: MessageKey; command?: string }[];
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The exact steps for each client, with the values of this very device. */
export function recipes({ user, password, accessKeyId, secretAccessKey, bucket, webdav, s3, origin }: Access): Recipe[] {
  const bare = s3.replace(/^https?:\/\//, '');
  const folder = `${webdav}${encodeURIComponent(bucket)}/`;
  const dav = folder.replace(/^http/, 'dav');
  const kde = folder.replace(/^http/, 'webdav');
  // Windows takes no slash at the end of a share's name.
  const unc = folder
    .replace(/\/$/, '')
    .replace(
      /^(https?):\/\/([^/:]+)(?::(\d+))?\//,
      (_all, scheme: string, host: string, port = '') =>
        `\\\\${host}${scheme === 'https' ? '@SSL' : ''}${port === '' ? '' : `@${port}`}\\`,
    )
    .replaceAll('/', '\\');
  // Programs ask for what they need, or read it from where a shell keeps no history of it: a secret in an argument can be read by every process.
  const readKey = `export AWS_ACCESS_KEY_ID=${accessKeyId} AWS_DEFAULT_REGION=us-east-1
read -rsp 'Secret access key: ' AWS_SECRET_ACCESS_KEY; export AWS_SECRET_ACCESS_KEY`;
  const askedSecret = { text: 'connect.askedKey' as const, command: secretAccessKey };
  const askedPassword = { text: 'connect.askedPassword' as const, command: password };
  return [
    {
      id: 'windows',
      name: 'Windows',
      by: 'webdav',
      steps: [
        {
          text: 'connect.windowsRclone',
          command: `winget install Rclone.Rclone WinFsp.WinFsp\nrclone config create cloudstore webdav url=${webdav} vendor=owncloud user=${user}\n$p = Read-Host 'App password' -AsSecureString\n$env:RCLONE_CONFIG_CLOUDSTORE_PASS = [Net.NetworkCredential]::new('', $p).Password | rclone obscure -\nrclone mount cloudstore:${bucket} X: --vfs-cache-mode writes`,
        },
        askedPassword,
        { text: 'connect.windowsNet', command: `net use X: ${unc} /user:${user} *` },
      ],
    },
    {
      id: 'macos',
      name: 'macOS',
      by: 'webdav',
      steps: [
        { text: 'connect.macos', command: folder },
        { text: 'connect.terminal', command: `mkdir -p ~/cloudstore && mount_webdav -i ${quote(folder)} ~/cloudstore` },
        askedPassword,
      ],
    },
    {
      id: 'gnome',
      name: 'GNOME',
      by: 'webdav',
      steps: [
        { text: 'connect.gnome', command: dav },
        { text: 'connect.terminal', command: `gio mount ${quote(dav)}` },
        askedPassword,
      ],
    },
    {
      id: 'kde',
      name: 'KDE',
      by: 'webdav',
      steps: [
        { text: 'connect.kde', command: kde },
        { text: 'connect.terminal', command: `dolphin ${quote(kde)}` },
        askedPassword,
      ],
    },
    {
      id: 'davfs2',
      name: 'davfs2',
      by: 'webdav',
      steps: [
        { text: 'connect.terminal', command: 'sudo apt install davfs2 && sudo mkdir -p /mnt/cloudstore' },
        { text: 'connect.davfs2', command: `sudo mount -t davfs -o uid=$(id -u) ${quote(folder)} /mnt/cloudstore` },
        askedPassword,
      ],
    },
    {
      id: 'rclone-mount',
      name: 'rclone mount',
      by: 'webdav',
      steps: [
        {
          command: `rclone config create cloudstore webdav url=${webdav} vendor=owncloud user=${quote(user)}\nread -rsp 'App password: ' p\nexport RCLONE_CONFIG_CLOUDSTORE_PASS=$(printf %s "$p" | rclone obscure -); unset p`,
        },
        askedPassword,
        { command: `rclone mount cloudstore:${bucket} ~/cloudstore --vfs-cache-mode writes` },
      ],
    },
    {
      id: 'rclone-conf',
      name: 'rclone.conf (S3)',
      by: 's3',
      steps: [
        {
          text: 'connect.rcloneConf',
          command: `[cloudstore]\ntype = s3\nprovider = Other\nendpoint = ${s3}\naccess_key_id = ${accessKeyId}\nsecret_access_key = ${secretAccessKey}`,
        },
        { command: `rclone lsd cloudstore:` },
      ],
    },
    {
      id: 'aws',
      name: 'aws-cli',
      by: 's3',
      steps: [{ command: readKey }, askedSecret, { command: `aws --endpoint-url ${s3} s3 ls s3://${bucket}/` }],
    },
    {
      id: 's3cmd',
      name: 's3cmd',
      by: 's3',
      steps: [
        {
          text: 'connect.s3cfg',
          command: `[default]\naccess_key = ${accessKeyId}\nsecret_key = ${secretAccessKey}\nhost_base = ${bare}\nhost_bucket = ${bare}\nuse_https = ${s3.startsWith('https') ? 'True' : 'False'}`,
        },
        { command: `chmod 600 ~/.s3cfg && s3cmd ls s3://${bucket}/` },
      ],
    },
    {
      id: 'restic',
      name: 'restic',
      by: 's3',
      steps: [
        { command: readKey },
        askedSecret,
        { command: `restic -r s3:${s3}/${bucket}/restic init` },
        { command: `restic -r s3:${s3}/${bucket}/restic backup ~/Documents` },
      ],
    },
    {
      id: 'nextcloud',
      name: 'Nextcloud',
      by: 'webdav',
      steps: [
        { text: 'connect.nextcloud', command: origin },
        { text: 'connect.terminal', command: `nextcloudcmd --user ${quote(user)} ~/cloudstore ${origin}` },
        askedPassword,
      ],
    },
  ];
}
