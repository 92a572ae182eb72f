import { BoxError, type Digest, type ErrorCode } from '@boxkit/contracts';

/** Where in which layer an extraction failed. */
export interface LayerErrorFields {
  readonly layer: Digest;
  /** The entry's name as the tar has it, read as UTF-8. */
  readonly entry?: string;
  /** Bytes from the start of the uncompressed tar. */
  readonly offset?: number;
  /** Of a budget: its name in BudgetLimits, and its limit. */
  readonly budget?: string;
  readonly limit?: number;
  /** Of what could not be held: the code that its warning would have. */
  readonly warning?: string;
  /** The errno of a system call that failed. */
  readonly errno?: string;
  /** Of a diffID that does not fit. */
  readonly expected?: string;
  readonly received?: string;
}

/** A layer that cannot be, or must not be, extracted; `fields` says where. */
export class LayerError extends BoxError {
  declare readonly fields: Readonly<Record<string, unknown>> & LayerErrorFields;

  constructor(
    code: ErrorCode,
    message: string,
    fields: LayerErrorFields,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(code, message, {
      fields: { ...fields },
      ...(options.hint === undefined ? {} : { hint: options.hint }),
      ...(options.cause === undefined ? {} : { cause: options.cause }),
    });
  }
}

/**
 * Thrown inside the worker, where the layer and the offset are not at hand; the extractor adds them. `reason` ends
 * the message "cannot extract ENTRY of layer DIGEST: ...".
 */
export class ExtractFailure extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly fields: Partial<LayerErrorFields>;

  constructor(code: ErrorCode, reason: string, options: { hint?: string; fields?: Partial<LayerErrorFields> } = {}) {
    super(reason);
    this.code = code;
    this.hint = options.hint;
    this.fields = options.fields ?? {};
  }
}

/** The layer breaks its format. */
export function invalid(reason: string): ExtractFailure {
  return new ExtractFailure('ERR_BOX_LAYER_INVALID', reason, {
    hint: 'The layer is damaged or was made by a faulty tool; pull it again or rebuild the image.',
  });
}

/** The layer would reach out of its root. */
export function unsafe(reason: string): ExtractFailure {
  return new ExtractFailure('ERR_BOX_LAYER_UNSAFE', reason, { hint: 'Do not trust this image.' });
}

/** A format that box does not read. */
export function unsupported(reason: string, hint?: string): ExtractFailure {
  return new ExtractFailure('ERR_BOX_LAYER_UNSUPPORTED', reason, hint === undefined ? {} : { hint });
}

/** A limit was passed. */
export function exceeded(budget: string, limit: number, unit: string): ExtractFailure {
  return new ExtractFailure('ERR_BOX_BUDGET_EXCEEDED', `more than ${limit} ${unit} (budget ${budget})`, {
    hint: `If you trust the image, raise the budget: --budget ${budget}=NUMBER, or "budgets" in the configuration or the call.`,
    fields: { budget, limit },
  });
}
