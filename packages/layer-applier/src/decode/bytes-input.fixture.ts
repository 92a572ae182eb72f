import { HashedInput } from './tar-input.ts';

/** A tar in memory. */
export class BytesInput extends HashedInput {
  readonly buffer: Buffer;

  constructor(tar: Uint8Array) {
    super('sha256');
    this.buffer = Buffer.from(tar);
    this.end = this.buffer.length;
    this.received(tar);
  }

  fill(): number {
    return this.end - this.position;
  }
}
