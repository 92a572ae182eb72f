import type { ErrorCode } from './error-codes.ts';
import { generalHints } from './hints.ts';

export interface BoxErrorOptions {
  /** What to do about it, as one sentence; the code's general one when left out. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Data for programs: digests, status, path. Never a secret: they end in logs. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The one error class that box throws; `message` says what was being done to what, and why it failed. */
export class BoxError extends Error {
  override readonly name: string = 'BoxError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: BoxErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? generalHints[code];
    this.fields = options.fields ?? {};
  }

  /** What crosses a process or a thread: no stack, no cause. */
  toJSON(): { code: ErrorCode; message: string; hint?: string; fields: Readonly<Record<string, unknown>> } {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      fields: this.fields,
    };
  }
}

/** Whether `error` is a BoxError, with the given code if one is named. Works across copies of this package. */
export function isBoxError(error: unknown, code?: ErrorCode): error is BoxError {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  if (!error.code.startsWith('ERR_BOX_')) return false;
  return code === undefined || error.code === code;
}
