import { ApiError } from '../../../clients/typescript/index.ts';

export { ApiError };

export function isApiError(error: unknown, ...codes: string[]): error is ApiError {
  return error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));
}
