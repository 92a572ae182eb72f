import { BoxError, isBoxError, type ErrorCode } from '@boxkit/contracts';

/** An error on its way between threads or processes. */
export interface JobFailure {
  readonly code: string | undefined;
  readonly message: string;
  readonly hint?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

export function toFailure(error: unknown): JobFailure {
  if (isBoxError(error)) {
    const { code, message, hint, fields } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }), fields };
  }
  return { code: undefined, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

export function fromFailure({ code, message, hint, fields }: JobFailure): BoxError {
  return new BoxError((code ?? 'ERR_BOX_INTERNAL') as ErrorCode, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(fields === undefined ? {} : { fields }),
  });
}

/** The worker itself failed, not its job. */
export function workerLost(cause: unknown): BoxError {
  return new BoxError('ERR_BOX_EXTRACT_FAILED', `cannot put the rootfs together: ${String(cause)}`, {
    cause,
    hint: 'Try again; if it happens again, this is a fault of box: please report it.',
  });
}
