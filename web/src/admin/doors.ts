/** As people call the protocols that requests come by. */
export const DOORS: Record<string, string> = {
  s3: 'S3',
  webdav: 'WebDAV',
  rest: 'REST',
  web: 'Web',
  ws: 'WebSocket',
  cli: 'CLI',
};

export const doorChoices = (names: readonly string[]): { value: string; label: string }[] =>
  names.map((value) => ({ value, label: DOORS[value] ?? value }));
