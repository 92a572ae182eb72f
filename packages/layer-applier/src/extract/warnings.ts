import type { LayerWarning } from '../staged-layer.ts';
import { ExtractFailure } from './layer-error.ts';

/** Counts what could not be done, one warning a kind. */
export class Warnings {
  readonly #byCode = new Map<string, { message: string; count: number }>();

  readonly #strict: boolean;

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  /** The first message of a code is the one that is kept. Throws it when nothing may be left out. */
  add(code: string, message: string): void {
    if (this.#strict) throw leftOut(code, message);
    const known = this.#byCode.get(code);
    if (known === undefined) this.#byCode.set(code, { message, count: 1 });
    else known.count++;
  }

  list(): LayerWarning[] {
    return [...this.#byCode].map(([code, { message, count }]) => ({ code, message, count }));
  }
}

/** What a strict caller gets instead of a warning. */
export function leftOut(code: string, message: string): ExtractFailure {
  return new ExtractFailure('ERR_BOX_EXTRACT_FAILED', message, {
    hint: 'Without the strict option it is left out, with a warning; as root, or on another file system, it may be held.',
    fields: { warning: code },
  });
}
