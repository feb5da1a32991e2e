/** Seals bytes for this installation's own use, under a key that hangs on the master key. What was sealed before that changed opens no more. */
export interface Seal {
  /** `about` is not kept; opening needs the same. */
  seal(plain: Uint8Array, about: string): Buffer;
  /** null: sealed under another key, about something else, or not by us. */
  open(sealed: Uint8Array, about: string): Buffer | null;
}
