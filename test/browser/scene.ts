import type { Page } from 'playwright-core';
import type { Stage } from './browser.ts';

/** Names that strangers choose to do harm: markup, templates, control and direction characters, dots, and sheer length. */
export const HOSTILE = [
  '<img src=x onerror="window.hacked=1">.png',
  '"><script>window.hacked=1</script>.txt',
  '{{constructor.constructor("window.hacked=1")()}}.md',
  "';window.hacked=1;'.json",
  'javascript:window.hacked=1',
  'invoice\u202efdp.exe',
  '%2e%2e%2fescape.txt',
  `${'long '.repeat(45)}.pdf`,
];

/** Of a folder, which stands in the way to what is below and in the places of shares. */
export const HOSTILE_FOLDER = '<b onclick="window.hacked=1">\u202e{{1}}';

/** A gateway with something on every page. */
export interface Scene {
  linkToken: string;
  lockedToken: string;
  dropToken: string;
  hostileToken: string;
}

/** Who looks at it: its owner, and a stranger with a phone. */
export interface Shown {
  stage: Stage;
  scene: Scene;
  page: Page;
  stranger: Page;
  /** By a place of `pagesOf`; gives whoever sees it. */
  show(place: string): Promise<Page>;
}

export async function setScene(stage: Stage): Promise<Scene> {
  const put = async (key: string, body: BodyInit = '', type = 'text/plain'): Promise<void> => {
    const path = `/files/home/${key.split('/').map(encodeURIComponent).join('/')}`;
    const answer = await stage.api('PUT', path, body, { 'Content-Type': type });
    if (!answer.ok) throw new Error(`${key}: ${await answer.text()}`);
  };
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await stage.api('POST', path, JSON.stringify(body), { 'Content-Type': 'application/json' });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.status === 204 ? {} : ((await answer.json()) as Record<string, unknown>);
  };
  for (const folder of ['Backups', 'Documents', 'Music', 'Photos', 'Projects']) await put(`${folder}/`);
  await put('Documents/Rental contract.pdf', 'x'.repeat(240_000), 'application/pdf');
  await put(
    'Documents/Letter to the landlord.md',
    '# Letter\n\nDear **Ms. Weber**,\n\nthank you for the new boiler.\n\n- It is quiet.\n- It is warm.\n',
    'text/markdown',
  );
  await put('Documents/Hello.pdf', tinyPdf('Hello'), 'application/pdf');
  await put('Documents/Budget 2027.xlsx', 'x'.repeat(48_213));
  await put('holiday.mp4', 'x'.repeat(2_800_000), 'video/mp4');
  await put('notes.txt', 'Milk, bread, and a new bicycle bell.\n'.repeat(30));
  await put(
    'server.ts',
    "import { createServer } from 'node:http';\n\n/** Says hello. */\nexport function hello(name: string): string {\n  return 'Hello, ' + name;\n}\n\ncreateServer((_req, res) => res.end(hello('world'))).listen(8080);\n",
  );
  for (const [index, name] of ['Beach', 'City', 'Forest', 'Harbour', 'Lake', 'Mountain', 'Village', 'Winter'].entries())
    await put(`Photos/${name}.svg`, picture(index), 'image/svg+xml');
  for (const name of HOSTILE) await put(`Hostile/${name}`, '<script>window.hacked=1</script>', 'text/html');
  await put(`Hostile/${HOSTILE_FOLDER}/${HOSTILE[0]}`, 'x');
  await setHistory(stage, put);
  const link = await post('/links', { bucket: 'home', key: 'Photos/', mode: 'download', label: 'Our holiday' });
  const locked = await post('/links', { bucket: 'home', key: 'Documents/', password: 'open sesame' });
  const drop = await post('/links', { bucket: 'home', key: 'Backups/', mode: 'drop' });
  const hostile = HOSTILE[0] ?? '';
  await post('/users', { name: 'berta', role: 'member', password: 'a password of berta', quotaBytes: 50e9 });
  await post('/users', { name: 'carl', role: 'guest', password: 'a password of carl' });
  await post('/groups', { name: 'family', members: ['berta', 'carl'] });
  const grant = (place: string, body: object) =>
    stage.api('PUT', `/access/${place}`, JSON.stringify(body), { 'Content-Type': 'application/json' });
  await grant('home/', { kind: 'user', name: 'carl', role: 'viewer' });
  await grant('home/Photos/', { kind: 'group', name: 'family', role: 'editor' });
  await grant('home-berta/', { kind: 'user', name: 'admin', role: 'editor' });
  await post('/credentials', { kind: 's3', name: 'nightly backup', scope: { places: [{ bucket: 'home', prefix: 'Backups/' }] } });
  await post('/credentials', { kind: 'app-password', name: hostile });
  await post('/credentials', { kind: 's3', name: 'old laptop', user: 'berta' });
  const named = await post('/links', { bucket: 'home', key: 'Hostile/', label: hostile });
  const below = `home-berta/${encodeURIComponent(HOSTILE_FOLDER)}/`;
  await stage.api('PUT', `/files/${below}`);
  await grant(below, { kind: 'user', name: 'admin', role: 'viewer' });
  await post('/backups', { to: `${stage.gateway.dataDir}-backups` });
  await post('/system/scrub', {});
  for (const job of ['backup', 'scrub'])
    for (let state = ''; state !== 'idle'; )
      ({ state } = (await (await stage.api('GET', `/jobs/${job}`)).json()) as { state: string });
  return {
    linkToken: String(link.token),
    lockedToken: String(locked.token),
    dropToken: String(drop.token),
    hostileToken: String(named.token),
  };
}

