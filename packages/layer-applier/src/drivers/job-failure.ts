import { BoxError, isBoxError, isSystemError, type ErrorCode } from '@boxkit/contracts';

/** An error on its way between threads or processes. */
export interface JobFailure {
  readonly code: string | undefined;
  readonly message: string;
  readonly hint?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Of an error that nobody foresaw. */
  readonly stack?: string;
}

export function toFailure(error: unknown): JobFailure {
  if (isBoxError(error)) {
    const { code, message, hint, fields } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }), fields };
  }
  if (isSystemError(error)) {
    return { code: 'ERR_BOX_SYSTEM_CALL', message: `cannot put the rootfs together: ${error.message}` };
  }
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  return { code: undefined, message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) };
}

export function fromFailure({ code, message, hint, fields, stack }: JobFailure): BoxError {
  return new BoxError((code ?? 'ERR_BOX_INTERNAL') as ErrorCode, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(fields === undefined ? {} : { fields }),
    ...(stack === undefined ? {} : { cause: Object.assign(new Error(message), { stack }) }),
  });
}

/** The worker itself failed, not its job. */
export function workerLost(cause: unknown): BoxError {
  return new BoxError('ERR_BOX_EXTRACT_FAILED', `cannot put the rootfs together: ${String(cause)}`, {
    cause,
    hint: 'Try again; if it happens again, this is a fault of box: please report it.',
  });
}
