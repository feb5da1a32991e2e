import type { MessageKey } from '../i18n/index.ts';

/** What a device needs to know to connect. */
export interface Access {
  user: string;
  password: string;
  accessKeyId: string;
  secretAccessKey: string;
  bucket: string;
  /** The only folder of it that may be reached, with `/` at its end; empty: all of it. */
  folder: string;
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

const PLAIN = /^[\w./:@-]+$/;
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
/** As shells take it, and as PowerShell does. */
const shell = (text: string): string => (PLAIN.test(text) ? text : quote(text));
const powerShell = (text: string): string => (PLAIN.test(text) ? text : `'${text.replaceAll("'", "''")}'`);

/** Of the drive, as a client asks for it: ends in `/`. */
export function driveAddress({ webdav, bucket, folder }: Pick<Access, 'webdav' | 'bucket' | 'folder'>): string {
  return webdav + [bucket, ...folder.split('/')].map(encodeURIComponent).join('/');
}

/** The exact steps for each client, with the values of this very device. */
export function recipes(access: Access): Recipe[] {
  const { user, password, accessKeyId, secretAccessKey, bucket, folder, webdav, s3, origin } = access;
  const bare = s3.replace(/^https?:\/\//, '');
  const whole = folder === '';
  const drive = driveAddress(access);
  const dav = drive.replace(/^http/, 'dav');
  const kde = drive.replace(/^http/, 'webdav');
  const remote = `cloudstore:${bucket}${whole ? '' : `/${folder.slice(0, -1)}`}`;
  const objects = shell(`s3://${bucket}/${folder}`);
  const repository = shell(`s3:${s3}/${bucket}/${folder}restic`);
  const unc = uncOf(access);
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
          command: `winget install Rclone.Rclone WinFsp.WinFsp\nrclone config create cloudstore webdav url=${webdav} vendor=owncloud user=${user}\n$p = Read-Host 'App password' -AsSecureString\n$env:RCLONE_CONFIG_CLOUDSTORE_PASS = [Net.NetworkCredential]::new('', $p).Password | rclone obscure -\nrclone mount ${powerShell(remote)} X: --vfs-cache-mode writes`,
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
        { text: 'connect.macos', command: drive },
        { text: 'connect.terminal', command: `mkdir -p ~/cloudstore && mount_webdav -i ${quote(drive)} ~/cloudstore` },
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
        { text: 'connect.davfs2', command: `sudo mount -t davfs -o uid=$(id -u) ${quote(drive)} /mnt/cloudstore` },
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
        { command: `rclone mount ${shell(remote)} ~/cloudstore --vfs-cache-mode writes` },
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
        { command: whole ? 'rclone lsd cloudstore:' : `rclone ls ${shell(remote)}` },
      ],
    },
    {
      id: 'aws',
      name: 'aws-cli',
      by: 's3',
      steps: [{ command: readKey }, askedSecret, { command: `aws --endpoint-url ${s3} s3 ls ${objects}` }],
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
        { command: `chmod 600 ~/.s3cfg && s3cmd ls ${objects}` },
      ],
    },
    {
      id: 'restic',
      name: 'restic',
      by: 's3',
      steps: [
        { command: readKey },
        askedSecret,
        { ...(whole ? {} : { text: 'connect.resticFolder' as const }), command: `restic -r ${repository} init` },
        { command: `restic -r ${repository} backup ~/Documents` },
      ],
    },
    {
      id: 'nextcloud',
      name: 'Nextcloud',
      by: 'webdav',
      steps: whole
        ? [
            { text: 'connect.nextcloud', command: origin },
            { text: 'connect.terminal', command: `nextcloudcmd --user ${quote(user)} ~/cloudstore ${origin}` },
            askedPassword,
          ]
        : [{ text: 'connect.nextcloudWhole' }],
    },
  ];
}

/** Windows takes names as they are, and no slash at the end. */
function uncOf({ webdav, bucket, folder }: Access): string {
  const { protocol, hostname, port } = new URL(webdav);
  const host = `${hostname}${protocol === 'https:' ? '@SSL' : ''}${port === '' ? '' : `@${port}`}`;
  const path = `\\\\${host}/dav/${bucket}/${folder}`.replace(/\/$/, '').replaceAll('/', '\\');
  return /\s/.test(path) ? `"${path}"` : path;
}
