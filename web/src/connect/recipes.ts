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
  const folder = `${webdav}${encodeURIComponent(bucket)}/`;
  const dav = folder.replace(/^http/, 'dav');
  const kde = folder.replace(/^http/, 'webdav');
  const unc = folder
    .replace(
      /^(https?):\/\/([^/:]+)(?::(\d+))?\//,
      (_all, scheme: string, host: string, port = '') =>
        `\\\\${host}${scheme === 'https' ? '@SSL' : ''}${port === '' ? '' : `@${port}`}\\`,
    )
    .replaceAll('/', '\\');
  const keys = `export AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey} AWS_DEFAULT_REGION=us-east-1`;
  return [
    {
      id: 'windows',
      name: 'Windows',
      by: 'webdav',
      steps: [
        {
          text: 'connect.windowsRclone',
          command: `winget install Rclone.Rclone WinFsp.WinFsp\nrclone config create cloudstore webdav url=${webdav} vendor=other user=${user} pass=${password} --obscure\nrclone mount cloudstore:${bucket} X: --vfs-cache-mode writes`,
        },
        { text: 'connect.windowsNet', command: `net use X: ${unc} /user:${user} ${password}` },
      ],
    },
    { id: 'macos', name: 'macOS', by: 'webdav', steps: [{ text: 'connect.macos', command: folder }] },
    {
      id: 'gnome',
      name: 'GNOME',
      by: 'webdav',
      steps: [{ text: 'connect.gnome', command: dav }, { command: `gio mount ${quote(dav)}` }],
    },
    { id: 'kde', name: 'KDE', by: 'webdav', steps: [{ text: 'connect.kde', command: kde }] },
    {
      id: 'davfs2',
      name: 'davfs2',
      by: 'webdav',
      steps: [{ text: 'connect.davfs2', command: `sudo mount -t davfs ${quote(folder)} /mnt` }],
    },
    {
      id: 'rclone-mount',
      name: 'rclone mount',
      by: 'webdav',
      steps: [
        {
          command: `rclone config create --obscure cloudstore webdav url=${webdav} vendor=other user=${quote(user)} pass=${quote(password)}`,
        },
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
      steps: [{ command: keys }, { command: `aws --endpoint-url ${s3} s3 ls s3://${bucket}/` }],
    },
    {
      id: 's3cmd',
      name: 's3cmd',
      by: 's3',
      steps: [
        {
          command: `s3cmd --access_key=${accessKeyId} --secret_key=${secretAccessKey} --host=${s3.replace(/^https?:\/\//, '')} --host-bucket=${s3.replace(/^https?:\/\//, '')}${s3.startsWith('https') ? '' : ' --no-ssl'} ls s3://${bucket}/`,
        },
      ],
    },
    {
      id: 'restic',
      name: 'restic',
      by: 's3',
      steps: [
        { command: keys },
        { command: `restic -r s3:${s3}/${bucket}/restic init` },
        { command: `restic -r s3:${s3}/${bucket}/restic backup ~/Documents` },
      ],
    },
    { id: 'nextcloud', name: 'Nextcloud', by: 'webdav', steps: [{ text: 'connect.nextcloud', command: origin }] },
  ];
}
