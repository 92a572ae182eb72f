/** Many numbers in 8 bytes each, put in in any order, asked for by binary search. */
export class NumberList {
  #values = new Float64Array(256);
  #size = 0;
  #sorted = true;

  get size(): number {
    return this.#size;
  }

  add(value: number): void {
    if (this.#size === this.#values.length) {
      const larger = new Float64Array(this.#size * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#sorted &&= this.#size === 0 || (this.#values[this.#size - 1] ?? 0) <= value;
    this.#values[this.#size] = value;
    this.#size += 1;
  }

  has(value: number): boolean {
    if (!this.#sorted) {
      this.#values.subarray(0, this.#size).sort();
      this.#sorted = true;
    }
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#values[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low < this.#size && this.#values[low] === value;
  }
}