/** Files that were something else before, and deleted ones. */
async function setHistory(stage: Stage, put: (key: string, body: string, type?: string) => Promise<void>): Promise<void> {
  await put('notes.txt', 'Milk, bread.\n');
  await put('notes.txt', 'Milk, bread, and a new bicycle bell.\n'.repeat(31));
  for (const name of ['old draft.md', 'photo of the boiler.jpg', HOSTILE[0] ?? '']) await put(`Documents/${name}`, 'gone');
  await put('Old flat/lease.txt', 'gone');
  for (const name of ['old draft.md', 'photo of the boiler.jpg', HOSTILE[0] ?? ''])
    await stage.api('DELETE', `/files/home/Documents/${encodeURIComponent(name)}`);
  await stage.api('DELETE', '/files/home/Old%20flat/?recursive=true');
  await put('thrown away.txt', 'gone');
  await stage.api('DELETE', '/files/home/thrown%20away.txt');
}

/** Every page by the name of its picture: places within the page, and whole addresses of links. */
export function pagesOf(scene: Scene): Record<string, string> {
  return {
    drive: '#/drive/home/',
    folder: '#/drive/home/Documents/',
    hostile: '#/drive/home/Hostile/',
    'hostile-folder': `#/drive/home/Hostile/${encodeURIComponent(HOSTILE_FOLDER)}/`,
    empty: '#/drive/home/Music/',
    markdown: '#/drive/home/Documents/?open=Letter%20to%20the%20landlord.md',
    code: '#/drive/home/?open=server.ts',
    picture: '#/drive/home/Photos/?open=Lake.svg',
    gone: '#/drive/home/Nowhere/',
    search: '#/search',
    shared: '#/shared',
    links: '#/links',
    trash: '#/trash/home',
    'trash-folder': '#/trash/home/Documents/',
    'trash-empty': '#/trash/home/Music/',
    connect: '#/connect',
    claim: '#/claim/nothing-here',
    account: '#/account',
    dashboard: '#/admin/dashboard',
    buckets: '#/admin/buckets',
    bucket: '#/admin/buckets/home',
    users: '#/admin/users',
    groups: '#/admin/groups',
    user: '#/admin/users/carl',
    alerts: '#/admin/alerts',
    backups: '#/admin/backups',
    keys: '#/admin/keys',
    doctor: '#/admin/doctor',
    audit: '#/admin/audit',
    trace: '#/admin/trace',
    jobs: '#/admin/jobs',
    storage: '#/admin/storage',
    settings: '#/admin/settings',
    'public-folder': `s/${scene.linkToken}`,
    'public-locked': `s/${scene.lockedToken}`,
    'public-drop': `s/${scene.dropToken}`,
    'public-hostile': `s/${scene.hostileToken}`,
    'public-gone': 's/nothing-here',
  };
}

function picture(index: number): string {
  const hue = (index * 47 + 25) % 360;
  const sun = 30 + ((index * 37) % 100);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 120"><defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="hsl(${hue} 55% 62%)"/><stop offset="1" stop-color="hsl(${(hue + 40) % 360} 70% 86%)"/></linearGradient></defs><rect width="160" height="120" fill="url(#s)"/><circle cx="${sun}" cy="34" r="13" fill="#fff4c9"/><path d="M0 92 L${30 + index * 4} 48 L${78 + index * 3} 90 L118 62 L160 96 V120 H0Z" fill="hsl(${(hue + 180) % 360} 28% 40%)"/><path d="M0 104 Q60 88 160 108 V120 H0Z" fill="hsl(${(hue + 150) % 360} 32% 28%)"/></svg>`;
}

/** A page with a word on it. */
export function tinyPdf(text: string): string {
  const content = `BT /F1 60 Tf 60 600 Td (${text}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let out = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = out.length;
    out += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  return `${out}xref\n0 6\n0000000000 65535 f \n${offsets.join('')}trailer << /Size 6 /Root 1 0 R >>\nstartxref\n${out.length}\n%%EOF\n`;
}
