import { useEffect, useState } from 'preact/hooks';
import { type ApiError, isApiError } from '../api/error.ts';

/** Where the gateway does not say how long. */
const SECONDS = 30;

/** Seconds that are left of a pause that the gateway wants before the next try, counted down; 0: none. */
export interface Wait {
  left: number;
  /** Begins to wait when that is what an error says. */
  begin(error: unknown): boolean;
}

export function useWait(): Wait {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  return {
    left,
    begin(error) {
      if (!isTooMany(error)) return false;
      setLeft(Math.max(1, Math.ceil(error.retryAfterSeconds ?? SECONDS)));
      return true;
    },
  };
}

/** Too much was asked: by the gateway's word, or by that of a proxy before it. */
export function isTooMany(error: unknown): error is ApiError {
  return isApiError(error) && error.status === 429;
}
