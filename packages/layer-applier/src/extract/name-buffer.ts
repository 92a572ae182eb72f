/** One reused NUL-terminated buffer for a name that goes into a system call; valid until the next `set`. */
export class NameBuffer {
  #bytes = Buffer.alloc(4200);

  set(name: string): Buffer {
    if (name.length >= this.#bytes.length) this.#bytes = Buffer.alloc(name.length * 2);
    this.#bytes.write(name, 0, 'latin1');
    this.#bytes[name.length] = 0;
    return this.#bytes;
  }
}
