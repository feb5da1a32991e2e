/**
 * In place of what makes pictures small: a picture that says `for ever` is never made, of others it tells the process that made them. Asked to end it
 * takes its time, and makes nothing any more.
 */
let ends = false;

process.on('SIGTERM', () => {
  ends = true;
  setTimeout(() => process.exit(), 300);
});
process.on('message', ({ id, image }: { id: number; image: Uint8Array }) => {
  if (!ends && Buffer.from(image).toString() !== 'for ever') process.send?.({ id, thumbnail: Buffer.from(`${process.pid}`) });
});
process.on('disconnect', () => process.exit());
process.send?.({ id: 0, thumbnail: null });
