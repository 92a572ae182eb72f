/** One reused NUL-terminated buffer for a name that goes into a system call; valid until the next `set`. */
export class NameBuffer {
  #bytes = Buffer.alloc(4200);

  set(name: string): Buffer {
    if (name.length >= this.#bytes.length) this.#bytes = Buffer.alloc(name.length * 2);
    const bytes = this.#bytes;
    // A short name is written sooner than a native function is called.
    if (name.length > 64) bytes.write(name, 0, 'latin1');
    else for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i);
    bytes[name.length] = 0;
    return bytes;
  }
}
