import type { BudgetLimits, LayerBudgets } from './budgets.ts';
import { exceeded } from './layer-error.ts';

const byteCounter = 0;
/** In 32-bit words, behind the 64 bits of the bytes. */
const entryCounter = 2;
/** The shared counter of bytes is touched once for so many, and for every entry that brings more. */
const step = 2 ** 20;

/** Spends what a layer costs from the tally that the layers of one image share. */
export class Tally {
  readonly limits: BudgetLimits;
  readonly #spent: BigUint64Array;
  readonly #entries: Int32Array;
  #pending = 0;
  #tarBytes = 0;
  #mostTarBytes: number;

  /** `compressed`: bytes of the blob, for the ratio. */
  constructor(budgets: LayerBudgets, compressed: number) {
    this.limits = budgets.limits;
    this.#spent = new BigUint64Array(budgets.spent);
    this.#entries = new Int32Array(budgets.spent);
    this.#mostTarBytes = Math.max(freeOutput, compressed * budgets.limits.ratio);
  }

  /** One more entry, or one more extended header. */
  entry(): void {
    if (Atomics.add(this.#entries, entryCounter, 1) >= this.limits.entries)
      throw exceeded('entries', this.limits.entries, 'entries');
  }

  /** Content that the tar does not spell out: holes. Checked before the file is made. */
  holes(bytes: number): void {
    this.#spend(bytes);
  }

  /** Bytes of the uncompressed tar, as they arrive. */
  tarBytes(count: number): void {
    this.#tarBytes += count;
    if (this.#tarBytes > this.#mostTarBytes) {
      throw exceeded('ratio', this.limits.ratio, 'uncompressed bytes for each compressed one');
    }
    this.#pending += count;
    if (this.#pending >= step) this.flush();
  }

  /** Spends what has not been spent yet; call at the end. */
  flush(): void {
    const pending = this.#pending;
    this.#pending = 0;
    this.#spend(pending);
  }

  #spend(bytes: number): void {
    const before = Atomics.add(this.#spent, byteCounter, BigInt(bytes));
    if (before + BigInt(bytes) > BigInt(this.limits.bytes)) throw exceeded('bytes', this.limits.bytes, 'bytes');
  }
}

/** Small layers of zeros compress beyond any ratio, and harm nobody. */
const freeOutput = 64 * 2 ** 20;
