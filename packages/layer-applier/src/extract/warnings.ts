import type { LayerWarning } from '../staged-layer.ts';

/** Counts what could not be done, one warning a kind. */
export class Warnings {
  readonly #byCode = new Map<string, { message: string; count: number }>();

  /** The first message of a code is the one that is kept. */
  add(code: string, message: string): void {
    const known = this.#byCode.get(code);
    if (known === undefined) this.#byCode.set(code, { message, count: 1 });
    else known.count++;
  }

  list(): LayerWarning[] {
    return [...this.#byCode].map(([code, { message, count }]) => ({ code, message, count }));
  }
}
