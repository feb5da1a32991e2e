/** Whether only this machine gets to a host of this name. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127\..*|\[::1\])$/.test(hostname);
}
