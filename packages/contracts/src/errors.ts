import { generalHints } from './hints.ts';

/** Every code a BoxError can carry. Each has its section in docs/reference/errors.md, which a test checks. */
export const errorCodes = [
  // what was asked
  'ERR_BOX_USAGE',
  'ERR_BOX_REFERENCE_INVALID',
  'ERR_BOX_DIGEST_INVALID',
  'ERR_BOX_PLATFORM_INVALID',
  'ERR_BOX_CONFIG_INVALID',
  'ERR_BOX_ABORTED',
  // fetch
  'ERR_BOX_SOURCE_UNKNOWN',
  'ERR_BOX_IMAGE_NOT_FOUND',
  'ERR_BOX_REGISTRY_UNREACHABLE',
  'ERR_BOX_REGISTRY_UNAUTHORIZED',
  'ERR_BOX_REGISTRY_DENIED',
  'ERR_BOX_REGISTRY_LIMITED',
  'ERR_BOX_REGISTRY_FAILED',
  'ERR_BOX_REGISTRY_PROTOCOL',
  'ERR_BOX_CREDENTIALS',
  'ERR_BOX_ARCHIVE_INVALID',
  'ERR_BOX_DIGEST_MISMATCH',
  'ERR_BOX_SIZE_MISMATCH',
  'ERR_BOX_HOST_PROGRAM',
  // manifest
  'ERR_BOX_DOCUMENT_INVALID',
  'ERR_BOX_DOCUMENT_UNSUPPORTED',
  'ERR_BOX_PLATFORM_MISSING',
  // store
  'ERR_BOX_STORE_UNWRITABLE',
  'ERR_BOX_STORE_FULL',
  'ERR_BOX_STORE_VERSION',
  'ERR_BOX_STORE_CORRUPT',
  'ERR_BOX_BLOB_MISSING',
  'ERR_BOX_IMAGE_UNKNOWN',
  'ERR_BOX_CONTAINER_UNKNOWN',
  'ERR_BOX_CONTAINER_STATE',
  'ERR_BOX_NAME_IN_USE',
  'ERR_BOX_NAME_INVALID',
  'ERR_BOX_VOLUME_UNKNOWN',
  'ERR_BOX_VOLUME_IN_USE',
  // layers
  'ERR_BOX_LAYER_INVALID',
  'ERR_BOX_LAYER_UNSAFE',
  'ERR_BOX_LAYER_UNSUPPORTED',
  'ERR_BOX_DIFFID_MISMATCH',
  'ERR_BOX_BUDGET_EXCEEDED',
  'ERR_BOX_EXTRACT_FAILED',
  'ERR_BOX_DIRECTORY_NOT_EMPTY',
  'ERR_BOX_FILE_UNREADABLE',
  // isolation and launch
  'ERR_BOX_BACKEND_UNKNOWN',
  'ERR_BOX_BACKEND_UNAVAILABLE',
  'ERR_BOX_NOT_ENFORCEABLE',
  'ERR_BOX_USER_UNKNOWN',
  'ERR_BOX_COMMAND_EMPTY',
  'ERR_BOX_CONTAINER_SETUP',
  'ERR_BOX_LAUNCH_FAILED',
  'ERR_BOX_NETWORK_FAILED',
  // plugins
  'ERR_BOX_PLUGIN_INVALID',
  // the system
  'ERR_BOX_SYSTEM_CALL',
  'ERR_BOX_INTERNAL',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

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
